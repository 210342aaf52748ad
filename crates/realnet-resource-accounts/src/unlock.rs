//! Lifting the locks that failed attempts have put on an account, before their time.

use realnet_core::provider::EventKind;
use realnet_core::resource::Context;
use realnet_core::{Error, Result, Uuid};
use serde_json::json;

use crate::accounts::Accounts;
use crate::directory::Directory;
use crate::kind::username_of;
use crate::sessions::{from, signed_in};

impl Accounts {
    /// Forgets what has failed for an account. For administrators; of superusers, for superusers.
    pub(crate) async fn unlock(&self, cx: &Context, account: &str) -> Result<()> {
        signed_in(cx.caller())?;
        if !cx.caller().is_admin() {
            return Err(Error::forbidden("only administrators unlock accounts"));
        }
        let id = Uuid::parse_str(account)
            .map_err(|_| Error::malformed_at("/account", "expected the id of an account"))?;
        self.may_manage(cx.caller(), id).await?;
        let item = Directory::new(&self.services).item(id).await?;
        let item = item.ok_or_else(|| Error::not_found(format_args!("account {id}")))?;
        self.forget_failures(id, item.org, username_of(&item)).await?;
        self.forget_codes(id).await?;
        let detail = json!({"by": cx.caller().account});
        self.tell(EventKind::Unlocked, item.org, Some(id), &from(cx), detail).await;
        Ok(())
    }
}

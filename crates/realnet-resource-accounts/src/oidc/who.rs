//! From an identity to an account: the one that it is linked with, one of the same verified address, or a new one.

use realnet_core::clock::Timestamp;
use realnet_core::model::Item;
use realnet_core::provider::{EventKind, Expected, RecordKind};
use realnet_core::resource::Context;
use realnet_core::{Error, ErrorKind, Result, Uuid};
use serde_json::{Value, json};

use super::exchange::Identity;
use super::links::{Link, key};
use super::provider::Provider;
use crate::accounts::Accounts;
use crate::directory::Directory;
use crate::kind::{is_disabled, is_superuser};
use crate::notices::Notice;
use crate::sessions::from;

/// An account that is being made by another request is there after so many seconds, or never.
const MAKING: i64 = 60;

impl Accounts {
    /// The account of an identity in the org of the provider.
    pub(super) async fn account_of(
        &self,
        cx: &Context,
        provider: &Provider,
        identity: &Identity,
    ) -> Result<Item> {
        let now = cx.now();
        let record =
            self.services.credentials.record(RecordKind::Link, &key(provider.org, identity), now).await?;
        let Some(record) = record else {
            return self.newcomer(cx, provider, identity, Expected::Absent).await;
        };
        let link = Link::read(&record)?;
        if let Some(account) = self.standing(provider.org, link.account).await? {
            // Whoever has linked an identity with somebody else's account is not raised along with it.
            if is_superuser(&account) && link.as_superuser == Some(false) {
                return Err(Error::forbidden(
                    "your account became a superuser's after it was linked: sign in by the password, remove the link and make it anew",
                ));
            }
            return Ok(account);
        }
        if is_recent(record.created_at, now) {
            return Err(Error::unavailable("your account is being made: try again in a moment"));
        }
        // Of an account that is not there any more.
        self.newcomer(cx, provider, identity, Expected::Version(record.version)).await
    }

    /// An account of an org, if it may sign in.
    ///
    /// # Errors
    /// Forbidden when it is disabled.
    pub(crate) async fn standing(&self, org: Uuid, id: Uuid) -> Result<Option<Item>> {
        let directory = Directory::new(&self.services);
        let account = directory.item(id).await?;
        let account = account.filter(|account| account.org == org && directory.is(account, "Account"));
        match account {
            Some(account) if is_disabled(&account) => {
                Err(Error::new(ErrorKind::Forbidden, "your account is disabled: ask an administrator"))
            }
            account => Ok(account),
        }
    }

    /// Somebody who is not linked with an account yet.
    async fn newcomer(
        &self,
        cx: &Context,
        provider: &Provider,
        identity: &Identity,
        expected: Expected,
    ) -> Result<Item> {
        let holder = match &identity.email {
            Some(email) => Directory::new(&self.services).account_of_address(provider.org, email).await?,
            None => None,
        };
        let Some(holder) = holder else {
            return self.make_account(cx, provider, identity, expected).await;
        };
        let is_proved = holder.attributes.get("email_verified").and_then(Value::as_bool) == Some(true);
        // Administrators choose the provider, so it does not open what is above them; nor does an address make a way into an
        // account that asks for more than one proof.
        let is_guarded = is_superuser(&holder) || self.factor_of(holder.id).await?.is_some();
        if !provider.links_by_email || !is_proved || is_guarded {
            return Err(Error::conflict(
                "there is an account of your address: sign in to it and link it with the provider",
            ));
        }
        let holder = self.standing(provider.org, holder.id).await?;
        let holder = holder.ok_or_else(|| Error::conflict("the account has just gone: begin again"))?;
        if self.make_link(provider, identity, (holder.id, false), expected).await? != holder.id {
            return Err(Error::conflict("the link has changed meanwhile: begin again"));
        }
        let detail = json!({"provider": provider.id, "issuer": identity.issuer, "by": "email"});
        self.tell(EventKind::Linked, provider.org, Some(holder.id), &from(cx), detail).await;
        self.notify(&holder, Notice::Linked);
        Ok(holder)
    }
}

fn is_recent(at: Timestamp, now: Timestamp) -> bool {
    now < at.plus_seconds(MAKING)
}

//! The proof that an address is one's own: a mail with a token, and the token back.

use std::sync::Arc;
use std::time::Duration;

use realnet_core::change::{Edit, Operation};
use realnet_core::limit::Rate;
use realnet_core::model::{Attributes, Item};
use realnet_core::provider::{EventKind, RecordKind};
use realnet_core::resource::Context;
use realnet_core::{Error, Result, Uuid, Violation};
use serde_json::json;

use crate::accounts::Accounts;
use crate::directory::Directory;
use crate::kind::username_of;
use crate::one_time::not_good;
use crate::reset::address_of;
use crate::sessions::{from, signed_in};

/// How long a token is good.
const LIFE: Duration = Duration::from_hours(24);
/// How many mails one account gets.
const BY_ACCOUNT: Option<Rate> = Rate::new(5, Duration::from_hours(1));

impl Accounts {
    /// Sends a mail to the address of the caller.
    pub(crate) async fn ask_verification(&self, cx: &Context) -> Result<()> {
        let id = signed_in(cx.caller())?;
        let account = Directory::new(&self.services).item(id).await?;
        let account = account.ok_or_else(|| Error::not_found("the account"))?;
        let Some(address) = address_of(&account).map(str::to_owned) else {
            return Err(Error::conflict("the account has no address"));
        };
        if let Some(rate) = BY_ACCOUNT {
            self.limit(&format!("verify-email:account:{id}"), rate).await?;
        }
        self.tell(EventKind::VerificationAsked, account.org, Some(id), &from(cx), json!({})).await;
        self.send_verification(account, address);
        Ok(())
    }

    /// Sends a mail to an address that an account calls its own. Where another account has that address, its owner is told
    /// so, and the answer is the same.
    pub(crate) fn send_verification(&self, account: Item, address: String) {
        self.later(move |accounts| async move {
            let directory = Directory::new(&accounts.services);
            let other = directory.account_of_address(account.org, &address).await?;
            if let Some(other) = other.filter(|other| other.id != account.id) {
                let text = format!(
                    "Somebody, probably you, has given this address for a new account.\n\n\
                     There is an account of this address already: {}. If the password is lost, ask for a new one.\n",
                    username_of(&other)
                );
                return accounts.mailer.send(&address, "You have an account", text).await;
            }
            let of = (account.id, account.org);
            let token = accounts.issue(RecordKind::Verification, of, &address, LIFE).await?;
            let way = accounts.mailer.way("verify-email", "/api/auth/verify-email/confirm", &token);
            let text = format!(
                "Please confirm that this is the address of the account {}.\n\n{way}\n\n\
                 This works once, for 24 hours. If the account is not yours, do nothing.\n",
                username_of(&account)
            );
            accounts.mailer.send(&address, "Please confirm your address", text).await
        });
    }

    /// Takes the token of such a mail for the proof that it is.
    pub(crate) async fn verify_address(&self, cx: &Context, token: &str) -> Result<()> {
        let record = self.use_up(RecordKind::Verification, token).await?;
        let id = record.account.unwrap_or(Uuid::nil());
        let address = String::from_utf8(record.value).map_err(|_| not_good())?;
        let account = Directory::new(&self.services).item(id).await?.ok_or_else(not_good)?;
        let edit: Edit = Arc::new(move |before| proved(before, &address));
        let operation = Operation::Update { id, expected_version: None, edit };
        self.commit_as_system(cx, account.org, operation).await?;
        self.tell(EventKind::Verified, account.org, Some(id), &from(cx), json!({})).await;
        Ok(())
    }
}

/// The account with a proved address: its own, or the first that it gets.
fn proved(before: &Item, address: &str) -> Result<Item> {
    if address_of(before).is_some_and(|own| own != address) {
        let detail = "was sent to an address that the account has no more";
        return Err(Error::invalid(vec![Violation::new("/token", detail)]));
    }
    let mut after = before.clone();
    let mut attributes = std::mem::take(&mut after.attributes).into_map();
    attributes.insert("email".to_owned(), address.into());
    attributes.insert("email_verified".to_owned(), true.into());
    after.attributes = Attributes::from_map(attributes);
    Ok(after)
}

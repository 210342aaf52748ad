//! A forgotten password: a mail with a token that serves once, and a new password for it.

use std::time::Duration;

use realnet_core::acl::Origin;
use realnet_core::change::Operation;
use realnet_core::model::Item;
use realnet_core::provider::{AuthRecord, EventKind, RecordKind};
use realnet_core::resource::Context;
use realnet_core::{Result, Uuid};
use serde_json::json;

use crate::accounts::Accounts;
use crate::directory::Directory;
use crate::kind::{address_of, is_disabled, names_of, username_of};
use crate::limits::{Limited, home};
use crate::mail::Sort;
use crate::one_time::{Leave, not_good};
use crate::policy;
use crate::sessions::from;

/// How long a token is good.
const LIFE: Duration = Duration::from_mins(30);
/// How many mails one network can ask for, in which time.
const BY_NETWORK: (u32, Duration) = (20, Duration::from_hours(1));

impl Accounts {
    /// Sends a mail to whoever has this address. Whether anybody has is told neither by the answer nor by its time: it is
    /// given before anything is looked up.
    pub(crate) async fn ask_reset(&self, cx: &Context, email: String, org: Option<String>) -> Result<()> {
        let origin = from(cx);
        let limited =
            Limited { what: "password-reset", org: cx.caller().org, account: None, origin: &origin };
        self.limit_network(&limited, BY_NETWORK.0, BY_NETWORK.1).await?;
        self.later(Sort::Reset, move |accounts| async move {
            let org = match org {
                Some(name) => Directory::new(&accounts.services).org(&name).await?,
                None => accounts.default_org().await?,
            };
            accounts.mail_reset(org.unwrap_or(Uuid::nil()), &email, origin).await
        });
        Ok(())
    }

    /// Writes the same to the store whether somebody has the address or not, and mails if somebody has.
    async fn mail_reset(&self, org: Uuid, email: &str, origin: Origin) -> Result<()> {
        let account = Directory::new(&self.services).account_of_address(org, email).await?;
        let account = account.filter(|account| !is_disabled(account));
        let id = account.as_ref().map(|account| account.id);
        let limited = Limited { what: "password-reset", org, account: id, origin: &origin };
        let to = account.as_ref().and_then(address_of).map(str::to_owned);
        if !self.may_mail(Sort::Reset, &limited, to.as_deref().unwrap_or(email)).await {
            return Ok(());
        }
        let address = to.clone().unwrap_or_default();
        let epoch = self.epoch_of(id.unwrap_or(Uuid::nil())).await?;
        let leave = Leave { address, before: to.clone(), epoch };
        let token = self.issue(RecordKind::Reset, (id, org), &leave, LIFE).await?;
        self.tell(EventKind::PasswordResetAsked, org, id, &origin, json!({})).await;
        let Some((account, to)) = account.zip(to) else { return Ok(()) };
        let way = self.mailer.way("reset-password", "/api/auth/password-reset/confirm", &token);
        let text = format!(
            "Somebody, probably you, has asked for a new password of the account {}.\n\n{way}\n\n\
             This works once, for 30 minutes. If it was not you, do nothing: the password stays as it is.\n",
            username_of(&account)
        );
        self.mailer.send(Sort::Reset, &to, "A new password", text).await
    }

    /// Sets a new password by a token, which ends all sessions and makes other tokens void. A password that is refused leaves
    /// the token good.
    pub(crate) async fn reset(&self, cx: &Context, token: &str, password: &str) -> Result<()> {
        let record = self.look_at(RecordKind::Reset, token).await?;
        let account = self.holder(&record).await?;
        policy::check(password, &names_of(&account))?;
        let password_hash = self.passwords.hash_new(password).await?;
        let record = self.use_up(RecordKind::Reset, token).await?;
        // Hashing takes its time, in which the owner may have set a password.
        let account = self.holder(&record).await?;
        let operation = Operation::SetPassword { account: account.id, password_hash };
        self.commit_as_system(cx, account.org, operation).await?;
        let origin = from(cx);
        self.forget_failures(account.id, account.org, username_of(&account)).await?;
        if let Some(address) = origin.address {
            // So that guesses of strangers do not keep the owner out who has just shown to be it.
            self.learn_network(account.id, account.org, &home(address)).await;
        }
        self.tell(EventKind::PasswordReset, account.org, Some(account.id), &origin, json!({})).await;
        Ok(())
    }

    /// The account of a token, if it still has the address that the token was sent to and the password of then.
    async fn holder(&self, record: &AuthRecord) -> Result<Item> {
        let leave = Leave::read(record)?;
        let id = record.account.unwrap_or(Uuid::nil());
        let directory = Directory::new(&self.services);
        let account = directory.item(id).await?.filter(|item| {
            directory.is(item, "Account")
                && !is_disabled(item)
                && address_of(item) == Some(leave.address.as_str())
        });
        let account = account.ok_or_else(not_good)?;
        if self.epoch_of(id).await? == leave.epoch { Ok(account) } else { Err(not_good()) }
    }
}

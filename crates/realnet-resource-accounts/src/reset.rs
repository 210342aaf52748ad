//! A forgotten password: a mail with a token that serves once, and a new password for it.

use std::sync::Arc;
use std::time::Duration;

use realnet_core::change::Operation;
use realnet_core::limit::Rate;
use realnet_core::model::Item;
use realnet_core::provider::{AuthRecord, EventKind, RecordKind};
use realnet_core::resource::Context;
use realnet_core::{Result, Uuid};
use serde_json::{Value, json};

use crate::accounts::Accounts;
use crate::directory::Directory;
use crate::kind::{is_disabled, username_of};
use crate::one_time::not_good;
use crate::policy;
use crate::sessions::from;

/// How long a token is good.
const LIFE: Duration = Duration::from_mins(30);
const HOUR: Duration = Duration::from_hours(1);
/// How many mails one address can ask for.
const BY_ADDRESS: Option<Rate> = Rate::new(20, HOUR);
/// How many mails one account gets.
const BY_ACCOUNT: Option<Rate> = Rate::new(5, HOUR);

impl Accounts {
    /// Sends a mail to whoever has this address. Whether anybody has is told neither by the answer nor by its time: it is
    /// given before anything is looked up.
    pub(crate) async fn ask_reset(&self, cx: &Context, email: String, org: Option<String>) -> Result<()> {
        let origin = from(cx);
        if let Some(rate) = BY_ADDRESS {
            self.limit_address("password-reset", rate, &origin).await?;
        }
        self.later(move |accounts| async move {
            let directory = Directory::new(&accounts.services);
            let org = match org {
                Some(name) => directory.org(&name).await?,
                None => accounts.default_org().await?,
            };
            let Some(org) = org else { return Ok(()) };
            let account = directory.account_of_address(org, &email).await?.filter(|item| !is_disabled(item));
            let Some(account) = account else { return Ok(()) };
            if let Some(rate) = BY_ACCOUNT
                && accounts.limit(&format!("password-reset:account:{}", account.id), rate).await.is_err()
            {
                return Ok(());
            }
            let to = address_of(&account).unwrap_or_default();
            let token = accounts.issue(RecordKind::Reset, (account.id, org), to, LIFE).await?;
            accounts.tell(EventKind::PasswordResetAsked, org, Some(account.id), &origin, json!({})).await;
            let way = accounts.mailer.way("reset-password", "/api/auth/password-reset/confirm", &token);
            let text = format!(
                "Somebody, probably you, has asked for a new password of the account {}.\n\n{way}\n\n\
                 This works once, for 30 minutes. If it was not you, do nothing: the password stays as it is.\n",
                username_of(&account)
            );
            accounts.mailer.send(to, "A new password", text).await
        });
        Ok(())
    }

    /// Sets a new password by a token, which ends all sessions. A password that is refused leaves the token good.
    pub(crate) async fn reset(&self, cx: &Context, token: &str, password: &str) -> Result<()> {
        let record = self.look_at(RecordKind::Reset, token).await?;
        let account = self.holder(&record).await?;
        policy::check(password, &names_of(&account))?;
        let password_hash = self.passwords.hash(password).await?;
        self.use_up(RecordKind::Reset, token).await?;
        let operation = Operation::SetPassword { account: account.id, password_hash };
        self.commit_as_system(cx, account.org, operation).await?;
        self.void(RecordKind::Reset, account.id).await?;
        self.forget_failures(account.org, username_of(&account)).await?;
        self.tell(EventKind::PasswordReset, account.org, Some(account.id), &from(cx), json!({})).await;
        Ok(())
    }

    /// The account of a token, if it still has the address that the token was sent to.
    async fn holder(&self, record: &AuthRecord) -> Result<Item> {
        let id = record.account.unwrap_or(Uuid::nil());
        let directory = Directory::new(&self.services);
        let account = directory.item(id).await?.filter(|item| {
            directory.is(item, "Account")
                && !is_disabled(item)
                && address_of(item).is_some_and(|address| address.as_bytes() == record.value)
        });
        account.ok_or_else(not_good)
    }

    /// Commits what somebody has proved their right to by other means than being signed in.
    pub(crate) async fn commit_as_system(&self, cx: &Context, org: Uuid, operation: Operation) -> Result<()> {
        let caller = Arc::new(realnet_core::acl::Caller::system(org));
        let access = realnet_core::provider::Access { caller, registry: Arc::clone(&cx.access.registry) };
        let changes =
            realnet_core::change::ChangeSet::new(vec![operation], cx.now(), Arc::clone(&cx.request_id))
                .with_origin(cx.origin.clone());
        self.services.items.commit(&access, changes).await?;
        self.forget();
        Ok(())
    }
}

/// The address of an account.
pub(crate) fn address_of(account: &Item) -> Option<&str> {
    account.attributes.get("email").and_then(Value::as_str)
}

/// What an attacker knows of an account.
pub(crate) fn names_of(account: &Item) -> Vec<&str> {
    [Some(username_of(account)), address_of(account)].into_iter().flatten().collect()
}

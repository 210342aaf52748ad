//! The proof that an address is one's own: a mail with a token, and the token back from who is signed in.
//!
//! An address that somebody gives an account of their own becomes the account's by that proof alone, so that nobody takes
//! addresses of others, or learns by trying which are taken. Until then it stands in the record of the token.

use std::sync::Arc;
use std::time::Duration;

use realnet_core::acl::Origin;
use realnet_core::change::{Edit, Operation};
use realnet_core::limit::Rate;
use realnet_core::model::{Attributes, Item};
use realnet_core::provider::{EventKind, RecordKind};
use realnet_core::resource::Context;
use realnet_core::{Error, ErrorKind, Result};
use serde_json::json;

use crate::accounts::Accounts;
use crate::directory::Directory;
use crate::kind::{address_of, username_of};
use crate::limits::Limited;
use crate::mail::Sort;
use crate::notices::Notice;
use crate::one_time::{Leave, not_good};
use crate::sessions::{from, signed_in};

/// How long a token is good.
const LIFE: Duration = Duration::from_hours(24);
/// How many mails one account asks for, in which time.
const BY_ACCOUNT: (u32, Duration) = (5, Duration::from_hours(1));

impl Accounts {
    /// Sends a mail to the address that waits for its proof, or else to the one of the caller.
    pub(crate) async fn ask_verification(&self, cx: &Context) -> Result<()> {
        let id = signed_in(cx.caller())?;
        let account = Directory::new(&self.services).item(id).await?;
        let account = account.ok_or_else(|| Error::not_found("the account"))?;
        let pending = self.pending_address(&account).await?;
        let address = pending.or_else(|| address_of(&account).map(str::to_owned));
        let address = address.ok_or_else(|| Error::conflict("the account has no address"))?;
        let origin = from(cx);
        self.limit_proofs(&account, &origin).await?;
        self.tell(EventKind::VerificationAsked, account.org, Some(id), &origin, json!({})).await;
        let token = self.begin_proof(&account, &address).await?;
        self.send_proof(account, address, token, origin);
        Ok(())
    }

    /// Counts a proof that an account asks for.
    pub(crate) async fn limit_proofs(&self, account: &Item, origin: &Origin) -> Result<()> {
        let (times, per) = BY_ACCOUNT;
        let Some(rate) = Rate::new(times, per) else { return Ok(()) };
        let limited = Limited { what: "verify-email", org: account.org, account: Some(account.id), origin };
        self.limit(&limited, &format!("account:{}", account.id), rate, per).await
    }

    /// A token that proves an address, which it waits with. Those for other addresses are void.
    pub(crate) async fn begin_proof(&self, account: &Item, address: &str) -> Result<String> {
        let now = self.services.clock.now();
        for record in self.services.credentials.records_of(account.id, RecordKind::Verification, now).await? {
            if Leave::read(&record).ok().is_none_or(|leave| leave.address != address) {
                self.services.credentials.remove_record(RecordKind::Verification, &record.key).await?;
            }
        }
        let before = address_of(account).map(str::to_owned);
        let epoch = self.epoch_of(account.id).await?;
        let leave = Leave { address: address.to_owned(), before, epoch };
        self.issue(RecordKind::Verification, (Some(account.id), account.org), &leave, LIFE).await
    }

    /// The address that waits for its proof.
    async fn pending_address(&self, account: &Item) -> Result<Option<String>> {
        let now = self.services.clock.now();
        let records = self.services.credentials.records_of(account.id, RecordKind::Verification, now).await?;
        let epoch = self.epoch_of(account.id).await?;
        let leaves = records.iter().rev().filter_map(|record| Leave::read(record).ok());
        let mut good = leaves.filter(|leave| is_good(leave, account, epoch));
        Ok(good.next().map(|leave| leave.address))
    }

    /// Sends the token to the address that it proves.
    pub(crate) fn send_proof(&self, account: Item, address: String, token: String, origin: Origin) {
        self.later(Sort::Proof, move |accounts| async move {
            accounts.mail_proof(&account, &address, &token, &origin).await
        });
    }

    /// Where another account has that address, its owner is told so instead.
    pub(crate) async fn mail_proof(
        &self,
        account: &Item,
        address: &str,
        token: &str,
        origin: &Origin,
    ) -> Result<()> {
        let limited = Limited { what: "verify-email", org: account.org, account: Some(account.id), origin };
        if !self.may_mail(Sort::Proof, &limited, address).await {
            return Ok(());
        }
        let other = Directory::new(&self.services).account_of_address(account.org, address).await?;
        if let Some(other) = other.filter(|other| other.id != account.id) {
            let text = format!(
                "Somebody, probably you, has given this address for another account.\n\n\
                 There is an account of this address already: {}. If the password is lost, ask for a new one.\n",
                username_of(&other)
            );
            let to = address_of(&other).unwrap_or(address);
            return self.mailer.send(Sort::Proof, to, "You have an account", text).await;
        }
        let way = self.mailer.way("verify-email", "/api/auth/verify-email/confirm", token);
        // Not by name, which a stranger may have chosen for what it says.
        let text = format!(
            "Please confirm that this is the address of your account: sign in to it and open\n\n{way}\n\n\
             This works once, for 24 hours. If you have no such account, do nothing.\n"
        );
        self.mailer.send(Sort::Proof, address, "Please confirm your address", text).await
    }

    /// Takes the token of such a mail for the proof that it is. Who has read the mail must be who has the account, else a
    /// stranger could have others confirm their address for an account that the stranger knows the password of.
    pub(crate) async fn verify_address(&self, cx: &Context, token: &str) -> Result<()> {
        let Some(id) = cx.caller().account else {
            let words = "sign in to the account first: the token stays good";
            return Err(Error::new(ErrorKind::Unauthenticated, words));
        };
        let record = self.look_at(RecordKind::Verification, token).await?;
        let leave = Leave::read(&record)?;
        let account = Directory::new(&self.services).item(id).await?.ok_or_else(not_good)?;
        let epoch = self.epoch_of(id).await?;
        if record.account != Some(id) || !is_good(&leave, &account, epoch) {
            return Err(not_good());
        }
        self.use_up(RecordKind::Verification, token).await?;
        let Leave { address, before: old, .. } = leave.clone();
        let edit: Edit = Arc::new(move |before| proved(before, &leave));
        let operation = Operation::Update { id, expected_version: None, edit };
        self.commit_as_system(cx, account.org, operation).await?;
        self.tell(EventKind::Verified, account.org, Some(id), &from(cx), json!({})).await;
        if old.as_deref() != Some(&address) {
            self.tell(EventKind::EmailChanged, account.org, Some(id), &from(cx), json!({"by": id})).await;
            self.notify(&account, Notice::Address);
        }
        Ok(())
    }
}

/// Whether an account is still as it was when the token was made.
fn is_good(leave: &Leave, account: &Item, epoch: i64) -> bool {
    leave.epoch == epoch && leave.before.as_deref() == address_of(account)
}

/// The account with a proved address.
fn proved(before: &Item, leave: &Leave) -> Result<Item> {
    if leave.before.as_deref() != address_of(before) {
        return Err(not_good());
    }
    let mut after = before.clone();
    let mut attributes = std::mem::take(&mut after.attributes).into_map();
    attributes.insert("email".to_owned(), leave.address.clone().into());
    attributes.insert("email_verified".to_owned(), true.into());
    after.attributes = Attributes::from_map(attributes);
    Ok(after)
}

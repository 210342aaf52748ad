//! What a write says of the address of an account: taken out where it has to be proved first.

use realnet_core::model::{Item, Map};
use realnet_core::provider::EventKind;
use realnet_core::registry::TypeRegistry;
use realnet_core::resource::{Change, Context, Intake};
use realnet_core::{Error, Result};
use serde_json::{Value, json};

use crate::accounts::Accounts;
use crate::directory::Directory;
use crate::intake::mentions;
use crate::kind::address_of;
use crate::mail::Sort;
use crate::notices::Notice;
use crate::sessions::from;

/// What becomes of the address of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    /// It stays.
    Nothing,
    /// It becomes this one, or is removed.
    Address(Option<String>),
    /// That shows in the transaction only: a JSON Patch may do anything with it.
    Unseen,
}

/// What a write says.
pub(crate) fn said(change: &Change) -> Said {
    let text = |value: &Value| value.as_str().map(str::to_ascii_lowercase);
    match change {
        Change::Json(operations) if mentions(operations, &["email"]) => Said::Unseen,
        Change::Create(_) | Change::Json(_) => Said::Nothing,
        Change::Replace(body) => Said::Address(body.attributes.get("email").and_then(text)),
        Change::Merge(body) => match body.attributes.get("email") {
            Some(value) => Said::Address(text(value)),
            None if body.clears => Said::Address(None),
            None => Said::Nothing,
        },
    }
}

/// Whether an account gets another address than it has, as far as can be seen.
pub(crate) fn is_new(said: &Said, stored: &Item) -> bool {
    match said {
        Said::Nothing => false,
        Said::Address(next) => *next != address_of(stored).map(str::to_ascii_lowercase),
        Said::Unseen => true,
    }
}

impl Accounts {
    /// Takes in a new address. One that somebody gives their own account waits for its proof, and the write goes on without it:
    /// the answer is the same whether another account has it.
    pub(crate) async fn take_address(
        &self,
        cx: &Context,
        intake: &mut Intake<'_>,
        said: Said,
        stored: &Item,
    ) -> Result<()> {
        let is_own = cx.caller().account == Some(stored.id);
        if let (Said::Address(Some(_)), true, false) = (&said, is_own, cx.caller().is_admin()) {
            let Some(body) = intake.change.body_mut() else { return Ok(()) };
            let given = body.attributes.remove("email").unwrap_or_default();
            if let Some(kept) = address_of(stored) {
                body.attributes.insert("email".to_owned(), kept.into());
            }
            let address = checked(cx.registry(), given)?;
            return self.await_proof(cx, stored, address).await;
        }
        let detail = json!({"by": cx.caller().account});
        if said == Said::Unseen {
            self.look_when_durable(cx, stored, detail);
        } else {
            cx.note(EventKind::EmailChanged, stored.org, Some(stored.id), detail);
            self.notify_when_durable(cx, stored, Notice::Address);
        }
        Ok(())
    }

    /// Looks once the write is durable whether the address has changed.
    fn look_when_durable(&self, cx: &Context, stored: &Item, detail: Value) {
        let (me, before, origin) = (self.me.clone(), stored.clone(), from(cx));
        cx.when_durable(move || {
            let Some(accounts) = me.upgrade() else { return };
            accounts.later(Sort::Notice, move |accounts| async move {
                let after = Directory::new(&accounts.services).item(before.id).await?;
                if after.as_ref().and_then(address_of) != address_of(&before) {
                    let (org, id) = (before.org, Some(before.id));
                    accounts.tell(EventKind::EmailChanged, org, id, &origin, detail).await;
                    accounts.notify(&before, Notice::Address);
                }
                Ok(())
            });
        });
    }

    /// Makes the address wait for its proof once the write is durable, and sends that if there is room for one more mail: without
    /// room, the account asks for it again.
    async fn await_proof(&self, cx: &Context, stored: &Item, address: String) -> Result<()> {
        let origin = from(cx);
        self.limit_proofs(stored, &origin).await?;
        cx.note(EventKind::VerificationAsked, stored.org, Some(stored.id), json!({}));
        let (me, account) = (self.me.clone(), stored.clone());
        cx.when_durable(move || {
            let Some(accounts) = me.upgrade() else { return };
            let background = accounts.background.clone();
            background.spawn(async move {
                match accounts.begin_proof(&account, &address).await {
                    Ok(token) => accounts.send_proof(account, address, token, origin),
                    Err(error) => {
                        tracing::error!(error = %error.report(), "a new address can not wait for its proof");
                    }
                }
            });
        });
        Ok(())
    }

    /// Tells an owner of a change once it is durable.
    pub(crate) fn notify_when_durable(&self, cx: &Context, before: &Item, notice: Notice) {
        let (me, before) = (self.me.clone(), before.clone());
        cx.when_durable(move || {
            if let Some(accounts) = me.upgrade() {
                accounts.notify(&before, notice);
            }
        });
    }
}

/// An address in the form that is kept, checked as the type does.
pub(crate) fn checked(registry: &TypeRegistry, email: Value) -> Result<String> {
    let info = registry.system("Account").ok_or_else(|| Error::internal("there is no type Account"))?;
    let mut draft = Map::new();
    draft.insert("email".to_owned(), email);
    info.check_present(&mut draft)?;
    let checked = draft.get("email").and_then(Value::as_str);
    checked.map(str::to_ascii_lowercase).ok_or_else(|| Error::internal("an address is no text"))
}

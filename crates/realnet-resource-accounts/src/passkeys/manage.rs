//! What there is below `/api/auth/passkeys` for who is signed in: adding, listing, removing.

use realnet_core::provider::EventKind;
use realnet_core::resource::{Context, ListRequest, Verb, texts};
use realnet_core::{Error, Result, Violation};
use serde_json::{Value, json};

use crate::accounts::Accounts;
use crate::notices::Notice;
use crate::sessions::from;

impl Accounts {
    /// What there is below `/api/auth/passkeys`, but for signing in.
    pub(crate) async fn passkey_call(
        &self,
        cx: &Context,
        verb: Verb,
        path: &[&str],
        body: Value,
        parameters: &ListRequest,
    ) -> Result<Value> {
        let mut body = if body.is_null() { json!({}) } else { body };
        match (verb, path) {
            (Verb::Get, []) => self.list_passkeys(cx, parameters).await,
            (Verb::Post, []) => self.begin_passkey(cx, texts(body, ["current_password", "code"], 0)?).await,
            (Verb::Post, ["confirm"]) => {
                let credential = body.as_object_mut().and_then(|body| body.remove("credential"));
                let [name] = texts(body, ["name"], 0)?;
                let required = || Error::invalid(vec![Violation::new("/credential", "is required")]);
                self.confirm_passkey(cx, credential.ok_or_else(required)?, name).await
            }
            (Verb::Post, ["options"]) => {
                let [] = texts(body, [], 0)?;
                self.passkey_options(cx).await
            }
            (Verb::Delete, [id]) => {
                self.remove_passkey(cx, id, texts(body, ["current_password", "code"], 0)?).await?;
                Ok(Value::Null)
            }
            _ => Err(Error::not_found(format_args!("/auth/passkeys/{}", path.join("/")))),
        }
    }

    /// One's own, or those of the account that an administrator names.
    async fn list_passkeys(&self, cx: &Context, parameters: &ListRequest) -> Result<Value> {
        let passkeys = self.passkeys_of(self.meant(cx.caller(), parameters).await?).await?;
        Ok(passkeys.iter().map(|(record, kept)| kept.shown(record)).collect())
    }

    async fn remove_passkey(&self, cx: &Context, id: &str, proofs: [Option<String>; 2]) -> Result<()> {
        let own = self.own_account(cx).await?;
        let found = self.passkeys_of(own.id).await?.into_iter().find(|(record, _)| record.key == id);
        let (record, kept) = found.ok_or_else(|| Error::not_found(format_args!("passkey {id}")))?;
        self.prove_by_all(cx, &own, proofs.each_ref().map(Option::as_deref)).await?;
        self.remove_way(record, own.id).await?;
        // It may have been the factor that the org requires.
        self.callers.clear();
        let detail = json!({"kind": "passkey", "name": kept.name});
        self.tell(EventKind::FactorRemoved, own.org, Some(own.id), &from(cx), detail).await;
        self.notify(&own, Notice::PasskeyOff);
        Ok(())
    }
}

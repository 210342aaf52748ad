//! Tokens for the credentials of a client.

use std::sync::Arc;

use realnet_core::acl::Caller;
use realnet_core::model::Item;
use realnet_core::provider::{EventKind, RecordKind};
use realnet_core::resource::{Context, texts};
use realnet_core::{Error, ErrorKind, Result, Uuid};
use serde_json::{Value, json};

use super::check::{caller_of, client_of, footing};
use super::scopes::{narrowed, words_of};
use super::secret::{PREFIX, account_of};
use crate::accounts::Accounts;
use crate::attempts::ADDRESS;
use crate::keys::{Kept, KeyText};
use crate::sessions::from;
use crate::tokens::{Claims, Purpose};

impl Accounts {
    /// Gives a client a token for its id and secret: `{"client_id","client_secret"[,"scope"]}`.
    ///
    /// # Errors
    /// Unauthenticated, in the same words for all that can be wrong with the credentials; invalid at `/scope`.
    pub(crate) async fn client_token(&self, cx: &Context, body: Value) -> Result<Value> {
        let [id, secret, scope] = texts(body, ["client_id", "client_secret", "scope"], 2)?;
        let (id, secret) = (id.unwrap_or_default(), secret.unwrap_or_default());
        let scope = scope.filter(|scope| !scope.trim().is_empty());
        let Some((client, mark, caller)) = self.proved(cx, &id, &secret).await? else {
            let address = from(cx).address;
            return Err(self.refusal_by_address(address).await.unwrap_or_else(refused));
        };
        let registry = self.services.registry.current();
        if narrowed(&registry, &client, scope.as_deref())?.rules().is_empty() {
            return Err(Error::forbidden("the item of the client has no scopes"));
        }
        let claims =
            Claims { account: client.id, session: self.services.ids.next_id(), org: client.org, epoch: mark };
        let now = self.services.clock.now();
        let life = self.config.access_ttl;
        let given = scope.clone().unwrap_or_else(|| words_of(&client).join(" "));
        let (token, _) = self.signer.sign_scoped(Purpose::Client, claims, scope, now, life)?;
        let (origin, detail) = (from(cx).with_token(caller.key), json!({"client": client.id}));
        self.tell(EventKind::ClientToken, client.org, caller.account, &origin, detail).await;
        Ok(json!({
            "access_token": token, "token_type": "Bearer", "expires_in": life.as_secs(), "scope": given,
        }))
    }

    /// The client of an id and a secret, with the mark of its tokens, if both are right and all that they stand on is there.
    async fn proved(&self, cx: &Context, id: &str, secret: &str) -> Result<Option<(Item, i64, Arc<Caller>)>> {
        let (Ok(id), Ok(secret)) = (Uuid::parse_str(id), KeyText::parse(PREFIX, secret)) else {
            return Ok(None);
        };
        let now = self.services.clock.now();
        // Who never had a secret is nobody yet.
        if self.services.credentials.record(RecordKind::Key, &id.to_string(), now).await?.is_none() {
            return Ok(None);
        }
        let Some(client) = client_of(&self.services, id).await? else { return Ok(None) };
        // Hashes of random secrets: how many of their bytes agree tells nothing of use.
        let footing = unless_over(footing(&self.services, &client).await)?;
        let is_right = |kept: &Kept| secret.id == id && kept.hash == secret.hash();
        let footing = footing.filter(|footing| is_right(&footing.kept));
        let caller = match &footing {
            Some(footing) => unless_over(caller_of(&self.services, &client, None, footing).await)?,
            None => None,
        };
        if caller.is_none() && self.gates.is_news(("client refused", id), now, ADDRESS) {
            let detail = json!({"client": id});
            let (org, account) = (client.org, account_of(&client));
            self.tell(EventKind::ClientRefused, org, account, &from(cx), detail).await;
        }
        Ok(footing.zip(caller).map(|(footing, caller)| (client, footing.mark, caller)))
    }
}

fn unless_over<T>(found: Result<T>) -> Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == ErrorKind::Unauthenticated => Ok(None),
        Err(error) => Err(error),
    }
}

fn refused() -> Error {
    Error::new(ErrorKind::Unauthenticated, "the client or its secret is not right")
}

//! The authenticator: bearer token (of a session or a client, or a key) → caller.

use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use realnet_core::acl::{Caller, Origin};
use realnet_core::provider::EventKind;
use realnet_core::resource::{
    Arrival, Arrived, Authenticator, Call, Context, Departed, Departure, Reply, SignIn, SignedIn, Tokens,
};
use realnet_core::{Error, ErrorKind, Result, Uuid};
use serde_json::{Value, json};

use crate::accounts::Accounts;
use crate::keys::is_key;
use crate::principals::load;
use crate::tokens::{Bearer, Claims};

#[async_trait]
impl Authenticator for Accounts {
    async fn authenticate(&self, token: Option<&str>, from: Option<IpAddr>) -> Result<Arc<Caller>> {
        match token {
            Some(token) if is_key(token) => self.caller_of_key(token, from).await,
            Some(token) => match self.signer.bearer(token, self.services.clock.now())? {
                Bearer::Session(claims) => self.caller_of(claims).await,
                Bearer::Client(claims, scope) => self.caller_of_client(claims, scope.as_deref()).await,
            },
            None => Ok(Arc::new(Caller::anonymous(self.default_org().await?.unwrap_or(Uuid::nil())))),
        }
    }

    fn derived_key(&self, purpose: &str) -> [u8; 32] {
        self.signer.derived_key(purpose)
    }

    async fn sign_in(&self, request: SignIn, origin: &Origin) -> Result<SignedIn> {
        self.sign_in_by_password(request, origin).await
    }

    async fn answer(&self, challenge: &str, code: &str, origin: &Origin) -> Result<Tokens> {
        self.answer_challenge(challenge, code, origin).await
    }

    async fn refresh(&self, refresh_token: &str, origin: &Origin) -> Result<Tokens> {
        self.refresh_session(refresh_token, origin).await
    }

    async fn sign_out(&self, caller: &Caller, origin: &Origin) -> Result<()> {
        if caller.key.is_some() {
            return Err(Error::forbidden("a key has no session to end: DELETE /api/keys/{id} ends the key"));
        }
        if let Some(session) = caller.session {
            self.services.credentials.close_session(session).await?;
            self.callers.forget(session);
            self.tell(EventKind::SignOut, caller.org, caller.account, origin, json!({})).await;
        }
        Ok(())
    }

    async fn call(&self, cx: &Context, call: Call) -> Result<Reply> {
        self.carry_out(cx, call).await
    }

    async fn depart(&self, cx: &Context, departure: Departure) -> Result<Departed> {
        self.leave(cx, departure).await
    }

    async fn arrive(&self, cx: &Context, arrival: Arrival) -> Result<Arrived> {
        self.come_back(cx, arrival).await
    }

    async fn sign_in_by_passkey(&self, credential: Value, origin: &Origin) -> Result<Tokens> {
        self.assert_passkey(credential, origin).await
    }

    async fn redeem(&self, code: &str, verifier: &str, origin: &Origin) -> Result<SignedIn> {
        self.fetch_session(code, verifier, origin).await
    }
}

impl Accounts {
    /// The caller of verified claims, from memory or the store.
    pub(crate) async fn caller_of(&self, claims: Claims) -> Result<Arc<Caller>> {
        let now = || self.services.clock.now();
        let found = self.callers.get(claims.session, now, load(&self.services, claims)).await?;
        // The memory is kept by session: the rest of the claims must fit as well.
        let caller = &found.caller;
        let fits =
            caller.account == Some(claims.account) && caller.org == claims.org && found.epoch == claims.epoch;
        if fits {
            Ok(found.caller)
        } else {
            Err(Error::new(ErrorKind::Unauthenticated, "the session has ended: sign in again"))
        }
    }
}

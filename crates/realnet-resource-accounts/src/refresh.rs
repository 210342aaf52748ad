//! Rotating refresh tokens: each serves once.

use realnet_core::acl::Origin;
use realnet_core::provider::EventKind;
use realnet_core::resource::Tokens;
use realnet_core::{Error, ErrorKind, Result};
use serde_json::json;

use crate::accounts::Accounts;
use crate::tokens::{Purpose, fingerprint};

impl Accounts {
    /// Gives new tokens for a refresh token, which counts no more. A token that is ours but not the current one of its session
    /// was used before: somebody else has a copy, so the session ends for both.
    pub(crate) async fn refresh_session(&self, token: &str, origin: &Origin) -> Result<Tokens> {
        let now = self.services.clock.now();
        let claims = self.signer.verify(Purpose::Refresh, token, now)?;
        let ended = || Error::new(ErrorKind::Unauthenticated, "the session has ended: sign in again");
        let session = self.services.credentials.session(claims.session, now).await?.ok_or_else(ended)?;
        if session.account != claims.account || session.epoch != claims.epoch {
            return Err(ended());
        }
        let current = fingerprint(token);
        let (next, expires_at) = self.signer.sign(Purpose::Refresh, claims, now, self.config.refresh_ttl)?;
        let rotated = session.refresh_hash == current
            && self
                .services
                .credentials
                .rotate_session(session.id, &current, &fingerprint(&next), expires_at, now)
                .await?;
        if !rotated {
            tracing::warn!(account = %session.account, session = %session.id, "a refresh token was used twice");
            self.services.credentials.close_session(session.id).await?;
            self.callers.forget(session.id);
            self.tell_of(EventKind::RefreshReuse, claims, origin, json!({})).await;
            let message = "the refresh token was used before: sign in again";
            return Err(Error::new(ErrorKind::Unauthenticated, message));
        }
        let tokens = self.tokens(claims, next).await?;
        self.tell_of(EventKind::Refresh, claims, origin, json!({})).await;
        Ok(tokens)
    }
}

//! Rotating refresh tokens: each serves once.
//!
//! The tabs of a browser share one token and may use it at the same time, and an answer may be lost on its way. So the token
//! that was current a moment ago ends nothing yet: it is refused until that moment has passed, and means theft afterwards.

use realnet_core::acl::Origin;
use realnet_core::clock::Timestamp;
use realnet_core::provider::{EventKind, Session};
use realnet_core::resource::Tokens;
use realnet_core::{Error, ErrorKind, Result};
use serde_json::json;

use crate::accounts::Accounts;
use crate::tokens::{Claims, Purpose, fingerprint};

/// So many seconds after its use a refresh token is taken for one that was used twice by the same holder.
const TOGETHER: i64 = 30;

impl Accounts {
    /// Gives new tokens for a refresh token, which counts no more. A token that is ours but not the current one of its session
    /// was used before: somebody else has a copy, so the session ends for both.
    pub(crate) async fn refresh_session(&self, token: &str, origin: &Origin) -> Result<Tokens> {
        let now = self.services.clock.now();
        let claims = self.signer.verify(Purpose::Refresh, token, now)?;
        let session = self.session_of(claims, now).await?;
        let current = fingerprint(token);
        let (next, expires_at) = self.signer.sign(Purpose::Refresh, claims, now, self.config.refresh_ttl)?;
        let rotated = session.refresh_hash == current
            && self
                .services
                .credentials
                .rotate_session(session.id, &current, &fingerprint(&next), expires_at, now)
                .await?;
        if !rotated {
            return Err(self.refuse_used(claims, &current, origin, now).await?);
        }
        let tokens = self.tokens(claims, next).await?;
        self.tell_of(EventKind::Refresh, claims, origin, json!({})).await;
        Ok(tokens)
    }

    /// The session of a token, as long as it is open.
    async fn session_of(&self, claims: Claims, now: Timestamp) -> Result<Session> {
        let session = self.services.credentials.session(claims.session, now).await?;
        let session =
            session.filter(|session| session.account == claims.account && session.epoch == claims.epoch);
        session.ok_or_else(|| Error::new(ErrorKind::Unauthenticated, "the session has ended: sign in again"))
    }

    /// What is answered to a token that was used before. Ends the session, unless that was a moment ago.
    async fn refuse_used(
        &self,
        claims: Claims,
        used: &[u8],
        origin: &Origin,
        now: Timestamp,
    ) -> Result<Error> {
        // Read anew: another request may have used the token since.
        let session = self.session_of(claims, now).await?;
        let is_previous = session.previous_hash.as_deref() == Some(used);
        if is_previous && now < session.used_at.plus_seconds(TOGETHER) {
            let message =
                "the refresh token was used a moment ago: go on with the tokens that were given for it";
            return Ok(Error::conflict(message));
        }
        tracing::warn!(account = %session.account, session = %session.id, "a refresh token was used twice");
        self.services.credentials.close_session(session.id).await?;
        self.callers.forget(session.id);
        self.tell_of(EventKind::RefreshReuse, claims, origin, json!({})).await;
        Ok(Error::new(ErrorKind::Unauthenticated, "the refresh token was used before: sign in again"))
    }
}

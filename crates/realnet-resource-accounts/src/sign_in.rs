//! Signing in by password, and rotating refresh tokens.

use realnet_core::provider::Session;
use realnet_core::resource::{SignIn, Tokens};
use realnet_core::{Error, ErrorKind, Result, Uuid};

use crate::accounts::Accounts;
use crate::directory::Directory;
use crate::kind::is_disabled;
use crate::tokens::{Claims, Purpose, fingerprint};

impl Accounts {
    /// Opens a session. Whether the org, the name or the password is wrong, or the account disabled, can not be told from
    /// the answer, nor from the time that it takes.
    pub(crate) async fn sign_in_by_password(&self, request: SignIn) -> Result<Tokens> {
        let directory = Directory::new(&self.services);
        let org = match &request.org {
            Some(name) => directory.org(name).await?,
            None => self.default_org().await?,
        };
        let account = match org {
            Some(org) => directory.account(org, &request.username).await?,
            None => None,
        };
        let id = account.as_ref().map_or(Uuid::nil(), |account| account.id);
        let credential = self.services.credentials.credential(id).await?;
        // Ending the sessions of an account that has no password leaves one without.
        let credential = credential.filter(|known| !known.password_hash.is_empty());
        let (hash, epoch) = credential.map(|known| (known.password_hash, known.epoch)).unzip();
        let same = self.passwords.verify(&request.password, hash).await?;
        let (Some(account), Some(epoch), true) = (account.filter(|item| !is_disabled(item)), epoch, same)
        else {
            tracing::info!(account = %id, "sign-in refused");
            return Err(Error::new(ErrorKind::Unauthenticated, "username or password is not right"));
        };
        let claims =
            Claims { account: account.id, session: self.services.ids.next_id(), org: account.org, epoch };
        tracing::info!(account = %account.id, session = %claims.session, "signed in");
        self.open(claims).await
    }

    async fn open(&self, claims: Claims) -> Result<Tokens> {
        let now = self.services.clock.now();
        let (refresh_token, expires_at) =
            self.signer.sign(Purpose::Refresh, claims, now, self.config.refresh_ttl)?;
        let session = Session {
            id: claims.session,
            account: claims.account,
            epoch: claims.epoch,
            refresh_hash: fingerprint(&refresh_token),
            previous_hash: None,
            created_at: now,
            expires_at,
            used_at: now,
            method: "password".to_owned(),
            factor: false,
            address: None,
            agent: None,
        };
        self.services.credentials.open_session(session).await?;
        self.tokens(claims, refresh_token).await
    }

    async fn tokens(&self, claims: Claims, refresh_token: String) -> Result<Tokens> {
        let now = self.services.clock.now();
        let (token, expires) = self.signer.sign(Purpose::Access, claims, now, self.config.access_ttl)?;
        let caller = self.caller_of(claims).await?;
        Ok(Tokens { token, expires, refresh_token, account: claims.account, caller })
    }

    /// Gives new tokens for a refresh token, which counts no more. A token that is ours but not the current one of its session
    /// was used before: somebody else has a copy, so the session ends for both.
    pub(crate) async fn refresh_session(&self, token: &str) -> Result<Tokens> {
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
            let message = "the refresh token was used before: sign in again";
            return Err(Error::new(ErrorKind::Unauthenticated, message));
        }
        self.tokens(claims, next).await
    }
}

//! Signing in by password.

use realnet_core::acl::Origin;
use realnet_core::model::Item;
use realnet_core::provider::{Credential, EventKind, Session};
use realnet_core::resource::{SignIn, SignedIn, Tokens};
use realnet_core::{Error, ErrorKind, Result, Uuid};
use serde_json::{Value, json};

use crate::accounts::Accounts;
use crate::directory::Directory;
use crate::kind::is_disabled;
use crate::tokens::{Claims, Purpose, fingerprint};

/// What somebody signs in by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Method {
    /// The password.
    #[default]
    Password,
    /// A provider of identities.
    Oidc,
    /// A passkey.
    Passkey,
}

impl Method {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Oidc => "oidc",
            Self::Passkey => "passkey",
        }
    }
}

/// How somebody has proved who they are: by what, and by a second factor or not.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Way {
    pub(crate) method: Method,
    pub(crate) factor: bool,
}

impl Accounts {
    /// Opens a session, or asks for the second factor. Whether the org, the name or the password is wrong, or the account disabled, can not be told from
    /// the answer, nor from the time that it takes.
    pub(crate) async fn sign_in_by_password(&self, request: SignIn, origin: &Origin) -> Result<SignedIn> {
        let org = match &request.org {
            Some(name) => Directory::new(&self.services).org(name).await?,
            None => self.default_org().await?,
        };
        // The same is done in an org that does not exist.
        let org = org.unwrap_or(Uuid::nil());
        let attempt = self.attempt(org, &request.username, origin).await?;
        let credential = match self.check(attempt.account.as_ref(), &request.password).await {
            Ok(credential) => credential,
            Err(error) => {
                self.broke_off(attempt).await;
                return Err(error);
            }
        };
        let Some((credential, account)) = credential.zip(attempt.account.clone()) else {
            self.failed(attempt, json!({})).await;
            return Err(Error::new(ErrorKind::Unauthenticated, "username or password is not right"));
        };
        self.strengthen(&credential, &request.password).await;
        self.behind_password(attempt, (&account, &credential), request.code, origin).await
    }

    /// The credential of an account, if the password is its and it may sign in. The same work is done whatever there is.
    pub(crate) async fn check(&self, account: Option<&Item>, password: &str) -> Result<Option<Credential>> {
        let id = account.map_or(Uuid::nil(), |account| account.id);
        let credential = self.services.credentials.credential(id).await?;
        // Ending the sessions of an account that has no password leaves one without.
        let credential = credential.filter(|known| !known.password_hash.is_empty());
        let hash = credential.as_ref().map(|known| known.password_hash.clone());
        let may = account.is_some_and(|account| !is_disabled(account));
        let is_right = self.passwords.verify(password, hash, may).await?;
        self.keep_cost().await;
        Ok(credential.filter(|_| is_right))
    }

    /// Hashes a password anew when hashes have become costlier. Signing in does not depend on it.
    async fn strengthen(&self, credential: &Credential, password: &str) {
        if !self.passwords.is_cheap(&credential.password_hash) {
            return;
        }
        let stored = async {
            let next = self.passwords.hash(password).await?;
            self.services.credentials.rehash(credential.account, &credential.password_hash, &next).await
        };
        match stored.await {
            Ok(_) => tracing::info!(account = %credential.account, "a password was hashed anew"),
            Err(error) => tracing::warn!(error = %error.report(), "a password can not be hashed anew"),
        }
    }

    /// Opens a session of somebody who has proved who they are.
    pub(crate) async fn open(&self, claims: Claims, way: Way, origin: &Origin) -> Result<Tokens> {
        let (method, factor) = (way.method.as_str(), way.factor);
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
            method: method.to_owned(),
            factor,
            address: origin.address.map(|address| address.to_string()),
            agent: origin.agent.as_deref().map(str::to_owned),
        };
        self.services.credentials.open_session(session).await?;
        let tokens = self.tokens(claims, refresh_token).await?;
        tracing::info!(account = %claims.account, session = %claims.session, "signed in");
        let detail =
            if factor { json!({"method": method, "factor": true}) } else { json!({"method": method}) };
        self.tell_of(EventKind::SignIn, claims, origin, detail).await;
        Ok(tokens)
    }

    /// Tells of a session, whose id becomes the token of the origin.
    pub(crate) async fn tell_of(&self, kind: EventKind, claims: Claims, origin: &Origin, detail: Value) {
        let origin = origin.clone().with_token(Some(claims.session));
        self.tell(kind, claims.org, Some(claims.account), &origin, detail).await;
    }

    /// An access token beside a refresh token.
    pub(crate) async fn tokens(&self, claims: Claims, refresh_token: String) -> Result<Tokens> {
        let now = self.services.clock.now();
        let (token, expires) = self.signer.sign(Purpose::Access, claims, now, self.config.access_ttl)?;
        let caller = self.caller_of(claims).await?;
        Ok(Tokens { token, expires, refresh_token, account: claims.account, caller })
    }
}

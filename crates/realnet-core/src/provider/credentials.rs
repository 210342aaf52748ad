//! Secrets of accounts, kept apart from items and never serialized.

use std::fmt;

use async_trait::async_trait;
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::error::Result;

/// What an account signs in with.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    /// The account item.
    pub account: Uuid,
    /// The password hash in its modular text form; empty when there is none (a store may also answer no credential then).
    pub password_hash: String,
    /// Rises when all earlier tokens shall be void: password change, role change, disabling.
    pub epoch: i64,
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credential(account {}, epoch {}, …)", self.account, self.epoch)
    }
}

/// A sign-in that lasts until it expires or is revoked.
#[derive(Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id; all refresh tokens of the session belong to it.
    pub id: Uuid,
    /// The account item.
    pub account: Uuid,
    /// The account's epoch at sign-in.
    pub epoch: i64,
    /// SHA-256 of the current refresh token.
    pub refresh_hash: Vec<u8>,
    /// SHA-256 of the refresh token before; its use reveals theft and ends the session.
    pub previous_hash: Option<Vec<u8>>,
    /// When it began.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Session({}, account {}, expires {})", self.id, self.account, self.expires_at)
    }
}

/// Credentials, sessions and settings of the store. Password changes come as part of a change set.
#[async_trait]
pub trait CredentialProvider: Send + Sync {
    /// The credential of an account.
    async fn credential(&self, account: Uuid) -> Result<Option<Credential>>;

    /// Stores a new session.
    async fn open_session(&self, session: Session) -> Result<()>;

    /// A session with the current epoch of its account; `None` when ended, expired before `now`, or void.
    async fn session(&self, id: Uuid, now: Timestamp) -> Result<Option<Session>>;

    /// Replaces the refresh token if `current` is still its hash; the old one is kept as the previous.
    /// Answers whether it was replaced.
    async fn rotate_session(
        &self,
        id: Uuid,
        current: &[u8],
        next: &[u8],
        expires_at: Timestamp,
    ) -> Result<bool>;

    /// Ends a session. Ending one that is not there is no error.
    async fn close_session(&self, id: Uuid) -> Result<()>;

    /// Stores `value` under `key` unless there is one already; answers the one that is there now.
    async fn setting_or_insert(&self, key: &str, value: Vec<u8>) -> Result<Vec<u8>>;
}

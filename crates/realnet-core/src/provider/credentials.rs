//! Secrets of accounts, kept apart from items and never serialized.

use std::fmt;

use async_trait::async_trait;
use uuid::Uuid;

use super::{EventProvider, LimitProvider, RecordProvider};
use crate::clock::Timestamp;
use crate::error::Result;

/// What an account signs in with.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    /// The account item.
    pub account: Uuid,
    /// The password hash in its modular text form; empty when there is none.
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
    /// When its refresh token was last used; at first, when it began.
    pub used_at: Timestamp,
    /// By what it was opened, such as `password`.
    pub method: String,
    /// Whether a second factor was shown.
    pub factor: bool,
    /// The address that it was opened from.
    pub address: Option<String>,
    /// What the client called itself, at most [`crate::acl::Origin::MAX_AGENT`] characters.
    pub agent: Option<String>,
}

impl Session {
    /// The most sessions in one answer.
    pub const MAX_PAGE: usize = 1000;
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Session({}, account {}, expires {})", self.id, self.account, self.expires_at)
    }
}

/// Credentials, sessions and settings of the store, with what else signing in stands on. Password changes come as part of a
/// change set.
#[async_trait]
pub trait CredentialProvider: RecordProvider + EventProvider + LimitProvider {
    /// The credential of an account. `None`: it never had a password and its sessions were never made void; its epoch is 0.
    async fn credential(&self, account: Uuid) -> Result<Option<Credential>>;

    /// Replaces the hash of a password by another of the same password, if `current` is still the hash; answers whether it
    /// did. Sessions go on.
    async fn rehash(&self, account: Uuid, current: &str, next: &str) -> Result<bool>;

    /// Stores a new session.
    async fn open_session(&self, session: Session) -> Result<()>;

    /// A session; `None` when ended, expired before `now`, or void because the epoch of its account has risen.
    async fn session(&self, id: Uuid, now: Timestamp) -> Result<Option<Session>>;

    /// The sessions of an account that have neither ended nor expired nor are void, newest first, at most
    /// [`Session::MAX_PAGE`].
    async fn sessions_of(&self, account: Uuid, now: Timestamp) -> Result<Vec<Session>>;

    /// Replaces the refresh token if `current` is still its hash; the old one is kept as the previous, and the session was
    /// used `now`. Answers whether it was replaced.
    async fn rotate_session(
        &self,
        id: Uuid,
        current: &[u8],
        next: &[u8],
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool>;

    /// Ends a session. Ending one that is not there is no error.
    async fn close_session(&self, id: Uuid) -> Result<()>;

    /// Ends the sessions of an account, but for one if that is wanted; answers how many it ended.
    async fn close_sessions(&self, account: Uuid, except: Option<Uuid>) -> Result<usize>;

    /// Stores `value` under `key` unless there is one already; answers the one that is there now.
    async fn setting_or_insert(&self, key: &str, value: Vec<u8>) -> Result<Vec<u8>>;

    /// The value under `key`, if there is one.
    async fn setting(&self, key: &str) -> Result<Option<Vec<u8>>>;

    /// Replaces the value under `key` by another if it is `current` still; answers whether it did.
    async fn replace_setting(&self, key: &str, current: &[u8], next: Vec<u8>) -> Result<bool>;
}

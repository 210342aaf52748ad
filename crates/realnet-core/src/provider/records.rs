//! Records of signing in: keys, second factors, tokens that are sent by mail, challenges, failed attempts.
//!
//! Small values under a name that is unique within its kind, with an owner and an end. What a value means is known to the
//! accounts resource alone; a store keeps it, and sees to it that of two who change or take the same record one wins.

use std::fmt;

use async_trait::async_trait;
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};

/// What a record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum RecordKind {
    /// A key of an account or a client, for programs.
    Key,
    /// A second factor.
    Factor,
    /// A code that stands in for the second factor once.
    Recovery,
    /// Leave to set a new password.
    Reset,
    /// Leave to call a mail address one's own.
    Verification,
    /// A question that waits for its answer: the second step of signing in, or a passkey's challenge.
    Challenge,
    /// A sign-in under way at a provider of identities.
    Login,
    /// The identity at a provider that an account is linked with.
    Link,
    /// A passkey.
    Passkey,
    /// What signing in has taught: from where an account signs in, what hashes cost.
    Known,
    /// A file that comes in several requests, or past this server.
    Upload,
}

impl RecordKind {
    /// All kinds.
    pub const ALL: [Self; 11] = [
        Self::Key,
        Self::Factor,
        Self::Recovery,
        Self::Reset,
        Self::Verification,
        Self::Challenge,
        Self::Login,
        Self::Link,
        Self::Passkey,
        Self::Known,
        Self::Upload,
    ];

    /// The name used in stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Factor => "factor",
            Self::Recovery => "recovery",
            Self::Reset => "reset",
            Self::Verification => "verification",
            Self::Challenge => "challenge",
            Self::Login => "login",
            Self::Link => "link",
            Self::Passkey => "passkey",
            Self::Known => "known",
            Self::Upload => "upload",
        }
    }

    /// The inverse of [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A record.
#[derive(Clone, PartialEq, Eq)]
pub struct AuthRecord {
    /// What it is about.
    pub kind: RecordKind,
    /// Its name, unique within its kind: 1 to [`Self::MAX_KEY`] bytes without NUL. Not secret: it may appear in logs, so of
    /// a secret only a hash is a key.
    pub key: String,
    /// The account that it belongs to, and goes with.
    pub account: Option<Uuid>,
    /// The org that it belongs to.
    pub org: Option<Uuid>,
    /// What it says, at most [`Self::MAX_VALUE`] bytes. May be secret.
    pub value: Vec<u8>,
    /// 1 at first, then one more with every change. The store sets it; what is given counts for nothing.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// From this moment on it does not exist; `None`: it stays.
    pub expires_at: Option<Timestamp>,
}

impl AuthRecord {
    /// The longest key, in bytes.
    pub const MAX_KEY: usize = 200;
    /// The longest value, in bytes.
    pub const MAX_VALUE: usize = 16 * 1024;
    /// The most records in one answer.
    pub const MAX_PAGE: usize = 1000;

    /// A record that belongs to nobody and stays.
    pub fn new(kind: RecordKind, key: impl Into<String>, value: impl Into<Vec<u8>>, now: Timestamp) -> Self {
        let (key, value) = (key.into(), value.into());
        Self { kind, key, account: None, org: None, value, version: 0, created_at: now, expires_at: None }
    }

    /// Adds the account and the org that it belongs to.
    pub fn of(mut self, account: Option<Uuid>, org: Option<Uuid>) -> Self {
        self.account = account;
        self.org = org;
        self
    }

    /// Adds its end.
    pub fn until(mut self, expires_at: Timestamp) -> Self {
        self.expires_at = Some(expires_at);
        self
    }

    /// Whether it exists at `now`.
    pub fn is_alive(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| end > now)
    }

    /// Whether there can be a record of this name. Names come from strangers, too.
    pub fn is_key(key: &str) -> bool {
        !key.is_empty() && key.len() <= Self::MAX_KEY && !key.contains('\0')
    }

    /// Refuses what a store does not take.
    pub fn check(&self) -> Result<()> {
        if !Self::is_key(&self.key) {
            let message = format!("the key of a record has 1 to {} bytes, none of them NUL", Self::MAX_KEY);
            return Err(Error::malformed(message));
        }
        if self.value.len() > Self::MAX_VALUE {
            let message = format!("the value of a record has at most {} bytes", Self::MAX_VALUE);
            return Err(Error::new(ErrorKind::TooLarge, message));
        }
        Ok(())
    }
}

impl fmt::Debug for AuthRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AuthRecord({} {}, version {}, …)", self.kind.as_str(), self.key, self.version)
    }
}

/// What must be there for a record to be put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Nothing of this kind and key.
    Absent,
    /// A record of this version.
    Version(i64),
    /// Anything or nothing.
    Any,
}

/// Keeps records. One that has expired does not exist, whether or not it has been swept away yet.
#[async_trait]
pub trait RecordProvider: Send + Sync {
    /// A record.
    async fn record(&self, kind: RecordKind, key: &str, now: Timestamp) -> Result<Option<AuthRecord>>;

    /// Puts a record, in place of what is there, if that is as expected; answers whether it is. Of several who expect the
    /// same absence or the same version, one succeeds. A record that takes the place of another gets the next version, else 1.
    ///
    /// # Errors
    /// Malformed or TooLarge by [`AuthRecord::check`].
    async fn put_record(&self, record: AuthRecord, expected: Expected, now: Timestamp) -> Result<bool>;

    /// Takes a record away and answers it. Of several who take the same, one gets it.
    async fn take_record(&self, kind: RecordKind, key: &str, now: Timestamp) -> Result<Option<AuthRecord>>;

    /// Removes a record; answers whether there was one (which may have expired).
    async fn remove_record(&self, kind: RecordKind, key: &str) -> Result<bool>;

    /// The records of an account, by creation and key, at most [`AuthRecord::MAX_PAGE`].
    async fn records_of(&self, account: Uuid, kind: RecordKind, now: Timestamp) -> Result<Vec<AuthRecord>>;

    /// The records of an org behind a key, by the bytes of their keys, at most `limit` and [`AuthRecord::MAX_PAGE`].
    async fn records_in(
        &self,
        org: Uuid,
        kind: RecordKind,
        after: Option<&str>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<AuthRecord>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_names() {
        for kind in RecordKind::ALL {
            assert_eq!(RecordKind::parse(kind.as_str()), Some(kind));
        }
        assert_eq!(RecordKind::parse("KEY"), None);
    }

    #[test]
    fn bounds_are_checked() {
        let record = |key: String, size: usize| {
            AuthRecord::new(RecordKind::Key, key, vec![0; size], Timestamp::default()).check()
        };
        assert!(record("k".repeat(200), AuthRecord::MAX_VALUE).is_ok());
        assert_eq!(record("k".repeat(201), 0).unwrap_err().kind(), ErrorKind::Malformed);
        assert_eq!(record(String::new(), 0).unwrap_err().kind(), ErrorKind::Malformed);
        assert_eq!(record("a\0".to_owned(), 0).unwrap_err().kind(), ErrorKind::Malformed);
        assert_eq!(record("k".to_owned(), 16_385).unwrap_err().kind(), ErrorKind::TooLarge);
    }

    #[test]
    fn values_are_not_shown() {
        let record = AuthRecord::new(RecordKind::Factor, "id", b"secret".to_vec(), Timestamp::default());
        let shown = format!("{record:?}");
        assert!(!shown.contains("secret") && !shown.contains("115"), "{shown}");
    }
}

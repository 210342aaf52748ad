//! Events of signing in and of accounts, which no change of an item tells of: who came, from where, and who was refused.

use async_trait::async_trait;
use serde_json::Value;
use uuid::Uuid;

use crate::acl::Origin;
use crate::clock::Timestamp;
use crate::error::{Error, Result};

macro_rules! kinds {
    ($($(#[doc = $doc:literal])* $kind:ident = $name:literal,)*) => {
        /// What happened.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum EventKind {
            $($(#[doc = $doc])* $kind,)*
            /// Something that this version has no name for: a newer one has written it.
            Unknown,
        }

        impl EventKind {
            /// All kinds that this version writes.
            pub const ALL: &'static [Self] = &[$(Self::$kind),*];

            /// The name used in documents and stores.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)*
                    Self::Unknown => "unknown",
                }
            }
        }
    };
}

kinds! {
    /// Somebody signed in.
    SignIn = "sign_in",
    /// Somebody was refused.
    SignInFailed = "sign_in_failed",
    /// A session was ended by who opened it.
    SignOut = "sign_out",
    /// A session was ended by its owner from elsewhere, or by an administrator.
    SessionEnded = "session_ended",
    /// A refresh token was used.
    Refresh = "refresh",
    /// A refresh token was used twice: somebody else has a copy.
    RefreshReuse = "refresh_reuse",
    /// Too many have failed: nobody signs in for a while.
    Locked = "locked",
    /// That is over before its time, by an administrator.
    Unlocked = "unlocked",
    /// A limit was met.
    RateLimited = "rate_limited",
    /// Somebody signed up.
    SignUp = "sign_up",
    /// A password was changed by who knew the old one, or by an administrator.
    PasswordChanged = "password_changed",
    /// A way to set a new password was asked for.
    PasswordResetAsked = "password_reset_asked",
    /// A new password was set that way.
    PasswordReset = "password_reset",
    /// The address of an account has changed.
    EmailChanged = "email_changed",
    /// A proof of a mail address was asked for.
    VerificationAsked = "verification_asked",
    /// A mail address was proved.
    Verified = "verified",
    /// A second factor was added.
    FactorAdded = "factor_added",
    /// A second factor was removed.
    FactorRemoved = "factor_removed",
    /// A second factor was wrong.
    FactorFailed = "factor_failed",
    /// A recovery code was used.
    RecoveryUsed = "recovery_used",
    /// New recovery codes were made.
    RecoveryMade = "recovery_made",
    /// A passkey was added.
    PasskeyAdded = "passkey_added",
    /// A passkey was removed.
    PasskeyRemoved = "passkey_removed",
    /// A key for programs was made.
    KeyMade = "key_made",
    /// A key for programs was ended.
    KeyEnded = "key_ended",
    /// A key for programs was refused.
    KeyRefused = "key_refused",
    /// A client got a token by its secret.
    ClientToken = "client_token",
    /// A client was refused.
    ClientRefused = "client_refused",
    /// An account was linked with an identity elsewhere.
    Linked = "linked",
    /// Such a link was removed.
    Unlinked = "unlinked",
    /// The audit was exported.
    AuditExported = "audit_exported",
}

impl EventKind {
    /// The inverse of [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == text)
    }

    /// The kind of a stored event.
    pub fn of_stored(text: &str) -> Self {
        Self::parse(text).unwrap_or(Self::Unknown)
    }
}

/// One event.
#[derive(Debug, Clone, PartialEq)]
pub struct AuthEvent {
    /// Its id, a UUIDv7 of (nearly) the moment `at`: events are in the order of their ids.
    pub id: Uuid,
    /// The org in which it happened.
    pub org: Uuid,
    /// The account, when there is one: who tries a name that does not exist has none.
    pub account: Option<Uuid>,
    /// What happened.
    pub kind: EventKind,
    /// Where it came from.
    pub origin: Origin,
    /// More about it, small and without secrets: at most [`Self::MAX_DETAIL`] bytes of JSON.
    pub detail: Value,
    /// When.
    pub at: Timestamp,
}

impl AuthEvent {
    /// The largest detail, in bytes of JSON.
    pub const MAX_DETAIL: usize = 2048;
    /// The most events in one answer.
    pub const MAX_PAGE: usize = 1000;
    /// So many days events are kept.
    pub const RETENTION_DAYS: i64 = 400;
    /// By so much the time in an id may differ from `at`, in seconds.
    const SKEW: i64 = 60;

    /// Refuses what a store does not take.
    pub fn check(&self) -> Result<()> {
        let size = self.detail.to_string().len();
        if size > Self::MAX_DETAIL {
            let words = format!("the detail of an event ({}) has {size} bytes", self.kind.as_str());
            return Err(Error::internal(words));
        }
        Ok(())
    }

    /// An id below which there are no events of `at` or later.
    pub fn first_id(at: Timestamp) -> Uuid {
        let millis = at.plus_seconds(-Self::SKEW).as_micros().max(0) / 1000;
        Uuid::from_u128((millis as u128) << 80)
    }

    /// An id above which there are no events before `at`.
    pub fn last_id(at: Timestamp) -> Uuid {
        let millis = at.plus_seconds(Self::SKEW).as_micros().max(0) / 1000 + 1;
        Uuid::from_u128((millis as u128) << 80)
    }

    /// Events with lower ids have had their time at `now`.
    pub fn first_kept_id(now: Timestamp) -> Uuid {
        Self::first_id(now.plus_seconds(-Self::RETENTION_DAYS * 86_400))
    }
}

/// Which events to answer; those that fulfil all that is given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventFilter {
    /// Of this account.
    pub account: Option<Uuid>,
    /// Of this kind.
    pub kind: Option<EventKind>,
    /// At this moment or later.
    pub since: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
}

impl EventFilter {
    /// Whether an event fulfils it.
    pub fn matches(&self, event: &AuthEvent) -> bool {
        self.account.is_none_or(|account| event.account == Some(account))
            && self.kind.is_none_or(|kind| event.kind == kind)
            && self.since.is_none_or(|since| event.at >= since)
            && self.until.is_none_or(|until| event.at < until)
    }
}

/// Keeps events for [`AuthEvent::RETENTION_DAYS`]. They outlive the accounts that they speak of.
#[async_trait]
pub trait EventProvider: Send + Sync {
    /// Keeps an event. One whose id is there already is left as it is.
    ///
    /// # Errors
    /// Internal by [`AuthEvent::check`].
    async fn append_event(&self, event: AuthEvent) -> Result<()>;

    /// Events of an org with ids below `before`, newest first, at most `limit` and [`AuthEvent::MAX_PAGE`].
    async fn events(
        &self,
        org: Uuid,
        filter: &EventFilter,
        before: Option<Uuid>,
        limit: usize,
    ) -> Result<Vec<AuthEvent>>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{IdSource as _, System};

    #[test]
    fn kinds_have_names_of_their_own() {
        for kind in EventKind::ALL {
            assert_eq!(EventKind::parse(kind.as_str()), Some(*kind));
        }
        assert_eq!(EventKind::parse("unknown"), None);
        assert_eq!(EventKind::of_stored("of the future"), EventKind::Unknown);
    }

    #[test]
    fn ids_bound_times() {
        let id = System.next_id();
        let millis = (id.as_u128() >> 80) as i64;
        for offset in [-50, 0, 50] {
            let at = Timestamp::from_micros(millis * 1000).plus_seconds(offset);
            assert!(AuthEvent::first_id(at) < id && id < AuthEvent::last_id(at), "{offset}");
        }
        let later = Timestamp::from_micros(millis * 1000).plus_seconds(401 * 86_400);
        assert!(id < AuthEvent::first_kept_id(later));
    }
}

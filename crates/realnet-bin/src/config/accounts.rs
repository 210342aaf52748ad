//! The section of accounts: tokens, password hashing, the default org.

use std::fmt;
use std::time::Duration;

use super::{Environment, Problems};

/// How signing in works.
#[derive(Clone, PartialEq, Eq)]
pub struct AccountsSection {
    /// `REALNET_JWT_KEY`: signs tokens; generated and kept in the store when absent.
    pub jwt_key: Option<String>,
    /// `REALNET_TOKEN_TTL`: life of an access token, in seconds.
    pub token_ttl: Duration,
    /// `REALNET_SESSION_TTL`: life of a session that is not used, in seconds.
    pub session_ttl: Duration,
    /// `REALNET_BCRYPT_COST`.
    pub bcrypt_cost: u32,
    /// `REALNET_DEFAULT_ORG`: name or id of the org that requests without one mean.
    pub default_org: Option<String>,
}

impl fmt::Debug for AccountsSection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountsSection")
            .field("jwt_key", &self.jwt_key.as_ref().map(|_| "…"))
            .field("token_ttl", &self.token_ttl)
            .field("session_ttl", &self.session_ttl)
            .field("bcrypt_cost", &self.bcrypt_cost)
            .field("default_org", &self.default_org)
            .finish()
    }
}

/// Shorter keys can be guessed.
const MIN_KEY: usize = 32;

impl AccountsSection {
    pub(super) fn read(environment: &Environment, problems: &mut Problems) -> Self {
        let jwt_key = environment.get("REALNET_JWT_KEY").map(str::to_owned);
        if jwt_key.as_ref().is_some_and(|key| key.len() < MIN_KEY) {
            problems.add("REALNET_JWT_KEY", format!("expected at least {MIN_KEY} characters"));
        }
        let day = 24 * 3600;
        let seconds = |name, default, most, problems: &mut Problems| {
            Duration::from_secs(environment.bounded(name, default, (10, most), problems))
        };
        Self {
            jwt_key,
            token_ttl: seconds("REALNET_TOKEN_TTL", 15 * 60, day, problems),
            session_ttl: seconds("REALNET_SESSION_TTL", 30 * day, 366 * day, problems),
            bcrypt_cost: environment.bounded("REALNET_BCRYPT_COST", 12, (4, 16), problems),
            default_org: environment.get("REALNET_DEFAULT_ORG").map(str::to_owned),
        }
    }
}

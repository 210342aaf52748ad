//! How signing in works: keys, lives of tokens, cost of hashes, the default org.

use std::fmt;
use std::time::Duration;

use realnet_core::{Error, Result, Violation};

use crate::mail::MailConfig;
use crate::sign_up::SignUp;

/// The settings of accounts.
#[derive(Clone, PartialEq, Eq)]
pub struct AccountsConfig {
    /// Signs tokens, at least 32 bytes. Without it a key is made at the first start and kept in the store, so that
    /// replicas share it.
    pub jwt_key: Option<Vec<u8>>,
    /// Life of an access token.
    pub access_ttl: Duration,
    /// Life of a session that is not refreshed.
    pub refresh_ttl: Duration,
    /// Cost of password hashes: 2^cost rounds, 4 to 31.
    pub bcrypt_cost: u32,
    /// Name or id of the org that a request means that names none; the first org when absent.
    pub default_org: Option<String>,
    /// How many sign-ins may fail for one name within 15 minutes; with more failures the wait grows. 0: no limit.
    pub attempts_per_account: u32,
    /// How many sign-ins by one address may fail within 15 minutes. 0: no limit.
    pub attempts_per_address: u32,
    /// How many days a key lasts at most; `None`: one may be without end.
    pub key_days: Option<u32>,
    /// How mail is sent.
    pub mail: MailConfig,
    /// Whether strangers may make accounts, and where.
    pub sign_up: Option<SignUp>,
    /// Whether providers of identities may be in private networks, and on this machine without encryption.
    pub private_providers: bool,
}

impl AccountsConfig {
    /// The shortest key, in bytes: as long as the hash that it keys.
    pub const MIN_KEY: usize = 32;

    /// What can not be started with, by the name of the setting.
    pub fn problems(&self) -> Vec<Violation> {
        let mut problems = Vec::new();
        let mut add = |setting: &str, detail: String| {
            problems.push(Violation::new(format!("/{setting}"), detail));
        };
        if self.jwt_key.as_ref().is_some_and(|key| key.len() < Self::MIN_KEY) {
            add("jwt_key", format!("expected at least {} bytes", Self::MIN_KEY));
        }
        if !(4..=31).contains(&self.bcrypt_cost) {
            add("bcrypt_cost", "expected 4 to 31".to_owned());
        }
        if self.access_ttl.as_secs() == 0 {
            add("access_ttl", "expected a second at least".to_owned());
        }
        if self.refresh_ttl < self.access_ttl {
            add("refresh_ttl", "a session lives at least as long as an access token".to_owned());
        }
        if let Some(Err(error)) = self.sign_up.as_ref().map(SignUp::check) {
            add("sign_up", error.message().to_owned());
        }
        problems.extend(self.mail.server().err());
        problems
    }

    /// Refuses what can not be started with.
    pub(crate) fn check(&self) -> Result<()> {
        let problems = self.problems();
        let Some(first) = problems.first().cloned() else { return Ok(()) };
        Err(Error::malformed_at(first.pointer, first.detail).with_violations(problems))
    }
}

impl Default for AccountsConfig {
    fn default() -> Self {
        Self {
            jwt_key: None,
            access_ttl: Duration::from_mins(15),
            refresh_ttl: Duration::from_hours(30 * 24),
            bcrypt_cost: 12,
            default_org: None,
            attempts_per_account: 10,
            attempts_per_address: 50,
            key_days: None,
            mail: MailConfig::default(),
            sign_up: None,
            private_providers: false,
        }
    }
}

impl fmt::Debug for AccountsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountsConfig")
            .field("jwt_key", &self.jwt_key.as_ref().map(|_| "…"))
            .field("access_ttl", &self.access_ttl)
            .field("refresh_ttl", &self.refresh_ttl)
            .field("bcrypt_cost", &self.bcrypt_cost)
            .field("default_org", &self.default_org)
            .field("attempts_per_account", &self.attempts_per_account)
            .field("attempts_per_address", &self.attempts_per_address)
            .field("key_days", &self.key_days)
            .field("mail", &self.mail)
            .field("sign_up", &self.sign_up)
            .field("private_providers", &self.private_providers)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use realnet_core::acl::OrgRole;

    #[test]
    fn the_key_is_not_shown() {
        let config =
            AccountsConfig { jwt_key: Some(b"a very secret key".to_vec()), ..AccountsConfig::default() };
        let shown = format!("{config:?}");
        assert!(shown.contains('…') && !shown.contains("secret") && !shown.contains("97"), "{shown}");
    }

    #[test]
    fn weak_settings_are_refused() {
        let good = AccountsConfig::default();
        assert!(good.check().is_ok());
        assert!(AccountsConfig { jwt_key: Some(vec![1; 31]), ..good.clone() }.check().is_err());
        assert!(AccountsConfig { bcrypt_cost: 3, ..good.clone() }.check().is_err());
        assert!(AccountsConfig { refresh_ttl: Duration::from_secs(1), ..good.clone() }.check().is_err());
        let sign_up = |role| Some(SignUp { org: "First".to_owned(), role });
        assert!(AccountsConfig { sign_up: sign_up(OrgRole::User), ..good.clone() }.check().is_ok());
        assert!(AccountsConfig { sign_up: sign_up(OrgRole::Admin), ..good }.check().is_err());
    }
}

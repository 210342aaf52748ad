//! The section of accounts: tokens, passwords, limits of signing in, mail, signing up, the default org.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use realnet_core::acl::OrgRole;
use realnet_resource_accounts::{AccountsConfig, MailConfig, SignUp};
use url::Url;

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
    /// `REALNET_SIGN_IN_ATTEMPTS`: failures of one name in 15 minutes before it has to wait; 0 is no limit.
    pub attempts_per_account: u32,
    /// `REALNET_SIGN_IN_ATTEMPTS_PER_ADDRESS`: the same by address.
    pub attempts_per_address: u32,
    /// `REALNET_KEY_DAYS`: how many days a key for programs lasts at most; one may be without end when absent.
    pub key_days: Option<u32>,
    /// `REALNET_SMTP_URL`: the mail server; mail goes to the log when absent. Another machine is reached by TLS, unless
    /// `REALNET_SMTP_PLAIN` says that the way there is safe.
    pub smtp_url: Option<String>,
    /// `REALNET_SMTP_FROM`: the sender of mail.
    pub smtp_from: Option<String>,
    /// `REALNET_PUBLIC_URL`: where the application is served that links in mails lead to.
    pub public_url: Option<Url>,
    /// `REALNET_SIGN_UP`: name or id of the org in which strangers may make accounts; nobody may when absent.
    pub sign_up: Option<String>,
    /// `REALNET_SIGN_UP_ROLE`: the role that they get, `visitor` or `user`.
    pub sign_up_role: String,
    /// `REALNET_OIDC_PRIVATE`: whether providers of identities may be in private networks, and on this machine by http.
    pub private_providers: bool,
}

impl fmt::Debug for AccountsSection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountsSection")
            .field("jwt_key", &self.jwt_key.as_ref().map(|_| "…"))
            .field("token_ttl", &self.token_ttl)
            .field("session_ttl", &self.session_ttl)
            .field("bcrypt_cost", &self.bcrypt_cost)
            .field("default_org", &self.default_org)
            .field("attempts_per_account", &self.attempts_per_account)
            .field("attempts_per_address", &self.attempts_per_address)
            .field("key_days", &self.key_days)
            .field("smtp_url", &self.smtp_url.as_ref().map(|_| "…"))
            .field("smtp_from", &self.smtp_from)
            .field("public_url", &self.public_url.as_ref().map(Url::as_str))
            .field("sign_up", &self.sign_up)
            .field("sign_up_role", &self.sign_up_role)
            .field("private_providers", &self.private_providers)
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
        let text = |name: &str| environment.get(name).map(str::to_owned);
        let (smtp_url, smtp_from) = (text("REALNET_SMTP_URL"), text("REALNET_SMTP_FROM"));
        let plain = environment.flag("REALNET_SMTP_PLAIN", false, problems);
        if let Some(Err(problem)) = smtp_url.as_deref().map(|url| check_smtp(url, plain)) {
            problems.add("REALNET_SMTP_URL", problem.to_owned());
        }
        if smtp_url.is_some() && smtp_from.is_none() {
            problems
                .add("REALNET_SMTP_FROM", "is needed with REALNET_SMTP_URL: the sender of mail".to_owned());
        }
        let public_url = text("REALNET_PUBLIC_URL").and_then(|text| {
            let url = Url::parse(&text).ok().filter(is_base);
            if url.is_none() {
                let expected = "expected a URL with http or https, without user, query and fragment";
                problems.add("REALNET_PUBLIC_URL", expected.to_owned());
            }
            url
        });
        let sign_up_role = text("REALNET_SIGN_UP_ROLE").unwrap_or_else(|| "user".to_owned());
        if !["visitor", "user"].contains(&sign_up_role.as_str()) {
            problems.add("REALNET_SIGN_UP_ROLE", "expected visitor or user".to_owned());
        }
        let attempts = |name, default, problems: &mut Problems| {
            environment.bounded(name, default, (0, 100_000), problems)
        };
        let section = Self {
            attempts_per_account: attempts("REALNET_SIGN_IN_ATTEMPTS", 10, problems),
            attempts_per_address: attempts("REALNET_SIGN_IN_ATTEMPTS_PER_ADDRESS", 50, problems),
            key_days: Some(environment.bounded("REALNET_KEY_DAYS", 0, (0, 36_500), problems))
                .filter(|days| *days > 0),
            smtp_url,
            smtp_from,
            public_url,
            sign_up: text("REALNET_SIGN_UP"),
            sign_up_role,
            private_providers: environment.flag("REALNET_OIDC_PRIVATE", false, problems),
            jwt_key,
            token_ttl: seconds("REALNET_TOKEN_TTL", 15 * 60, day, problems),
            session_ttl: seconds("REALNET_SESSION_TTL", 30 * day, 366 * day, problems),
            bcrypt_cost: environment.bounded("REALNET_BCRYPT_COST", 12, (4, 16), problems),
            default_org: environment.get("REALNET_DEFAULT_ORG").map(str::to_owned),
        };
        // What accounts themselves would refuse at the start, by the names that it has here.
        for problem in section.config().problems() {
            problems.add(variable(&problem.pointer), problem.detail);
        }
        section
    }

    /// The same as accounts take it.
    pub fn config(&self) -> AccountsConfig {
        AccountsConfig {
            jwt_key: self.jwt_key.as_ref().map(|key| key.clone().into_bytes()),
            access_ttl: self.token_ttl,
            refresh_ttl: self.session_ttl,
            bcrypt_cost: self.bcrypt_cost,
            default_org: self.default_org.clone(),
            attempts_per_account: self.attempts_per_account,
            attempts_per_address: self.attempts_per_address,
            key_days: self.key_days,
            mail: MailConfig {
                smtp: self.smtp_url.clone(),
                from: self.smtp_from.clone(),
                public_url: self.public_url.clone(),
            },
            sign_up: self.sign_up.clone().map(|org| {
                let role = OrgRole::parse(&self.sign_up_role).unwrap_or(OrgRole::Visitor);
                SignUp { org, role }
            }),
            private_providers: self.private_providers,
        }
    }
}

/// The variable of a setting of accounts.
fn variable(setting: &str) -> &'static str {
    match setting.trim_start_matches('/') {
        "jwt_key" => "REALNET_JWT_KEY",
        "bcrypt_cost" => "REALNET_BCRYPT_COST",
        "access_ttl" => "REALNET_TOKEN_TTL",
        "refresh_ttl" => "REALNET_SESSION_TTL",
        "smtp" => "REALNET_SMTP_URL",
        "from" => "REALNET_SMTP_FROM",
        "sign_up" => "REALNET_SIGN_UP",
        _ => "accounts",
    }
}

/// Whether links can be made by appending to a URL.
fn is_base(url: &Url) -> bool {
    let is_bare = url.username().is_empty() && url.password().is_none();
    ["http", "https"].contains(&url.scheme()) && is_bare && url.query().is_none() && url.fragment().is_none()
}

/// Refuses what is no mail server, and what would send mail, or the password, so that others can read them on the way:
/// tokens that set new passwords stand in mails. The URL may hold a password, so it is not shown.
fn check_smtp(text: &str, plain: bool) -> Result<(), &'static str> {
    let expected = "expected smtp://USER:PASSWORD@HOST:PORT?tls=required or smtps://…";
    let url = Url::parse(text).map_err(|_| expected)?;
    if !["smtp", "smtps"].contains(&url.scheme()) || !url.has_host() {
        return Err(expected);
    }
    // Of several, the first one counts.
    let tls = url.query_pairs().find(|(name, _)| name == "tls");
    if url.scheme() == "smtps" || tls.is_some_and(|(_, value)| value == "required") {
        return Ok(());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a password is sent by smtps://… or with ?tls=required only");
    }
    if plain || is_near(&url) {
        return Ok(());
    }
    Err("needs smtps://… or ?tls=required; REALNET_SMTP_PLAIN=true if the way to the server is safe")
}

/// Whether a server is on this machine.
fn is_near(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn read<const N: usize>(pairs: [(&str, &str); N]) -> Result<AccountsSection, Problems> {
        Config::read(&Environment::from(pairs)).map(|config| config.accounts)
    }

    #[test]
    fn nobody_signs_up_and_guessing_is_limited_unless_it_is_said() {
        let section = read([]).unwrap();
        assert_eq!((section.sign_up, section.smtp_url), (None, None));
        assert_eq!((section.attempts_per_account, section.attempts_per_address), (10, 50));
    }

    #[test]
    fn every_problem_is_named_and_no_value_shown() {
        let problems = read([
            ("REALNET_SMTP_URL", "http://me:hunter2@mail.test"),
            ("REALNET_PUBLIC_URL", "javascript:alert(1)"),
            ("REALNET_SIGN_UP_ROLE", "admin"),
            ("REALNET_SIGN_IN_ATTEMPTS", "-1"),
        ]);
        let problems = problems.unwrap_err().to_string();
        for name in ["SMTP_URL", "SMTP_FROM", "PUBLIC_URL", "SIGN_UP_ROLE", "SIGN_IN_ATTEMPTS"] {
            assert!(problems.contains(&format!("REALNET_{name}:")), "{problems}");
        }
        assert!(!problems.contains("hunter2"));
    }

    #[test]
    fn what_accounts_would_refuse_is_found_before_anything_starts() {
        let problems = read([
            ("REALNET_TOKEN_TTL", "3600"),
            ("REALNET_SESSION_TTL", "60"),
            ("REALNET_SMTP_URL", "smtps://me:hunter2%ff@mail.test"),
            ("REALNET_SMTP_FROM", "nobody in particular"),
        ]);
        let problems = problems.unwrap_err().to_string();
        for name in ["SESSION_TTL", "SMTP_URL"] {
            assert!(problems.contains(&format!("REALNET_{name}: ")), "{problems}");
        }
        assert!(!problems.contains("hunter2") && !problems.contains("accounts:"), "{problems}");
        let from = |from| read([("REALNET_SMTP_URL", "smtps://mail.test"), ("REALNET_SMTP_FROM", from)]);
        assert!(from("nobody in particular").unwrap_err().to_string().contains("REALNET_SMTP_FROM: "));
        assert!(from("RealNet <a@b.test>").is_ok());
    }

    #[test]
    fn the_mail_server_stays_out_of_debug() {
        let section =
            read([("REALNET_SMTP_URL", "smtps://me:hunter2@mail.test"), ("REALNET_SMTP_FROM", "a@b.test")]);
        assert!(!format!("{:?}", section.unwrap()).contains("hunter2"));
    }

    #[test]
    fn mail_is_not_sent_for_all_to_read() {
        let read = |url: &str, plain: &str| {
            let from = ("REALNET_SMTP_FROM", "a@b.test");
            read([("REALNET_SMTP_URL", url), from, ("REALNET_SMTP_PLAIN", plain)])
        };
        for bad in [
            "smtp://me:hunter2@mail.test",
            "smtp://me:hunter2@mail.test?tls=opportunistic",
            "smtp://me@localhost",
            "smtp://mail.test:25",
            "smtp://mail.test?tls=opportunistic",
            "smtp://mail.test?tls=opportunistic&tls=required",
        ] {
            let problems = read(bad, "").unwrap_err().to_string();
            assert!(problems.contains("tls=required") && !problems.contains("hunter2"), "{bad}: {problems}");
        }
        for good in [
            "smtps://me:hunter2@mail.test",
            "smtp://me:hunter2@mail.test:587?tls=required",
            "smtp://127.0.0.1:1025",
            "smtp://[::1]:1025",
            "smtp://localhost",
        ] {
            assert!(read(good, "").is_ok(), "{good}");
        }
        assert!(read("smtp://relay:25", "true").is_ok(), "it was said twice");
        assert!(read("smtp://me:hunter2@relay:25", "true").is_err(), "passwords never");
    }

    #[test]
    fn links_can_be_appended_to_the_public_url() {
        let read = |url: &str| read([("REALNET_PUBLIC_URL", url)]).is_ok();
        for bad in ["https://app.test/?x=1", "https://app.test/#/", "https://me@app.test/", "ftp://app.test"]
        {
            assert!(!read(bad), "{bad}");
        }
        assert!(read("https://app.test/base/") && read("http://localhost:3000"));
    }
}

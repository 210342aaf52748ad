//! The names of all settings, so that a mistyped one is told instead of being passed over.

use realnet_core::nearest;

/// What every name begins with.
pub const PREFIX: &str = "REALNET_";

/// All of them, as the README's table has them.
pub const NAMES: &[&str] = &[
    "REALNET_SERVER_HOST",
    "REALNET_SERVER_PORT",
    "REALNET_DB_TYPE",
    "REALNET_DB_NAME",
    "REALNET_DB_HOST",
    "REALNET_DB_PORT",
    "REALNET_DB_USER",
    "REALNET_DB_PASS",
    "REALNET_DB_SSLMODE",
    "REALNET_STORAGE_TYPE",
    "REALNET_STORAGE_PATH",
    "REALNET_STORAGE_QUOTA",
    "REALNET_STORAGE_MAX_SIZE",
    "REALNET_STORAGE_S3_BUCKET",
    "REALNET_STORAGE_S3_PREFIX",
    "REALNET_STORAGE_S3_KEY",
    "REALNET_STORAGE_S3_SECRET",
    "REALNET_STORAGE_S3_REGION",
    "REALNET_STORAGE_S3_ENDPOINT",
    "REALNET_INIT_PATH",
    "REALNET_DEFAULT_ORG",
    "REALNET_JWT_KEY",
    "REALNET_SECRET_KEY",
    "REALNET_TOKEN_TTL",
    "REALNET_SESSION_TTL",
    "REALNET_BCRYPT_COST",
    "REALNET_KEY_DAYS",
    "REALNET_SIGN_IN_ATTEMPTS",
    "REALNET_SIGN_IN_ATTEMPTS_PER_ADDRESS",
    "REALNET_SMTP_URL",
    "REALNET_SMTP_FROM",
    "REALNET_SMTP_PLAIN",
    "REALNET_PUBLIC_URL",
    "REALNET_SIGN_UP",
    "REALNET_SIGN_UP_ROLE",
    "REALNET_OIDC_PRIVATE",
    "REALNET_MAX_BODY",
    "REALNET_BODY_MEMORY",
    "REALNET_MEMORY",
    "REALNET_TRUSTED_PROXIES",
    "REALNET_TLS_CERT",
    "REALNET_TLS_KEY",
    "REALNET_HSTS",
    "REALNET_CORS_ORIGINS",
    "REALNET_RATE_LIMIT_ADDRESS",
    "REALNET_RATE_LIMIT_ACCOUNT",
    "REALNET_RATE_LIMIT_KEY",
    "REALNET_REQUEST_TIMEOUT",
    "REALNET_SHUTDOWN_TIMEOUT",
    "REALNET_DEBUG",
    "REALNET_NAME",
    "REALNET_USERNAME",
    "REALNET_PASSWORD",
    "REALNET_EMAIL",
    "REALNET_SERVER_URL",
    "REALNET_TOKEN",
];

/// Prefixes of what the project's own tests and benchmarks are told, which a developer's shell may hold.
const OF_DEVELOPERS: [&str; 3] = ["REALNET_TEST_", "REALNET_ADVISORY_", "REALNET_BENCH_"];

/// A name that no setting has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// The name.
    pub name: String,
    /// The setting that was probably meant.
    pub meant: Option<&'static str>,
}

impl Unknown {
    /// Whether nothing goes by this name, and what was meant by it.
    pub fn of(name: &str) -> Option<Self> {
        let is_known = !name.starts_with(PREFIX)
            || NAMES.contains(&name)
            || OF_DEVELOPERS.iter().any(|prefix| name.starts_with(prefix));
        (!is_known).then(|| Self { name: name.to_owned(), meant: meant(name) })
    }
}

impl std::fmt::Display for Unknown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} is no setting", self.name)?;
        self.meant.map_or(Ok(()), |meant| write!(f, ": is {meant} meant?"))
    }
}

/// The nearest name; else one that the given one begins with, is the beginning of, or ends as.
fn meant(name: &str) -> Option<&'static str> {
    let own = name.trim_start_matches(PREFIX);
    let ends_alike = |known: &&&str| {
        let known = known.trim_start_matches(PREFIX);
        own.len() > 3 && (known.ends_with(&format!("_{own}")) || own.ends_with(&format!("_{known}")))
    };
    let begins_alike = |known: &&&str| {
        let known = known.trim_start_matches(PREFIX);
        own.len() > 3 && (known.starts_with(own) || own.starts_with(known))
    };
    let longest = |known: &&&str| known.len();
    nearest(name, NAMES.iter().copied())
        .or_else(|| NAMES.iter().filter(begins_alike).max_by_key(longest).copied())
        .or_else(|| NAMES.iter().find(ends_alike).copied())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Every `REALNET_…` that stands in a text, those of developers and beginnings of names left out.
    fn named_in(text: &str) -> BTreeSet<String> {
        let is_part = |character: char| {
            character.is_ascii_uppercase() || character.is_ascii_digit() || character == '_'
        };
        let names = text.match_indices(PREFIX).map(|(at, _)| {
            let rest = &text[at..];
            rest[..rest.find(|character| !is_part(character)).unwrap_or(rest.len())].to_owned()
        });
        names.filter(|name| !name.ends_with('_')).collect()
    }

    #[test]
    fn mistyped_names_lead_to_the_right_one() {
        for (name, expected) in [
            ("REALNET_SREVER_PORT", Some("REALNET_SERVER_PORT")),
            ("REALNET_DB_PASSWORD", Some("REALNET_DB_PASS")),
            ("REALNET_DB_USERNAME", Some("REALNET_DB_USER")),
            ("REALNET_PORT", Some("REALNET_SERVER_PORT")),
            ("REALNET_TLS_CERTIFICATE", Some("REALNET_TLS_CERT")),
            ("REALNET_COLOUR", None),
        ] {
            assert_eq!(Unknown::of(name), Some(Unknown { name: name.to_owned(), meant: expected }));
        }
        for known in ["REALNET_DB_PASS", "REALNET_TEST_POSTGRES", "PATH", "DB_PASSWORD"] {
            assert_eq!(Unknown::of(known), None);
        }
    }

    #[test]
    fn the_list_is_that_of_the_readme_and_of_the_code() {
        let listed: BTreeSet<String> = NAMES.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(listed.len(), NAMES.len(), "each name once");
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../");
        let readme = std::fs::read_to_string(format!("{root}README.md")).unwrap();
        let table: String = readme
            .lines()
            .filter(|line| line.starts_with("| `REALNET_"))
            .map(|line| line.split(" | ").next().unwrap())
            .collect();
        assert_eq!(named_in(&table), listed, "the README's table and this list");
        for folder in ["config", "wire", "cli"] {
            for file in
                std::fs::read_dir(format!("{}/src/{folder}", env!("CARGO_MANIFEST_DIR"))).unwrap().flatten()
            {
                if file.path().is_dir() || file.file_name() == "names.rs" {
                    continue;
                }
                let code = std::fs::read_to_string(file.path()).unwrap();
                let of_program = code.split("#[cfg(test)]").next().unwrap();
                let unlisted: Vec<String> = named_in(of_program).difference(&listed).cloned().collect();
                assert!(
                    unlisted.is_empty(),
                    "{:?} reads settings that are not listed: {unlisted:?}",
                    file.path()
                );
            }
        }
    }
}

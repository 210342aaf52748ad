//! Where the database is and how to connect to it.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use realnet_core::{Error, Result};
use url::Url;

/// How connections are protected, as `sslmode` of other PostgreSQL clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SslMode {
    /// Never encrypt.
    Disable,
    /// Encrypt when the server offers it, without a look at its certificate.
    #[default]
    Prefer,
    /// Always encrypt, without a look at the certificate: protects from listeners, not from impostors.
    Require,
    /// Always encrypt, and the certificate must be valid for the host.
    VerifyFull,
}

impl SslMode {
    /// Reads `disable`, `prefer`, `require` or `verify-full`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "disable" => Some(Self::Disable),
            "prefer" => Some(Self::Prefer),
            "require" => Some(Self::Require),
            "verify-full" => Some(Self::VerifyFull),
            _ => None,
        }
    }
}

/// Everything that a [`PostgresStore`](super::PostgresStore) needs to know.
#[derive(Clone)]
#[non_exhaustive]
pub struct PostgresConfig {
    /// Name or address of the server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The user to log in as; it must own the database or be allowed to create tables in it.
    pub user: String,
    /// Its password, if the server asks for one.
    pub password: Option<String>,
    /// The database.
    pub database: String,
    /// How connections are protected.
    pub ssl_mode: SslMode,
    /// A file with the certificate authorities (PEM) to trust for [`SslMode::VerifyFull`]; those of the system when
    /// absent.
    pub root_certificates: Option<PathBuf>,
    /// Most connections that read. Few are best: 4 to 8.
    pub read_connections: usize,
    /// Most connections that write. Commits wait for the disk, so more than cores are of use: 16 to 32.
    pub write_connections: usize,
    /// So many rows are read and sorted rather than looked for along an index.
    pub few: usize,
    /// So many items that a list looks at elsewhere (those it is filtered or ordered by) are kept while it is read.
    pub looked_up: usize,
    /// So many bytes rows that are judged together may look at elsewhere; a list that needs more is refused.
    pub looked_up_bytes: usize,
    /// How long connecting, and waiting for a free connection, may take.
    pub connect_timeout: Duration,
    /// How long one statement may take before the server ends it.
    pub statement_timeout: Duration,
    /// Whether sessions refuse to write, for looks that must change nothing.
    pub(super) read_only: bool,
}

impl PostgresConfig {
    /// A configuration for a database on a host, all else at its default: port 5432, no password.
    pub fn new(host: impl Into<String>, user: impl Into<String>, database: impl Into<String>) -> Self {
        Self {
            host: host.into(),
            port: 5432,
            user: user.into(),
            password: None,
            database: database.into(),
            ssl_mode: SslMode::default(),
            root_certificates: None,
            read_connections: 8,
            write_connections: 16,
            few: 1000,
            looked_up: 20_000,
            looked_up_bytes: 256 << 20,
            connect_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(30),
            read_only: false,
        }
    }

    /// Reads `postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=…`; the error never shows the password.
    pub fn from_url(text: &str) -> Result<Self> {
        let bad = |detail: &str| Error::malformed(format!("the database URL is not valid: {detail}"));
        let url = Url::parse(text).map_err(|error| bad(&error.to_string()))?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(bad("expected postgres://…"));
        }
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| bad("it names no host"))?;
        let database = decode(url.path().trim_start_matches('/')).ok_or_else(|| bad("its path"))?;
        let user = decode(url.username()).ok_or_else(|| bad("its user"))?;
        if database.is_empty() || user.is_empty() {
            return Err(bad("it must name a user and a database"));
        }
        let mut config = Self::new(host.trim_matches(['[', ']']), user, database);
        config.port = url.port().unwrap_or(5432);
        if let Some(password) = url.password() {
            config.password = Some(decode(password).ok_or_else(|| bad("its password"))?);
        }
        for (name, value) in url.query_pairs() {
            match &*name {
                "sslmode" => {
                    config.ssl_mode = SslMode::parse(&value)
                        .ok_or_else(|| bad("sslmode is disable, prefer, require or verify-full"))?;
                }
                "sslrootcert" => config.root_certificates = Some(PathBuf::from(&*value)),
                other => return Err(bad(&format!("unknown parameter {other}"))),
            }
        }
        Ok(config)
    }
}

/// Decodes `%41`; `None` when the result is not UTF-8.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = tail.get(..2).filter(|_| *first == b'%').and_then(|digits| {
            let digits = std::str::from_utf8(digits).ok()?;
            u8::from_str_radix(digits, 16).ok()
        });
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8(bytes).ok()
}

impl fmt::Debug for PostgresConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresConfig")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("user", &self.user)
            .field("password", &self.password.as_ref().map(|_| "…"))
            .field("database", &self.database)
            .field("ssl_mode", &self.ssl_mode)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_urls() {
        let config =
            PostgresConfig::from_url("postgres://me:p%40ss@[::1]:6000/my%20db?sslmode=require").unwrap();
        assert_eq!((config.host.as_str(), config.port), ("::1", 6000));
        assert_eq!((config.user.as_str(), config.database.as_str()), ("me", "my db"));
        assert_eq!(config.password.as_deref(), Some("p@ss"));
        assert_eq!(config.ssl_mode, SslMode::Require);
        for bad in ["postgres://h/d", "mysql://u@h/d", "postgres://u@h/", "postgres://u@h/d?sslmode=maybe"] {
            assert!(PostgresConfig::from_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn debug_hides_the_password() {
        let mut config = PostgresConfig::new("h", "u", "d");
        config.password = Some("hunter2".into());
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}

//! Stores as URLs, for commands that are told which ones: `sqlite://FILE`, `postgres://USER@HOST:PORT/DATABASE`, and
//! `json://FOLDER`, `yaml://FOLDER`, `xml://FOLDER`.

use std::fmt;
use std::path::{Path, PathBuf};

use realnet_provider_sql::postgres::PostgresConfig;
use url::Url;

use super::{DatabaseSection, Environment, Format, PostgresSection};

/// What a URL may look like, for messages.
const FORMS: &str =
    "sqlite://FILE, postgres://USER@HOST:PORT/DATABASE, json://FOLDER, yaml://FOLDER or xml://FOLDER";

impl DatabaseSection {
    /// The store of a URL. `env:NAME` is the URL that the variable NAME holds, so that a password in it is in no list of
    /// processes. A password that the URL lacks is that of `REALNET_DB_PASS`, else of `PGPASSWORD`.
    pub fn from_url(text: &str, environment: &Environment) -> Result<Self, String> {
        if let Some(name) = text.strip_prefix("env:") {
            let held = environment.get(name).map(str::to_owned).or_else(|| variable(name));
            let url =
                held.ok_or_else(|| format!("the variable {name} is not set: it should hold {FORMS}"))?;
            // What stands there may be secret, so it is in no message.
            return Self::read_url(&url, environment)
                .map_err(|problem| format!("the variable {name}: {problem}"));
        }
        Self::read_url(text, environment)
    }

    fn read_url(text: &str, environment: &Environment) -> Result<Self, String> {
        let (scheme, rest) = text.split_once("://").ok_or_else(|| format!("expected {FORMS}"))?;
        if let Some(format) = Format::parse(scheme) {
            return match rest {
                "" => Err(format!("{scheme}:// needs a folder behind it")),
                folder => Ok(Self::Documents { format, folder: PathBuf::from(folder) }),
            };
        }
        match scheme {
            "sqlite" if rest.is_empty() => Err("sqlite:// needs a file behind it".to_owned()),
            "sqlite" => Ok(Self::Sqlite { path: PathBuf::from(rest) }),
            "postgres" | "postgresql" => postgres(text, environment).map(Self::Postgres),
            other => Err(format!("there are no stores of the kind {other}://, expected {FORMS}")),
        }
    }
}

fn postgres(text: &str, environment: &Environment) -> Result<PostgresSection, String> {
    let config = PostgresConfig::from_url(text).map_err(|error| error.message().to_owned())?;
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    let mut sslmode = "prefer".to_owned();
    for (name, value) in url.query_pairs() {
        if name != "sslmode" {
            return Err(format!("{name} is no parameter of a store's URL: sslmode is the only one"));
        }
        sslmode = value.into_owned();
    }
    let password = config.password.or_else(|| environment.get("REALNET_DB_PASS").map(str::to_owned));
    Ok(PostgresSection {
        host: config.host,
        port: config.port,
        user: config.user,
        password: password.or_else(|| variable("PGPASSWORD")),
        database: config.database,
        sslmode,
    })
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

impl DatabaseSection {
    /// Whether two name the same store, as far as that can be told without asking: by whatever path, or as whatever user.
    pub fn is_same_store(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Postgres(one), Self::Postgres(other)) => {
                one.host.eq_ignore_ascii_case(&other.host)
                    && (one.port, &one.database) == (other.port, &other.database)
            }
            (Self::Sqlite { path: one }, Self::Sqlite { path: other })
            | (Self::Documents { folder: one, .. }, Self::Documents { folder: other, .. }) => {
                place(one) == place(other)
            }
            _ => false,
        }
    }
}

/// Where a path leads, if anything is there.
fn place(path: &Path) -> PathBuf {
    let found = path.canonicalize().or_else(|_| std::path::absolute(path));
    found.unwrap_or_else(|_| path.to_owned())
}

impl fmt::Display for DatabaseSection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory"),
            Self::Sqlite { path } => write!(f, "sqlite://{}", path.display()),
            Self::Documents { format, folder } => write!(f, "{}://{}", format.as_str(), folder.display()),
            Self::Postgres(PostgresSection { host, port, user, database, .. }) => {
                write!(f, "postgres://{user}@{host}:{port}/{database}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<DatabaseSection, String> {
        let environment =
            Environment::from([("REALNET_DB_PASS", "s3cret"), ("REALNET_OLD", "sqlite:///old.db")]);
        DatabaseSection::from_url(text, &environment)
    }

    #[test]
    fn urls_name_stores() {
        assert_eq!(read("sqlite://shop.db"), Ok(DatabaseSection::Sqlite { path: "shop.db".into() }));
        let folder = DatabaseSection::Documents { format: Format::Yaml, folder: "/srv/shop".into() };
        assert_eq!(
            (folder.to_string().as_str(), read("yaml:///srv/shop")),
            ("yaml:///srv/shop", Ok(folder.clone()))
        );
        assert_eq!(read("env:REALNET_OLD"), Ok(DatabaseSection::Sqlite { path: "/old.db".into() }));
        let Ok(DatabaseSection::Postgres(section)) = read("postgres://me@db:5433/shop?sslmode=require")
        else {
            panic!()
        };
        assert_eq!(
            (section.port, section.sslmode.as_str(), section.database.as_str()),
            (5433, "require", "shop")
        );
        assert_eq!(section.password.as_deref(), Some("s3cret"));
        let other = read("postgresql://me:its-own@db/shop").unwrap();
        assert_eq!(other.to_string(), "postgres://me@db:5432/shop");
        let DatabaseSection::Postgres(section) = other else { panic!() };
        assert_eq!(section.password.as_deref(), Some("its-own"));
    }

    #[test]
    fn a_store_is_the_same_by_any_name() {
        for (one, other) in [
            ("sqlite://shop.db", "sqlite://./shop.db"),
            ("sqlite://src/main.rs", "sqlite://src/config/../main.rs"),
            ("json://here", "yaml://./here"),
            ("postgres://ann@DB/shop", "postgresql://bob:secret@db:5432/shop?sslmode=require"),
        ] {
            assert!(read(one).unwrap().is_same_store(&read(other).unwrap()), "{one} {other}");
        }
        for (one, other) in [
            ("sqlite://shop.db", "sqlite://shop2.db"),
            ("sqlite://here", "json://here"),
            ("postgres://ann@db/shop", "postgres://ann@db/shop2"),
            ("postgres://ann@db/shop", "postgres://ann@db:5433/shop"),
            ("postgres://ann@db/shop", "postgres://ann@elsewhere/shop"),
        ] {
            assert!(!read(one).unwrap().is_same_store(&read(other).unwrap()), "{one} {other}");
        }
    }

    #[test]
    fn other_words_are_refused_and_no_password_is_shown() {
        for (bad, word) in [
            ("shop.db", "expected sqlite://FILE"),
            ("mysql://shop", "mysql://"),
            ("sqlite://", "needs a file"),
            ("xml://", "needs a folder"),
            ("postgres://me:hunter2@db", "user and a database"),
            ("postgres://me:hunter2@db/shop?sslmode=maybe", "sslmode"),
            ("postgres://me:hunter2@db/shop?pool=3", "pool"),
            ("env:REALNET_NONE", "REALNET_NONE is not set"),
        ] {
            let problem = read(bad).unwrap_err();
            assert!(problem.contains(word) && !problem.contains("hunter2"), "{bad}: {problem}");
        }
    }
}

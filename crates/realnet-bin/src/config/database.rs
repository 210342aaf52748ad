//! The section of the database: which store, and how to reach it.

use std::fmt;
use std::path::{Path, PathBuf};

use super::{Environment, Problems};

/// Where items are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseSection {
    /// In this process, gone when it ends.
    Memory,
    /// In a file.
    Sqlite {
        /// The file.
        path: PathBuf,
    },
    /// In a folder of documents.
    Documents {
        /// Their format.
        format: Format,
        /// The folder.
        folder: PathBuf,
    },
    /// On a PostgreSQL server.
    Postgres(PostgresSection),
}

/// The format of documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JSON.
    Json,
    /// YAML.
    Yaml,
    /// XML.
    Xml,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 3] = [Self::Json, Self::Yaml, Self::Xml];

    /// The name in settings and URLs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Yaml => "yaml",
            Self::Xml => "xml",
        }
    }

    /// The inverse of [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == text)
    }
}

/// How to reach a PostgreSQL server.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresSection {
    /// `REALNET_DB_HOST`.
    pub host: String,
    /// `REALNET_DB_PORT`.
    pub port: u16,
    /// `REALNET_DB_USER`.
    pub user: String,
    /// `REALNET_DB_PASS`.
    pub password: Option<String>,
    /// `REALNET_DB_NAME`.
    pub database: String,
    /// `REALNET_DB_SSLMODE`.
    pub sslmode: String,
}

impl fmt::Debug for PostgresSection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, user, database, sslmode, .. } = self;
        write!(f, "postgres://{user}@{host}:{port}/{database}?sslmode={sslmode}")
    }
}

/// The modes of `REALNET_DB_SSLMODE`.
const SSL_MODES: [&str; 4] = ["disable", "prefer", "require", "verify-full"];

impl DatabaseSection {
    pub(super) fn read(environment: &Environment, problems: &mut Problems) -> Self {
        // As soon as anything is said about a database, PostgreSQL is meant; a bare start needs nothing.
        let default = if environment.has_any("REALNET_DB_") { "postgresql" } else { "sqlite" };
        let kind = environment.get("REALNET_DB_TYPE").unwrap_or(default).to_ascii_lowercase();
        if let Some(format) = Format::parse(&kind) {
            return Self::documents(format, environment.get("REALNET_DB_NAME"), problems);
        }
        match kind.as_str() {
            "memory" => Self::Memory,
            "sqlite" => {
                let path = sqlite_path(environment.get("REALNET_DB_NAME"));
                if let Some(folder) = folder_of(&path).filter(|folder| !folder.is_dir()) {
                    problems.add("REALNET_DB_NAME", format!("the folder {} is not there", folder.display()));
                }
                Self::Sqlite { path }
            }
            "postgresql" | "postgres" => Self::Postgres(PostgresSection::read(environment, problems)),
            _ => {
                let expected = "expected sqlite, postgresql, json, yaml, xml or memory";
                problems.add("REALNET_DB_TYPE", expected.to_owned());
                Self::Memory
            }
        }
    }

    fn documents(format: Format, name: Option<&str>, problems: &mut Problems) -> Self {
        let folder = PathBuf::from(name.unwrap_or("realnet"));
        if folder.exists() && !folder.is_dir() {
            let message = format!("{} is no folder, in which documents are kept", folder.display());
            problems.add("REALNET_DB_NAME", message);
        } else if let Some(above) = folder_of(&folder).filter(|above| !above.is_dir()) {
            problems.add("REALNET_DB_NAME", format!("the folder {} is not there", above.display()));
        }
        Self::Documents { format, folder }
    }
}

/// The folder that a file is to be in, unless it is the one that we are in.
fn folder_of(path: &Path) -> Option<&Path> {
    path.parent().filter(|folder| !folder.as_os_str().is_empty())
}

/// A plain name means `./NAME.db`; anything with a separator or an ending is a path already.
fn sqlite_path(name: Option<&str>) -> PathBuf {
    let path = PathBuf::from(name.unwrap_or("realnet"));
    if path.extension().is_some() || path.components().count() > 1 { path } else { path.with_extension("db") }
}

impl PostgresSection {
    fn read(environment: &Environment, problems: &mut Problems) -> Self {
        let sslmode = environment.get("REALNET_DB_SSLMODE").unwrap_or("prefer").to_owned();
        if !SSL_MODES.contains(&sslmode.as_str()) {
            problems.add("REALNET_DB_SSLMODE", format!("expected {}", SSL_MODES.join(", ")));
        }
        let user = environment.get("REALNET_DB_USER").unwrap_or_default().to_owned();
        if user.is_empty() {
            problems.add(
                "REALNET_DB_USER",
                "is needed for postgresql: the database user; REALNET_DB_TYPE=sqlite keeps data in a file"
                    .to_owned(),
            );
        }
        Self {
            host: environment.get("REALNET_DB_HOST").unwrap_or("localhost").to_owned(),
            port: environment.parse("REALNET_DB_PORT", 5432, "a port from 1 to 65535", problems),
            user,
            password: environment.get("REALNET_DB_PASS").map(str::to_owned),
            database: environment.get("REALNET_DB_NAME").unwrap_or("realnet").to_owned(),
            sslmode,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn read<const N: usize>(pairs: [(&str, &str); N]) -> Result<DatabaseSection, Problems> {
        Config::read(&Environment::from(pairs)).map(|config| config.database)
    }

    #[test]
    fn a_bare_start_is_an_embedded_store() {
        assert_eq!(read([]), Ok(DatabaseSection::Sqlite { path: "realnet.db".into() }));
    }

    #[test]
    fn anything_said_about_a_database_means_postgresql() {
        let Ok(DatabaseSection::Postgres(section)) = read([("REALNET_DB_USER", "me")]) else { panic!() };
        assert_eq!(
            (section.host.as_str(), section.port, section.database.as_str()),
            ("localhost", 5432, "realnet")
        );
    }

    #[test]
    fn every_problem_is_named_and_no_value_shown() {
        let problems = read([
            ("REALNET_DB_TYPE", "postgresql"),
            ("REALNET_DB_PORT", "s3cret"),
            ("REALNET_DB_SSLMODE", "maybe"),
            ("REALNET_SERVER_PORT", "-1"),
        ])
        .unwrap_err()
        .to_string();
        for name in ["REALNET_DB_PORT", "REALNET_DB_SSLMODE", "REALNET_DB_USER", "REALNET_SERVER_PORT"] {
            assert!(problems.contains(name), "{problems}");
        }
        assert!(!problems.contains("s3cret"));
    }

    #[test]
    fn the_password_stays_out_of_debug() {
        let section = read([("REALNET_DB_USER", "me"), ("REALNET_DB_PASS", "s3cret")]).unwrap();
        assert!(!format!("{section:?}").contains("s3cret"));
    }

    #[test]
    fn documents_are_in_a_folder() {
        for format in Format::ALL {
            let section = read([("REALNET_DB_TYPE", format.as_str()), ("REALNET_DB_NAME", "shop")]);
            assert_eq!(section, Ok(DatabaseSection::Documents { format, folder: "shop".into() }));
        }
        let problems = read([("REALNET_DB_TYPE", "yaml"), ("REALNET_DB_NAME", "no/such/place")]).unwrap_err();
        assert!(problems.to_string().contains("the folder no/such is not there"), "{problems}");
        let problems = read([("REALNET_DB_TYPE", "yaml"), ("REALNET_DB_NAME", "Cargo.toml")]).unwrap_err();
        assert!(problems.to_string().contains("is no folder"), "{problems}");
    }

    #[test]
    fn names_of_embedded_files() {
        assert_eq!(sqlite_path(Some("shop")), PathBuf::from("shop.db"));
        assert_eq!(sqlite_path(Some("data/shop")), PathBuf::from("data/shop"));
        assert_eq!(sqlite_path(Some("shop.sqlite")), PathBuf::from("shop.sqlite"));
    }
}

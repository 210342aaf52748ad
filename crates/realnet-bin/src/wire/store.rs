//! Opening the configured store.

use std::path::Path;
use std::sync::Arc;

use realnet_core::provider::ItemProvider as _;
use realnet_core::resource::Services;
use realnet_core::transfer::Target;
use realnet_provider_generic::{DocumentStore, Edits, MemoryStore};
use realnet_provider_json::JsonCodec;
use realnet_provider_sql::postgres::{PostgresConfig, PostgresStore, SslMode};
use realnet_provider_sql::{Pending, SqliteConfig, SqliteStore};
use realnet_provider_xml::XmlCodec;
use realnet_provider_yaml::YamlCodec;

use crate::cli::{Failure, Outcome, for_operators};
use crate::config::{DatabaseSection, Format, PostgresSection};

/// An open store, to be closed when the server ends.
pub enum Store {
    /// In memory.
    Memory(Arc<MemoryStore>),
    /// In a file.
    Sqlite(Arc<SqliteStore>),
    /// In a folder of documents.
    Documents(Arc<DocumentStore>),
    /// On a PostgreSQL server.
    Postgres(Arc<PostgresStore>),
}

/// What a store lacks that the next start makes.
pub enum Lack {
    /// Migrations of its schema.
    Migrations(Pending),
    /// The folder of its documents.
    Folder,
}

impl Lack {
    /// Whether there is no store at all yet.
    pub fn is_all(&self) -> bool {
        match self {
            Self::Migrations(pending) => pending.present == 0,
            Self::Folder => true,
        }
    }
}

impl std::fmt::Display for Lack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Migrations(pending) => write!(f, "would apply {pending}"),
            Self::Folder => f.write_str("would make a folder of documents"),
        }
    }
}

impl Store {
    /// Opens the store, creating or migrating its schema.
    pub async fn open(database: &DatabaseSection) -> Result<Self, Failure> {
        Ok(match database {
            DatabaseSection::Memory => Self::Memory(Arc::new(MemoryStore::new())),
            DatabaseSection::Sqlite { path } => {
                let store = SqliteStore::open(SqliteConfig::new(path.clone()));
                Self::Sqlite(Arc::new(store.map_err(|error| at(path.display(), &error))?))
            }
            DatabaseSection::Documents { format, folder } => {
                let store = open_documents(*format, folder);
                Self::Documents(Arc::new(store.map_err(|error| at(folder.display(), &error))?))
            }
            DatabaseSection::Postgres(section) => {
                let store = PostgresStore::connect(postgres_config(section)?).await;
                Self::Postgres(Arc::new(store.map_err(|error| at(format_args!("{section:?}"), &error))?))
            }
        })
    }

    /// Opens the store for a look that changes nothing: as it is when its schema is up to date, else an empty one in
    /// memory in its place, with what [`Self::open`] would apply.
    pub async fn look(database: &DatabaseSection) -> Result<(Self, Option<Lack>), Failure> {
        let lack = Self::lack(database).await?;
        let store = match (database, &lack) {
            (_, Some(_)) | (DatabaseSection::Memory, None) => Self::open(&DatabaseSection::Memory).await?,
            (DatabaseSection::Sqlite { path }, None) => {
                let store = SqliteStore::look(SqliteConfig::new(path.clone()));
                Self::Sqlite(Arc::new(store.map_err(|error| at(path.display(), &error))?))
            }
            (DatabaseSection::Documents { format, folder }, None) => {
                let store = look_at_documents(*format, folder, Edits::PassedOver);
                Self::Memory(Arc::new(store.map_err(|error| at(folder.display(), &error))?))
            }
            (DatabaseSection::Postgres(section), None) => {
                let store = PostgresStore::connect_read_only(postgres_config(section)?).await;
                Self::Postgres(Arc::new(store.map_err(|error| at(format_args!("{section:?}"), &error))?))
            }
        };
        Ok((store, lack))
    }

    /// What [`Self::open`] would make or apply; `None`: nothing.
    pub(super) async fn lack(database: &DatabaseSection) -> Result<Option<Lack>, Failure> {
        let pending = match database {
            DatabaseSection::Memory => None,
            DatabaseSection::Sqlite { path } => SqliteStore::pending(&SqliteConfig::new(path.clone()))
                .map_err(|error| at(path.display(), &error))?,
            DatabaseSection::Documents { folder, .. } => {
                return Ok((!DocumentStore::holds(folder)).then_some(Lack::Folder));
            }
            DatabaseSection::Postgres(section) => {
                let pending = PostgresStore::pending(&postgres_config(section)?).await;
                pending.map_err(|error| at(format_args!("{section:?}"), &error))?
            }
        };
        Ok(pending.map(Lack::Migrations))
    }

    /// Its name for `info`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Memory(store) => store.capabilities().name,
            Self::Sqlite(store) => store.capabilities().name,
            Self::Documents(documents) => documents.store().capabilities().name,
            Self::Postgres(store) => store.capabilities().name,
        }
    }

    /// The store as one that can be filled with the records of another.
    pub fn target(&self) -> &dyn Target {
        match self {
            Self::Memory(store) => &**store,
            Self::Sqlite(store) => &**store,
            Self::Documents(documents) => &**documents.store(),
            Self::Postgres(store) => &**store,
        }
    }

    /// The services of a server on this store, with the types that it holds; secrets are not sealed yet.
    pub async fn services(&self) -> Result<Services, Failure> {
        let services = match self {
            Self::Memory(store) => Services::on(Arc::clone(store)),
            Self::Sqlite(store) => Services::on(Arc::clone(store)),
            Self::Documents(documents) => Services::on(Arc::clone(documents.store())),
            Self::Postgres(store) => Services::on(Arc::clone(store)),
        };
        services.reload_types().await?;
        Ok(services)
    }

    /// Finishes what is under way and lets go of the store.
    pub async fn close(self) -> Outcome {
        match self {
            Self::Memory(_) => {}
            Self::Sqlite(store) => store.close().await?,
            Self::Documents(documents) => {
                // Documents are brought in line with the journal first.
                let closing = tokio::task::spawn_blocking(move || documents.close());
                closing.await.map_err(|error| format!("the store could not be closed: {error}"))?;
            }
            Self::Postgres(store) => store.close(),
        }
        Ok(())
    }

    /// Makes changes of what is done to documents by hand, as long as it is polled; of other stores nothing comes that way.
    pub fn follow(&self, services: &Services) -> impl Future<Output = ()> + Send + 'static {
        let documents = match self {
            Self::Documents(documents) => Some(Arc::clone(documents)),
            _ => None,
        };
        let services = services.clone();
        async move {
            if let Some(documents) = documents {
                documents.follow(&*services.items, &services.registry).await;
            }
        }
    }
}

fn open_documents(format: Format, folder: &Path) -> realnet_core::Result<DocumentStore> {
    match format {
        Format::Json => realnet_provider_json::open(folder),
        Format::Yaml => realnet_provider_yaml::open(folder),
        Format::Xml => realnet_provider_xml::open(folder),
    }
}

/// What a folder holds, which stays as it is.
pub(super) fn look_at_documents(
    format: Format,
    folder: &Path,
    edits: Edits,
) -> realnet_core::Result<MemoryStore> {
    match format {
        Format::Json => DocumentStore::look(folder, &JsonCodec, edits),
        Format::Yaml => DocumentStore::look(folder, &YamlCodec, edits),
        Format::Xml => DocumentStore::look(folder, &XmlCodec, edits),
    }
}

/// The error with the place of the store, which only the operator is told.
pub(super) fn at(place: impl std::fmt::Display, error: &realnet_core::Error) -> Failure {
    tracing::debug!(error = %error.report(), "the store can not be opened");
    let (place, mut text) = (place.to_string(), for_operators(error));
    text = in_settings(text);
    if let Some(cause) = root_cause(error).filter(|cause| !text.contains(cause.as_str())) {
        text = format!("{text}\n  cause: {cause}");
    }
    if text.contains(&place) { text.into() } else { format!("{place}: {text}").into() }
}

/// What began it, in the words of the system or the database: the last link of the report, since those between repeat it.
fn root_cause(error: &realnet_core::Error) -> Option<String> {
    let report = error.report();
    let (_, causes) = report.split_once(" | ")?;
    let last = causes.rsplit(" | ").next()?.trim_start_matches("caused by: ");
    // The drivers put what they were doing before what happened.
    let cause = last.rsplit(": ").next().unwrap_or(last);
    // What was read makes no sense as an answer of that protocol.
    let is_other = cause.contains("bytes remaining on stream") || cause.contains("invalid message");
    Some(if is_other { "what answers there is no PostgreSQL server" } else { cause }.to_owned())
}

/// The next steps of a store, which knows nothing of settings, in the names of the settings.
fn in_settings(text: String) -> String {
    let steps = [
        ("set sslmode=", "set REALNET_DB_SSLMODE="),
        ("or set another", "or set another REALNET_DB_NAME"),
        (
            "set those of a user that may log in",
            "set REALNET_DB_USER and REALNET_DB_PASS to those of one that may log in",
        ),
        ("is that its host and port?", "are REALNET_DB_HOST and REALNET_DB_PORT right?"),
    ];
    steps.iter().fold(text, |text, (step, named)| text.replace(step, named))
}

pub(super) fn postgres_config(section: &PostgresSection) -> Result<PostgresConfig, Failure> {
    let mut config = PostgresConfig::new(&section.host, &section.user, &section.database);
    config.port = section.port;
    config.password.clone_from(&section.password);
    config.ssl_mode = SslMode::parse(&section.sslmode).ok_or("REALNET_DB_SSLMODE is not a known mode")?;
    Ok(config)
}

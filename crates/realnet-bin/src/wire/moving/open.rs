//! Opening stores to be read as a whole.

use std::sync::Arc;

use realnet_core::provider::{CredentialProvider as _, DumpProvider, MARK_SETTING};
use realnet_provider_generic::{DocumentStore, Edits};
use realnet_provider_sql::postgres::PostgresStore;
use realnet_provider_sql::{SqliteConfig, SqliteDump, SqliteStore};
use realnet_resource_files::DATABASE_SETTING;

use super::super::server::UNFINISHED;
use super::super::store::{at, look_at_documents, postgres_config};
use crate::cli::Failure;
use crate::config::DatabaseSection;

/// Who else may have the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Others {
    /// A server may be writing to it.
    Allowed,
    /// No server may have an embedded store: what it wrote later would be missing.
    Refused,
}

/// A store that is only read.
pub struct Source {
    /// What it holds.
    pub store: Arc<dyn DumpProvider>,
    /// What it is called where contents are stored, if it has been.
    pub owner: Option<Vec<u8>>,
}

/// A store that is only read. It has to be there, whole, with a schema that is up to date; nothing of it is changed.
pub async fn source(section: &DatabaseSection, others: Others) -> Result<Source, Failure> {
    let whole = |mark: Option<Vec<u8>>| match mark {
        Some(_) => Err(Failure::from(format!("{section}: {UNFINISHED}"))),
        None => Ok(()),
    };
    Ok(match section {
        DatabaseSection::Memory => return Err("a store in memory is seen by its server alone".into()),
        DatabaseSection::Sqlite { path } => {
            let config = SqliteConfig::new(path.clone());
            let opened = match others {
                Others::Allowed => SqliteDump::open(config),
                Others::Refused => SqliteDump::alone(config),
            };
            let opened = opened.map_err(|error| at(path.display(), &error))?;
            let looked = SqliteStore::look(SqliteConfig::new(path.clone()));
            let looked = looked.map_err(|error| at(path.display(), &error))?;
            let settings = (looked.setting(MARK_SETTING).await, looked.setting(DATABASE_SETTING).await);
            looked.close().await?;
            whole(settings.0?)?;
            Source { store: Arc::new(opened), owner: settings.1? }
        }
        // What is in the folder is read whole, and no server gets it meanwhile.
        DatabaseSection::Documents { format, folder } if DocumentStore::holds(folder) => {
            let store = look_at_documents(*format, folder, Edits::Refused);
            let store = store.map_err(|error| at(folder.display(), &error))?;
            whole(store.setting(MARK_SETTING).await?)?;
            let owner = store.setting(DATABASE_SETTING).await?;
            Source { store: Arc::new(store), owner }
        }
        DatabaseSection::Documents { folder, .. } => {
            return Err(format!("{}: there is no store of documents", folder.display()).into());
        }
        DatabaseSection::Postgres(section) => {
            let opened = PostgresStore::connect_read_only(postgres_config(section)?).await;
            let opened = opened.map_err(|error| at(format_args!("{section:?}"), &error))?;
            whole(opened.setting(MARK_SETTING).await?)?;
            let owner = opened.setting(DATABASE_SETTING).await?;
            Source { store: Arc::new(opened), owner }
        }
    })
}

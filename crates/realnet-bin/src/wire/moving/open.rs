//! Opening stores to be read as a whole.

use std::sync::Arc;

use realnet_core::provider::DumpProvider;
use realnet_provider_generic::{DocumentStore, Edits};
use realnet_provider_sql::postgres::PostgresStore;
use realnet_provider_sql::{SqliteConfig, SqliteDump};

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

/// A store that is only read. It has to be there, with a schema that is up to date; nothing of it is changed.
pub async fn source(section: &DatabaseSection, others: Others) -> Result<Arc<dyn DumpProvider>, Failure> {
    Ok(match section {
        DatabaseSection::Memory => return Err("a store in memory is seen by its server alone".into()),
        DatabaseSection::Sqlite { path } => {
            let config = SqliteConfig::new(path.clone());
            let opened = match others {
                Others::Allowed => SqliteDump::open(config),
                Others::Refused => SqliteDump::alone(config),
            };
            Arc::new(opened.map_err(|error| at(path.display(), &error))?)
        }
        // What is in the folder is read whole, and no server gets it meanwhile.
        DatabaseSection::Documents { format, folder } if DocumentStore::holds(folder) => {
            let store = look_at_documents(*format, folder, Edits::Refused);
            Arc::new(store.map_err(|error| at(folder.display(), &error))?)
        }
        DatabaseSection::Documents { folder, .. } => {
            return Err(format!("{}: there is no store of documents", folder.display()).into());
        }
        DatabaseSection::Postgres(section) => {
            let opened = PostgresStore::connect_read_only(postgres_config(section)?).await;
            Arc::new(opened.map_err(|error| at(format_args!("{section:?}"), &error))?)
        }
    })
}

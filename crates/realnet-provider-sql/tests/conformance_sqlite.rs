//! The SQLite store passes the suite that every store passes.

use std::path::Path;
use std::sync::Arc;

use realnet_core::transfer::Target;
use realnet_provider_sql::{SqliteConfig, SqliteStore};
use realnet_testkit::conformance::{Backend, Stores};
use realnet_testkit::transfer::TransferBackend;

#[derive(Default)]
struct Sqlite {
    /// Reads so few rows before it walks along the order that the suite's small lists take that path too.
    walks: bool,
}

impl Sqlite {
    fn config(&self, folder: &Path) -> SqliteConfig {
        let config = SqliteConfig::new(folder.join("store.db"));
        if self.walks { SqliteConfig { few: 2, group: 3, ..config } } else { config }
    }
}

#[async_trait::async_trait]
impl Backend for Sqlite {
    async fn open(&self) -> Stores {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = SqliteStore::open(self.config(folder.path())).expect("a store");
        stores(store, Arc::new(folder))
    }

    async fn reopen(&self, stores: Stores) -> Option<Stores> {
        let folder = stores.guard.clone()?.downcast::<tempfile::TempDir>().ok()?;
        drop(stores);
        let store = SqliteStore::open(self.config(folder.path())).expect("a store");
        Some(self::stores(store, folder))
    }
}

fn stores(store: SqliteStore, folder: Arc<tempfile::TempDir>) -> Stores {
    parts(&Arc::new(store), folder)
}

fn parts(store: &Arc<SqliteStore>, folder: Arc<tempfile::TempDir>) -> Stores {
    Stores {
        items: Arc::clone(store) as _,
        types: Arc::clone(store) as _,
        credentials: Arc::clone(store) as _,
        sources: Arc::clone(store) as _,
        guard: Some(folder),
    }
}

realnet_testkit::conformance!(Sqlite::default());

/// The same with the plans of large stores.
mod large {
    realnet_testkit::conformance!(crate::Sqlite { walks: true });
}

#[async_trait::async_trait]
impl TransferBackend for Sqlite {
    async fn open(&self) -> (Stores, Arc<dyn Target>) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = Arc::new(SqliteStore::open(self.config(folder.path())).expect("a store"));
        (parts(&store, Arc::new(folder)), store)
    }
}

realnet_testkit::transfer_conformance!(Sqlite::default());

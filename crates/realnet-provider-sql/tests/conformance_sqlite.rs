//! The SQLite store passes the suite that every store passes.

use std::sync::Arc;

use realnet_provider_sql::{SqliteConfig, SqliteStore};
use realnet_testkit::conformance::{Backend, Stores};

#[derive(Default)]
struct Sqlite;

#[async_trait::async_trait]
impl Backend for Sqlite {
    async fn open(&self) -> Stores {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = SqliteStore::open(SqliteConfig::new(folder.path().join("store.db"))).expect("a store");
        stores(store, Arc::new(folder))
    }

    async fn reopen(&self, stores: Stores) -> Option<Stores> {
        let folder = stores.guard.clone()?.downcast::<tempfile::TempDir>().ok()?;
        drop(stores);
        let store = SqliteStore::open(SqliteConfig::new(folder.path().join("store.db"))).expect("a store");
        Some(self::stores(store, folder))
    }
}

fn stores(store: SqliteStore, folder: Arc<tempfile::TempDir>) -> Stores {
    let store = Arc::new(store);
    Stores {
        items: Arc::clone(&store) as _,
        types: Arc::clone(&store) as _,
        credentials: Arc::clone(&store) as _,
        sources: store,
        guard: Some(folder),
    }
}

realnet_testkit::conformance!(Sqlite);

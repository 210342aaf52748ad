//! The SQLite store passes the suite that every store passes.

use std::path::Path;
use std::sync::Arc;

use realnet_provider_sql::{SqliteConfig, SqliteStore};
use realnet_testkit::conformance::{Backend, Stores};

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
    let store = Arc::new(store);
    Stores {
        items: Arc::clone(&store) as _,
        types: Arc::clone(&store) as _,
        credentials: Arc::clone(&store) as _,
        sources: store,
        guard: Some(folder),
    }
}

realnet_testkit::conformance!(Sqlite::default());

/// The same with the plans of large stores.
mod large {
    realnet_testkit::conformance!(crate::Sqlite { walks: true });
}

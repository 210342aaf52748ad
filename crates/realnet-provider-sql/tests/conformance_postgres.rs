//! The conformance suite of the core's traits, against a real PostgreSQL server.

use std::sync::Arc;

use async_trait::async_trait;
use realnet_core::transfer::Target;
use realnet_provider_sql::postgres::{PostgresConfig, PostgresStore};
use realnet_testkit::conformance::{Backend, Stores};
use realnet_testkit::engines::{TestDatabase, fresh_database};
use realnet_testkit::transfer::TransferBackend;

#[derive(Default)]
struct Postgres {
    /// Reads so few rows before it walks along the order that the suite's small lists take that path too.
    walks: bool,
}

/// What a case holds: the store is closed before its database is dropped.
struct Guard {
    store: PostgresStore,
    database: Arc<TestDatabase>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.store.close();
    }
}

async fn stores(database: Arc<TestDatabase>, walks: bool) -> Stores {
    let store = connect(&database, walks).await;
    parts(store, database)
}

async fn connect(database: &TestDatabase, walks: bool) -> PostgresStore {
    let mut config = PostgresConfig::from_url(database.url()).expect("the engine gives a URL");
    // Many cases run at once, against one server.
    config.read_connections = 4;
    config.write_connections = 8;
    if walks {
        config.few = 2;
    }
    PostgresStore::connect(config).await.expect("the server is there")
}

fn parts(store: PostgresStore, database: Arc<TestDatabase>) -> Stores {
    Stores {
        items: Arc::new(store.clone()),
        types: Arc::new(store.clone()),
        credentials: Arc::new(store.clone()),
        sources: Arc::new(store.clone()),
        guard: Some(Arc::new(Guard { store, database })),
    }
}

#[async_trait]
impl Backend for Postgres {
    async fn open(&self) -> Stores {
        let database = fresh_database().await.expect("a PostgreSQL server can be started");
        stores(Arc::new(database), self.walks).await
    }

    async fn reopen(&self, mut held: Stores) -> Option<Stores> {
        let guard = held.guard.take()?.downcast::<Guard>().ok()?;
        let database = Arc::clone(&guard.database);
        drop((held, guard));
        Some(stores(database, self.walks).await)
    }
}

realnet_testkit::conformance!(Postgres::default());

/// The same with the plans of large stores.
mod large {
    realnet_testkit::conformance!(crate::Postgres { walks: true });
}

#[async_trait]
impl TransferBackend for Postgres {
    async fn open(&self) -> (Stores, Arc<dyn Target>) {
        let database = Arc::new(fresh_database().await.expect("a PostgreSQL server can be started"));
        let store = connect(&database, self.walks).await;
        (parts(store.clone(), database), Arc::new(store))
    }
}

realnet_testkit::transfer_conformance!(Postgres::default());

//! Stores on a given database, and a look at it from outside.

use std::sync::Arc;

use async_trait::async_trait;
use realnet_provider_sql::postgres::{PostgresConfig, PostgresStore};
use realnet_testkit::conformance::{Backend, Stores, World};
use realnet_testkit::engines::{TestDatabase, fresh_database};
use tokio_postgres::{Client, NoTls};

/// Opens stores on one database, by its URL.
pub struct On(pub String);

#[async_trait]
impl Backend for On {
    async fn open(&self) -> Stores {
        stores(&self.0).await
    }
}

/// Opens stores on one database with a setting of the test's own.
pub struct Tuned(pub String, pub fn(&mut PostgresConfig));

#[async_trait]
impl Backend for Tuned {
    async fn open(&self) -> Stores {
        let mut config = PostgresConfig::from_url(&self.0).expect("the engine gives a URL");
        self.1(&mut config);
        all_of(PostgresStore::connect(config).await.expect("the server is there"))
    }
}

pub async fn stores(url: &str) -> Stores {
    all_of(connect(url).await)
}

fn all_of(store: PostgresStore) -> Stores {
    Stores {
        items: Arc::new(store.clone()),
        types: Arc::new(store.clone()),
        credentials: Arc::new(store.clone()),
        sources: Arc::new(store),
        guard: None,
    }
}

pub async fn connect(url: &str) -> PostgresStore {
    let config = PostgresConfig::from_url(url).expect("the engine gives a URL");
    PostgresStore::connect(config).await.expect("the server is there")
}

/// A database with the suite's types and people in it.
pub async fn world() -> (TestDatabase, World) {
    let database = fresh_database().await.expect("a PostgreSQL server can be started");
    let world = World::open(Arc::new(On(database.url().to_owned()))).await;
    (database, world)
}

/// The same world, seen by another server on the same database.
pub async fn replica(database: &TestDatabase, world: &World) -> World {
    let mut replica = world.clone();
    replica.stores = stores(database.url()).await;
    replica
}

/// A connection of one's own.
pub async fn client(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("the server is there");
    tokio::spawn(connection);
    client
}

//! Lists that look at other items while they read.

use std::sync::Arc;

use async_trait::async_trait;
use realnet_provider_sql::postgres::{PostgresConfig, PostgresStore};
use realnet_testkit::conformance::{Backend, Stores, World, item, race};
use realnet_testkit::engines::fresh_database;

/// Opens stores that read over two connections.
struct Narrow(String);

#[async_trait]
impl Backend for Narrow {
    async fn open(&self) -> Stores {
        let mut config = PostgresConfig::from_url(&self.0).unwrap();
        config.read_connections = 2;
        let store = PostgresStore::connect(config).await.unwrap();
        Stores {
            items: Arc::new(store.clone()),
            types: Arc::new(store.clone()),
            credentials: Arc::new(store.clone()),
            sources: Arc::new(store),
            guard: None,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_that_follow_references_do_not_wait_for_each_other() {
    let database = fresh_database().await.unwrap();
    let world = World::open(Arc::new(Narrow(database.url().to_owned()))).await;
    let alice = world.acme.alice.clone();
    let boss = world.create(&alice, item("Paper").name("boss")).await.id;
    world.create(&alice, item("Paper").name("found").attr("boss", boss.to_string())).await;
    race(8, |_| {
        let world = world.clone();
        async move {
            for _ in 0..5 {
                world.find("Paper").with("boss.name", "boss").gives(&["found"]).await;
            }
        }
    })
    .await;
}

//! Connections are few: lists that look at other items while they read, and places that move between runtimes.

use std::sync::Arc;
use std::time::Duration;

use realnet_core::provider::ItemProvider as _;
use realnet_provider_sql::postgres::{PostgresConfig, PostgresStore};
use realnet_testkit::conformance::{World, item, race};
use realnet_testkit::engines::fresh_database;
use tokio::net::{TcpListener, TcpStream};

use crate::support::Tuned;

#[tokio::test(flavor = "multi_thread")]
async fn lists_that_follow_references_do_not_wait_for_each_other() {
    let database = fresh_database().await.unwrap();
    let world =
        World::open(Arc::new(Tuned(database.url().to_owned(), |config| config.read_connections = 2))).await;
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

/// A connection that was to be replaced by one of another runtime serves it where no other can be opened.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_stays_where_no_other_can_be_opened() {
    let database = fresh_database().await.unwrap();
    let mut config = PostgresConfig::from_url(database.url()).unwrap();
    config.read_connections = 1;
    let place = format!("{}:{}", config.host, config.port);
    let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    (config.host, config.port) = ("127.0.0.1".to_owned(), proxy.local_addr().unwrap().port());
    let door = tokio::spawn(async move {
        while let Ok((mut client, _)) = proxy.accept().await {
            let mut server = TcpStream::connect(&place).await.unwrap();
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut client, &mut server).await });
        }
    });
    let store = PostgresStore::connect(config).await.unwrap();
    store.check().await.unwrap();
    door.abort();
    assert!(door.await.unwrap_err().is_cancelled());
    // Its home does not use it any more, and another has none.
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    let checked = tokio::task::spawn_blocking(move || {
        let other = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        other.block_on(store.check())
    });
    checked.await.unwrap().unwrap();
}

//! Requests that are given up in the middle: what they have begun ends in the server too, and their connections go on.

use std::time::Duration;

use realnet_core::provider::ItemProvider;
use realnet_provider_sql::postgres::{PostgresConfig, PostgresStore};
use realnet_testkit::conformance::{eventually, item};
use tokio_postgres::Client;

use crate::support::{client, world};

/// Sessions that read or write for the store in a state.
async fn sessions(watcher: &Client, condition: &str) -> i64 {
    let count = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
         AND application_name IN ('realnet read', 'realnet write') AND {condition}"
    );
    watcher.query_one(&count, &[]).await.unwrap().get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_given_up_ends_in_the_server() {
    let (database, world) = world().await;
    let alice = world.acme.alice.clone();
    let note = world.create(&alice, item("Note").name("kept").attr("rank", 1)).await;
    let mut config = PostgresConfig::from_url(database.url()).unwrap();
    (config.read_connections, config.write_connections) = (1, 1);
    let store = PostgresStore::connect(config).await.unwrap();
    let mut narrow = world.clone();
    narrow.stores.items = std::sync::Arc::new(store.clone());

    let mut outside = client(database.url()).await;
    let watcher = client(database.url()).await;
    let held = outside.transaction().await.unwrap();
    held.batch_execute("LOCK TABLE items IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let patience = Duration::from_millis(300);
    for round in 0..3 {
        let given_up = match round {
            0 => tokio::time::timeout(patience, narrow.get(&alice, note.id)).await.is_err(),
            1 => {
                let list = narrow.find("Note").by(&alice).order("rank.desc").with("count", "exact");
                tokio::time::timeout(patience, list.page()).await.is_err()
            }
            _ => {
                let update = narrow.set(&alice, note.id, serde_json::json!({"rank": 2}));
                tokio::time::timeout(patience, update).await.is_err()
            }
        };
        assert!(given_up, "round {round} must have waited for the lock");
        eventually("nothing waits any more", || async {
            (sessions(&watcher, "state <> 'idle'").await == 0).then_some(())
        })
        .await;
        // The only connection serves others while the table is still locked.
        tokio::time::timeout(Duration::from_secs(3), store.check()).await.unwrap().unwrap();
    }
    held.commit().await.unwrap();
    assert_eq!(narrow.get(&alice, note.id).await, Some(note.clone()));
    let changed = narrow.set(&alice, note.id, serde_json::json!({"rank": 3})).await.unwrap();
    assert_eq!(changed.version, note.version + 1);
    assert_eq!(sessions(&watcher, "state LIKE 'idle in transaction%'").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_leaves_no_transaction_open() {
    let (database, world) = world().await;
    let alice = world.acme.alice.clone();
    world.create_all(&alice, (0..300).map(|n| item("Note").name("n").attr("rank", n % 5)).collect()).await;
    let watcher = client(database.url()).await;
    for order in ["rank.desc", "name", "id"] {
        let page = world.find("Note").by(&alice).order(order).limit(1000).with("count", "exact").page().await;
        assert_eq!((page.items.len(), page.total), (300, Some(300)));
    }
    eventually("transactions end", || async {
        (sessions(&watcher, "state <> 'idle'").await == 0).then_some(())
    })
    .await;
    let opened = sessions(&watcher, "application_name = 'realnet read'").await;
    assert!(opened <= 2, "connections are used again, not opened anew: {opened}");
}

/// A thread that ends in the middle of a transaction leaves nothing open for the next one on its connection.
#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_ends_with_the_runtime_that_it_was_left_in() {
    let (database, world) = world().await;
    let alice = world.acme.alice.clone();
    let mut config = PostgresConfig::from_url(database.url()).unwrap();
    config.write_connections = 1;
    let mut narrow = world.clone();
    narrow.stores.items = std::sync::Arc::new(PostgresStore::connect(config).await.unwrap());
    let note = narrow.create(&alice, item("Note").name("kept").attr("rank", 1)).await;

    let mut outside = client(database.url()).await;
    let held = outside.transaction().await.unwrap();
    held.query("SELECT id FROM items WHERE name = 'kept' FOR UPDATE", &[]).await.unwrap();
    let given_up = tokio::task::spawn_blocking({
        let (narrow, alice) = (narrow.clone(), alice.clone());
        move || {
            let other = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let update = async {
                let update = narrow.set(&alice, note.id, serde_json::json!({"rank": 2}));
                tokio::time::timeout(Duration::from_millis(300), update).await.is_err()
            };
            other.block_on(update)
        }
    });
    assert!(given_up.await.unwrap(), "it must have waited for the lock");
    held.commit().await.unwrap();
    narrow.create(&alice, item("Note").name("answered")).await;
    let watcher = client(database.url()).await;
    let count = "SELECT count(*) FROM items WHERE name = 'answered'";
    let found: i64 = watcher.query_one(count, &[]).await.unwrap().get(0);
    assert_eq!(found, 1, "what was answered is durable");
    assert_eq!(sessions(&watcher, "state LIKE 'idle in transaction%'").await, 0);
}

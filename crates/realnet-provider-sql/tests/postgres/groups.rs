//! Creates that come at the same time go out together, and each hears its own answer.

use std::time::Duration;

use futures::future::join_all;
use realnet_core::ErrorKind;
use realnet_core::change::Operation;
use realnet_core::model::TypeDefinition;
use realnet_testkit::conformance::{eventually, expect_kind, item, race};
use tokio_postgres::Client;

use crate::support::{client, connect, world};

/// Waits until so many statements of creates wait for a lock.
async fn blocked(watcher: &Client, wanted: i64) {
    let count = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                 AND application_name = 'realnet write' AND wait_event_type = 'Lock'";
    eventually("statements wait for a lock", || async {
        let found: i64 = watcher.query_one(count, &[]).await.unwrap().get(0);
        (found == wanted).then_some(())
    })
    .await;
}

/// Keeps everybody from all items, until it commits.
async fn holding_items(url: &str) -> Client {
    let holder = client(url).await;
    holder.batch_execute("BEGIN; LOCK TABLE items IN ACCESS EXCLUSIVE MODE").await.unwrap();
    holder
}

#[tokio::test(flavor = "multi_thread")]
async fn creates_that_come_together_share_transactions() {
    let (database, world) = world().await;
    let alice = world.acme.alice.clone();
    let before = world.changes(world.acme.id, 0, 10_000).await.len();
    race(64, |n| {
        let (world, alice) = (world.clone(), alice.clone());
        async move { world.create(&alice, item("Note").name(format!("note {n}")).attr("rank", n as i64)).await }
    })
    .await;
    let watcher = client(database.url()).await;
    let count = "SELECT count(*), count(DISTINCT xmin::text) FROM items WHERE name LIKE 'note %'";
    let row = watcher.query_one(count, &[]).await.unwrap();
    let (items, transactions): (i64, i64) = (row.get(0), row.get(1));
    assert_eq!(items, 64);
    assert!(transactions < 48, "{transactions} transactions for 64 creates");
    let log = world.log(world.acme.id, before + 64).await;
    let revisions: Vec<i64> = log.iter().map(|record| record.revision).collect();
    assert_eq!(revisions, (1..=log.len() as i64).collect::<Vec<_>>());
    for page in
        [world.find("Note").by(&alice).order("rank"), world.find("Note").by(&alice).with("name", "note 7")]
    {
        page.limit(100).check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_create_takes_no_other_along() {
    let (_database, world) = world().await;
    let alice = world.acme.alice.clone();
    let id = world.next_id();
    let created = race(60, |n| {
        let (world, alice) = (world.clone(), alice.clone());
        let draft = item("Note").name(format!("note {n}"));
        // Every fifth wants the same id.
        let draft = if n % 5 == 0 { draft.id(id) } else { draft };
        async move { (n % 5 == 0, world.try_create(&alice, draft).await) }
    })
    .await;
    let (same, others): (Vec<_>, Vec<_>) = created.into_iter().partition(|(is_same, _)| *is_same);
    for (_, result) in others {
        world.item(result.unwrap().id).await;
    }
    let (winners, losers): (Vec<_>, Vec<_>) = same.into_iter().partition(|(_, result)| result.is_ok());
    assert_eq!((winners.len(), losers.len()), (1, 11));
    for (_, result) in losers {
        let error = expect_kind(result, ErrorKind::Conflict);
        assert!(error.message().contains("this id"), "{}", error.message());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_that_is_given_up_takes_no_other_along() {
    let (database, world) = world().await;
    let alice = world.acme.alice.clone();
    let held = holding_items(database.url()).await;
    let creates = (0..8).map(|_| world.create(&alice, item("Note").name("given up")));
    let given_up = tokio::time::timeout(Duration::from_millis(300), join_all(creates));
    let waiting = tokio::spawn({
        let (world, alice) = (world.clone(), alice.clone());
        async move { world.create(&alice, item("Note").name("wanted")).await }
    });
    assert!(given_up.await.is_err(), "they must have waited for the lock");
    held.batch_execute("COMMIT").await.unwrap();
    let wanted = waiting.await.unwrap();
    assert_eq!(world.item(wanted.id).await.name, "wanted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_that_is_given_up_while_it_waits_is_not_written() {
    let (database, world) = world().await;
    let alice = world.acme.alice.clone();
    let watcher = client(database.url()).await;
    let held = holding_items(database.url()).await;
    let create = |name: &'static str| {
        let (world, alice) = (world.clone(), alice.clone());
        tokio::spawn(async move { world.create(&alice, item("Note").name(name)).await })
    };
    // Both lanes are taken.
    let first = create("first");
    blocked(&watcher, 1).await;
    let second = create("second");
    blocked(&watcher, 2).await;
    let waits = create("given up");
    let wanted = create("wanted");
    tokio::time::sleep(Duration::from_millis(200)).await;
    waits.abort();
    assert!(waits.await.unwrap_err().is_cancelled(), "it must have waited");
    held.batch_execute("COMMIT").await.unwrap();
    for created in [first, second, wanted] {
        created.await.unwrap();
    }
    let mut names = world.find("Note").by(&alice).names().await;
    names.sort();
    assert_eq!(names, ["first", "second", "wanted"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_wait_outlive_the_connections_of_others() {
    let (database, world) = world().await;
    let alice = world.acme.alice.clone();
    let watcher = client(database.url()).await;
    let held = holding_items(database.url()).await;
    let create = || {
        let (world, alice) = (world.clone(), alice.clone());
        tokio::spawn(async move { world.try_create(&alice, item("Note").name("note")).await })
    };
    let mut lost = Vec::new();
    for taken in 1..=2 {
        lost.push(create());
        blocked(&watcher, taken).await;
    }
    let waiting: Vec<_> = (0..6).map(|_| create()).collect();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() \
               AND application_name = 'realnet write' AND wait_event_type = 'Lock'";
    let ended: i64 = watcher.query_one(end, &[]).await.unwrap().get(0);
    assert_eq!(ended, 2);
    for create in lost {
        // It might have been kept: nobody tries it again but who asked for it.
        expect_kind(create.await.unwrap(), ErrorKind::Unavailable);
    }
    held.batch_execute("COMMIT").await.unwrap();
    for create in waiting {
        create.await.unwrap().unwrap();
    }
    assert_eq!(world.find("Note").by(&alice).all().await.len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_hears_that_the_store_was_closed() {
    let (database, world) = world().await;
    let alice = world.acme.alice.clone();
    let store = connect(database.url()).await;
    let mut closing = world.clone();
    closing.stores.items = std::sync::Arc::new(store.clone());
    let watcher = client(database.url()).await;
    let held = holding_items(database.url()).await;
    let create = |name: String| {
        let (world, alice) = (closing.clone(), alice.clone());
        tokio::spawn(async move { world.try_create(&alice, item("Note").name(name)).await })
    };
    let mut sent = Vec::new();
    for taken in 1..=2 {
        sent.push(create(format!("sent {taken}")));
        blocked(&watcher, taken).await;
    }
    let waiting: Vec<_> = (0..6).map(|n| create(format!("waits {n}"))).collect();
    tokio::time::sleep(Duration::from_millis(200)).await;
    store.close();
    held.batch_execute("COMMIT").await.unwrap();
    for create in sent {
        create.await.unwrap().unwrap();
    }
    for create in waiting.into_iter().chain([create("late".to_owned())]) {
        let error = expect_kind(create.await.unwrap(), ErrorKind::Unavailable);
        assert!(error.message().contains("closed"), "{}", error.message());
    }
    let mut names = world.find("Note").by(&alice).names().await;
    names.sort();
    assert_eq!(names, ["sent 1", "sent 2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_wait_while_types_change_come_again() {
    let (database, world) = world().await;
    let alice = world.acme.alice.clone();
    let watcher = client(database.url()).await;
    let held = holding_items(database.url()).await;
    let create = |name: String| {
        let (world, alice) = (world.clone(), alice.clone());
        tokio::spawn(async move { world.try_create(&alice, item("Note").name(name)).await })
    };
    let mut early = Vec::new();
    for taken in 1..=2 {
        early.push(create(format!("sent {taken}")));
        blocked(&watcher, taken).await;
    }
    early.extend((0..6).map(|n| create(format!("waits {n}"))));
    tokio::time::sleep(Duration::from_millis(200)).await;
    // Another server changes types, and its commit is there before any of them has written.
    let registry = world.registry.current();
    let mut note = TypeDefinition::clone(registry.by_id(world.type_id("Note")).unwrap().definition());
    note.version += 1;
    let change = vec![Operation::PutType(Box::new(note))];
    world.change_types(&world.system(), change).await.unwrap();
    held.batch_execute("COMMIT").await.unwrap();
    for create in early {
        let error = expect_kind(create.await.unwrap(), ErrorKind::Unavailable);
        assert!(error.retry_after().is_some(), "{}", error.message());
    }
    assert!(
        world.find("Note").by(&alice).names().await.is_empty(),
        "nothing is written by types that are gone"
    );
    create("again".to_owned()).await.unwrap().unwrap();
    assert_eq!(world.find("Note").by(&alice).names().await, ["again"]);
}

//! Creates that come at the same time go out together, and each hears its own answer.

use std::time::Duration;

use futures::future::join_all;
use realnet_core::ErrorKind;
use realnet_testkit::conformance::{expect_kind, item, race};

use crate::support::{client, world};

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
    let mut outside = client(database.url()).await;
    let held = outside.transaction().await.unwrap();
    held.batch_execute("LOCK TABLE items IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let creates = (0..8).map(|_| world.create(&alice, item("Note").name("given up")));
    let given_up = tokio::time::timeout(Duration::from_millis(300), join_all(creates));
    let waiting = tokio::spawn({
        let (world, alice) = (world.clone(), alice.clone());
        async move { world.create(&alice, item("Note").name("wanted")).await }
    });
    assert!(given_up.await.is_err(), "they must have waited for the lock");
    held.commit().await.unwrap();
    let wanted = waiting.await.unwrap();
    assert_eq!(world.item(wanted.id).await.name, "wanted");
}

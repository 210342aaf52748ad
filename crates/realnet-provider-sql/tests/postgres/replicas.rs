//! Several servers on one database: one log, one order, types that change for all.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use realnet_core::change::{ChangeRecord, Operation};
use realnet_core::provider::Access;
use realnet_core::{ErrorKind, Uuid};
use realnet_testkit::conformance::{World, eventually, item, race};
use serde_json::json;

use crate::support::{client, connect, replica, world};

const WRITERS: usize = 16;
const ROUNDS: usize = 30;

/// Reads the log by revision while others write, and checks each page as it comes.
async fn follow(world: World, org: Uuid, total: usize) -> Vec<ChangeRecord> {
    let mut read: Vec<ChangeRecord> = Vec::new();
    while read.len() < total {
        let since = read.last().map_or(0, |record| record.revision);
        let page = world.changes(org, since, 64).await;
        for (place, record) in page.iter().enumerate() {
            assert_eq!(record.revision, since + 1 + place as i64, "a gap in the log");
        }
        read.extend(page);
    }
    read
}

/// Sixteen writers on two servers, two readers behind them: nobody ever misses a record, also not those of
/// transactions that take long between their insert and their commit.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_record_is_missed_under_sixteen_writers() {
    let (database, first) = world().await;
    let second = replica(&database, &first).await;
    let (alice, org) = (first.acme.alice.clone(), first.acme.id);
    let shared = first.create(&alice, item("Note").name("shared").attr("rank", 0)).await.id;
    let total = World::SETTLED + 1 + WRITERS * ROUNDS * 2;
    let readers = [&first, &second].map(|world| tokio::spawn(follow(world.clone(), org, total)));
    let worlds = [first.clone(), second.clone()];
    race(WRITERS, |writer| {
        let world = worlds[writer % 2].clone();
        let alice = alice.clone();
        async move {
            for round in 0..ROUNDS {
                let own = world.creation(&alice, item("Note").name(format!("{writer}-{round}")));
                let bump = world.edit(shared, None, |item| {
                    let mut attributes = item.attributes.as_map().clone();
                    let rank = attributes["rank"].as_i64().unwrap();
                    attributes.insert("rank".into(), json!(rank + 1));
                    item.attributes = attributes.into();
                });
                world.commit(&alice, vec![own, bump]).await.unwrap();
            }
        }
    })
    .await;
    let [one, other] = readers.map(|reader| async { reader.await.unwrap() });
    let (one, other) = (one.await, other.await);
    assert_eq!(one.len(), total);
    assert!(one == other, "two readers have seen different logs");
    let versions: Vec<i64> =
        one.iter().filter(|record| record.item_id == shared).map(|record| record.version).collect();
    assert!(versions.is_sorted(), "changes of one item are out of order: {versions:?}");
    assert_eq!(first.item(shared).await.attributes.get("rank"), Some(&json!(WRITERS * ROUNDS)));
}

/// A transaction that has inserted its change first and commits last gets the later revision.
#[tokio::test(flavor = "multi_thread")]
async fn a_late_commit_gets_a_late_revision() {
    let (database, world) = world().await;
    let mut outside = client(database.url()).await;
    let slow = outside.transaction().await.unwrap();
    let insert = format!(
        "INSERT INTO changes (org, item, type, kind, version, at, request) \
         VALUES ('{}', '{}', '{}', 'delete', 1, 0, 'slow')",
        world.acme.id,
        world.next_id(),
        world.type_id("Note"),
    );
    slow.batch_execute(&insert).await.unwrap();
    let alice = world.acme.alice.clone();
    let quick = world.create(&alice, item("Note").name("quick")).await.id;
    let log = world.log(world.acme.id, World::SETTLED + 1).await;
    assert_eq!(log.last().unwrap().item_id, quick);
    slow.commit().await.unwrap();
    let log = world.log(world.acme.id, World::SETTLED + 2).await;
    assert_eq!(&*log.last().unwrap().request_id, "slow");
    assert_eq!(log.last().unwrap().revision, (World::SETTLED + 2) as i64);
}

/// When the server that gives the revisions ends, another one takes over.
#[tokio::test(flavor = "multi_thread")]
async fn another_server_takes_over() {
    let (database, first) = world().await;
    let leader = connect(database.url()).await;
    let outside = client(database.url()).await;
    let holder = "SELECT a.pid FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid \
                  WHERE l.locktype = 'advisory' AND l.granted AND a.application_name = 'realnet background' \
                  AND a.datname = current_database()";
    for round in 0..4 {
        let row = eventually("somebody gives the revisions", || async {
            outside.query_opt(holder, &[]).await.unwrap()
        })
        .await;
        let pid: i32 = row.get(0);
        outside.execute("SELECT pg_terminate_backend($1)", &[&pid]).await.unwrap();
        let alice = first.acme.alice.clone();
        first.create(&alice, item("Note").name(format!("after {round}"))).await;
        first.log(first.acme.id, World::SETTLED + 1 + round).await;
    }
    leader.close();
    let alice = first.acme.alice.clone();
    first.create(&alice, item("Note").name("alone")).await;
    first.log(first.acme.id, World::SETTLED + 5).await;
}

/// A change of types is heard by the other server, and one that has not heard yet can not write by old types.
#[tokio::test(flavor = "multi_thread")]
async fn types_change_for_all() {
    let (database, first) = world().await;
    let second = replica(&database, &first).await;
    let mut heard = second.stores.types.type_changes();
    let stale = first.registry.current();
    let definition = (**stale.by_id(first.type_id("Note")).unwrap().definition()).clone();
    let revision = first.load().await.revision;
    let put = Operation::PutType(Box::new(definition));
    first.change_types(&first.system(), vec![put]).await.unwrap();
    let next = async {
        loop {
            let heard = heard.next().await.unwrap();
            if heard > revision {
                return heard;
            }
        }
    };
    let next = tokio::time::timeout(Duration::from_secs(5), next).await.expect("the other server is told");
    assert_eq!(next, revision + 1);
    let alice = first.acme.alice.clone();
    let access = Access { caller: alice.clone(), registry: stale };
    let create = second.creation(&alice, item("Note").name("by old types"));
    let changes = realnet_core::change::ChangeSet::new(vec![create], second.now(), Arc::from("stale"));
    let error = second.stores.items.commit(&access, changes).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!(error.is_retryable());
    second.create(&alice, item("Note").name("by new types")).await;
}

/// A request that is given up in the middle of its commit leaves no transaction open and no connection lost.
#[tokio::test(flavor = "multi_thread")]
async fn commits_that_are_given_up() {
    let (database, world) = world().await;
    let alice = world.acme.alice.clone();
    let note = world.create(&alice, item("Note").name("target").attr("rank", 0)).await.id;
    for round in 0..200_u64 {
        let update = world.setting(note, None, json!({"rank": round}));
        let commit = world.commit(&alice, vec![update]);
        let _ = tokio::time::timeout(Duration::from_micros(round * 20), commit).await;
    }
    world.set(&alice, note, json!({"rank": -1})).await.unwrap();
    let outside = client(database.url()).await;
    eventually("no transaction is left open", || async {
        let open = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                    AND state LIKE 'idle in transaction%'";
        let open: i64 = outside.query_one(open, &[]).await.unwrap().get(0);
        (open == 0).then_some(())
    })
    .await;
    let state = world.item(note).await;
    let log = world.stores.items.history(&world.access(&alice), note, None, 1).await.unwrap();
    assert_eq!(log[0].after.as_ref(), Some(&state));
}

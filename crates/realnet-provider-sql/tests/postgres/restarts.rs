//! A server that restarts, crashes or hangs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use realnet_core::ErrorKind;
use realnet_provider_sql::postgres::{PostgresConfig, PostgresStore};
use realnet_testkit::conformance::{World, eventually, item};
use realnet_testkit::engines::{Postgres, Settings, TestDatabase};

use crate::support::On;

async fn world(server: &Postgres) -> (TestDatabase, World) {
    let database = TestDatabase::create(server.url()).await.unwrap();
    let world = World::open(Arc::new(On(database.url().to_owned()))).await;
    (database, world)
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_go_on_after_a_restart() {
    let server = Postgres::start(Settings::default()).await.unwrap();
    let (_database, world) = world(&server).await;
    let alice = world.acme.alice.clone();
    let note = world.create(&alice, item("Note").name("kept")).await;
    for _ in 0..3 {
        server.restart().await.unwrap();
        // The pool holds connections that the restart has ended; nobody sees an error of that.
        assert_eq!(world.get(&alice, note.id).await.as_ref(), Some(&note));
        world.find("Note").gives(&["kept"]).await;
    }
    let another = world.create(&alice, item("Note").name("written after")).await;
    world.log(world.acme.id, World::SETTLED + 2).await;
    assert_eq!(world.get(&alice, another.id).await, Some(another));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_outlives_a_crash() {
    let server = Postgres::start(Settings { durable: true, ..Settings::default() }).await.unwrap();
    let (_database, world) = world(&server).await;
    let alice = world.acme.alice.clone();
    let writer = {
        let (world, alice) = (world.clone(), alice.clone());
        tokio::spawn(async move {
            let mut answered = Vec::new();
            while let Ok(note) = world.try_create(&alice, item("Note").name("answered")).await {
                answered.push(note.id);
            }
            answered
        })
    };
    tokio::time::sleep(Duration::from_millis(500)).await;
    server.crash().await.unwrap();
    let answered = writer.await.unwrap();
    assert!(answered.len() > 10, "{} writes before the crash", answered.len());
    let error = world.try_create(&alice, item("Note").name("refused")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    server.resume().await.unwrap();
    for id in &answered {
        assert!(world.get(&alice, *id).await.is_some(), "{id} was answered and is gone");
    }
    let log = eventually("the log holds what was answered", || async {
        let log = world.changes(world.acme.id, 0, 100_000).await;
        answered.iter().all(|id| log.iter().any(|record| record.item_id == *id)).then_some(log)
    })
    .await;
    let revisions: Vec<i64> = log.iter().map(|record| record.revision).collect();
    assert_eq!(revisions, (1..=log.len() as i64).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_is_given_up() {
    let server = Postgres::start(Settings::default()).await.unwrap();
    let (database, mut world) = world(&server).await;
    let mut config = PostgresConfig::from_url(database.url()).unwrap();
    config.statement_timeout = Duration::from_secs(1);
    world.stores.items = Arc::new(PostgresStore::connect(config).await.unwrap());
    let system = world.system();
    let id = world.create(&system, item("Note").name("n")).await.id;
    let paused = server.pause().await.unwrap();
    let begin = Instant::now();
    let answer = world.stores.items.get(&world.access(&system), id).await;
    assert_eq!(answer.unwrap_err().kind(), ErrorKind::Unavailable);
    let write = world.try_create(&system, item("Note").name("w")).await;
    assert_eq!(write.unwrap_err().kind(), ErrorKind::Unavailable);
    assert!(begin.elapsed() < Duration::from_secs(30), "{:?}", begin.elapsed());
    drop(paused);
    eventually("the store answers again", || async {
        world.stores.items.get(&world.access(&system), id).await.ok().flatten()
    })
    .await;
}

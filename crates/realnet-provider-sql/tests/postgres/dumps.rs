//! A dump of a database in which changes wait for their revisions.

use futures::TryStreamExt as _;
use realnet_core::Uuid;
use realnet_core::change::ChangeRecord;
use realnet_core::provider::{DumpProvider as _, StoreRecord};
use realnet_testkit::conformance::{World, eventually, item};

use crate::support::{client, connect, world};

/// The lock of whoever gives the revisions.
const SEQUENCER: i64 = 0x7265_616c_6e65_7403;

/// Changes without a revision come behind those of their org that have one, with the revisions that they will have.
#[tokio::test(flavor = "multi_thread")]
async fn a_dump_numbers_what_waits() {
    let (database, world) = world().await;
    world.log(world.acme.id, World::SETTLED).await;
    world.log(world.umbrella.id, World::SETTLED).await;
    // From here on nobody gives revisions: the lock is waited for by another one when its holder is ended.
    let [holding, outside] = [client(database.url()).await, client(database.url()).await];
    let held = tokio::spawn(async move {
        holding.execute("SELECT pg_advisory_lock($1)", &[&SEQUENCER]).await.unwrap();
        holding
    });
    let waits = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
    eventually("the lock is waited for", || async { outside.query_opt(waits, &[]).await.unwrap() }).await;
    let end = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted \
               AND (classid::bigint << 32) + objid::bigint = $1 \
               AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    outside.execute(end, &[&SEQUENCER]).await.unwrap();
    let _holding = held.await.unwrap();
    for index in 0..7 {
        let org = if index % 2 == 0 { &world.umbrella } else { &world.acme };
        world.create(&org.alice, item("Note").name(format!("waits {index}"))).await;
    }
    let waiting =
        outside.query_one("SELECT count(*) FROM changes WHERE revision IS NULL", &[]).await.unwrap();
    assert_eq!(waiting.get::<_, i64>(0), 7);

    let store = connect(database.url()).await;
    let records: Vec<StoreRecord> = store.dump(world.now()).await.unwrap().try_collect().await.unwrap();
    assert!(records.is_sorted_by_key(StoreRecord::sort_key));
    let of = |org: Uuid| -> Vec<&ChangeRecord> {
        let changes = records.iter().filter_map(|record| match record {
            StoreRecord::Change(change) => Some(&**change),
            _ => None,
        });
        changes.filter(|change| change.org == org).collect()
    };
    for (org, waited) in [(world.acme.id, 3), (world.umbrella.id, 4)] {
        let changes = of(org);
        let revisions: Vec<i64> = changes.iter().map(|change| change.revision).collect();
        let expected: Vec<i64> = (1..=(World::SETTLED + waited) as i64).collect();
        assert_eq!(revisions, expected);
        let names = changes[World::SETTLED..].iter().filter_map(|change| Some(change.names()?.0));
        assert!(names.clone().is_sorted() && names.clone().all(|name| name.starts_with("waits")));
    }
    let systems = records.iter().filter(|record| matches!(record, StoreRecord::Change(_))).count();
    assert!(systems >= 2 * World::SETTLED + 7, "those of all other orgs as well");
}

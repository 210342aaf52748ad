//! What signing in stands on, with several servers on one database: buckets that they share, and what is thrown away.

use std::time::Duration;

use realnet_core::clock::{Clock as _, IdSource as _, System, Timestamp};
use realnet_core::limit::Rate;
use realnet_core::provider::{
    AuthEvent, AuthRecord, CredentialProvider as _, EventFilter, EventKind, EventProvider as _, Expected,
    LimitProvider as _, RecordKind, RecordProvider as _, Session,
};
use realnet_core::{Uuid, acl::Origin};
use realnet_testkit::conformance::{eventually, race};
use realnet_testkit::engines::fresh_database;
use serde_json::json;

use crate::support::{client, connect};

/// 32 takers on two servers get together what one bucket holds.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn servers_share_their_buckets() {
    let database = fresh_database().await.unwrap();
    let stores = [connect(database.url()).await, connect(database.url()).await];
    let rate = Rate::new(100, Duration::from_hours(24)).unwrap();
    let given = race(32, |taker| {
        let store = stores[taker % 2].clone();
        async move {
            let mut given = 0;
            for _ in 0..10 {
                let allowance = store.take("crowd", rate, 1, Timestamp::default()).await.unwrap();
                given += u32::from(allowance.allowed);
            }
            given
        }
    })
    .await;
    assert_eq!(given.iter().sum::<u32>(), 100, "{given:?}");
    stores[0].refund("crowd", 1).await.unwrap();
    assert!(stores[1].take("crowd", rate, 1, Timestamp::default()).await.unwrap().allowed);
    stores[1].forget("crowd").await.unwrap();
    assert_eq!(stores[0].take("crowd", rate, 0, Timestamp::default()).await.unwrap().remaining, 100);
}

/// What the database gives back over time is what the core's rule gives, to the unit.
#[tokio::test(flavor = "multi_thread")]
async fn the_database_counts_as_the_core_does() {
    use realnet_core::limit::Bucket;
    let database = fresh_database().await.unwrap();
    let store = connect(database.url()).await;
    let outside = client(database.url()).await;
    // Capacities and times that divide badly, and a bucket with more missing than it holds.
    for (index, (capacity, micros, cost)) in [
        (7_u32, 1_000_003_u64, 3_u32),
        (3, 86_400_000_001, 1),
        (1_000_000, 2_678_400_000_000, 999_999),
        (5, 7001, 6),
    ]
    .into_iter()
    .enumerate()
    {
        let rate = Rate::new(capacity, Duration::from_micros(micros)).unwrap();
        let name = format!("bucket {index}");
        for round in 0..20 {
            let row = "SELECT spent, at FROM buckets WHERE name = $1";
            let before = outside.query_opt(row, &[&name]).await.unwrap();
            let mut bucket = before.map_or_else(Bucket::default, |row| Bucket {
                spent: row.get(0),
                at: Timestamp::from_micros(row.get(1)),
            });
            let allowance = store.take(&name, rate, cost, Timestamp::default()).await.unwrap();
            let row = "SELECT spent, at, allowed FROM buckets WHERE name = $1";
            let after = outside.query_one(row, &[&name]).await.unwrap();
            let at = Timestamp::from_micros(after.get(1));
            assert_eq!(allowance.allowed, after.get::<_, bool>(2));
            if allowance.allowed {
                let expected = bucket.take(rate, cost, at);
                assert_eq!(expected, allowance, "{name}, round {round}");
                assert_eq!(bucket.spent, after.get::<_, i64>(0), "{name}, round {round}");
            } else if bucket.spent > 0 {
                assert_eq!((bucket.spent, bucket.at), (after.get(0), at), "a refusal changes nothing");
            }
        }
    }
}

fn event(id: Uuid, at: Timestamp) -> AuthEvent {
    let (kind, origin) = (EventKind::SignIn, Origin::default());
    AuthEvent { id, org: Uuid::nil(), account: None, kind, origin, detail: json!(null), at }
}

/// A server that starts throws away what has had its time, and nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn what_has_had_its_time_goes() {
    let database = fresh_database().await.unwrap();
    let store = connect(database.url()).await;
    let now = System.now();
    let record = |key: &str, end: i64| {
        AuthRecord::new(RecordKind::Challenge, key, "x", now).until(now.plus_seconds(end))
    };
    for record in [record("old", -7200), record("young", 7200)] {
        assert!(store.put_record(record, Expected::Absent, now).await.unwrap());
    }
    let bare = AuthRecord::new(RecordKind::Challenge, "endless", "x", now);
    assert!(store.put_record(bare, Expected::Absent, now).await.unwrap());
    let old = now.plus_seconds(-401 * 86_400);
    let fresh = event(System.next_id(), now);
    store.append_event(event(AuthEvent::last_id(old), old)).await.unwrap();
    store.append_event(fresh.clone()).await.unwrap();
    for end in [-7200, 7200] {
        let session = Session {
            id: System.next_id(),
            account: Uuid::nil(),
            epoch: 0,
            refresh_hash: Vec::new(),
            previous_hash: None,
            created_at: now,
            expires_at: now.plus_seconds(end),
            used_at: now,
            method: "password".to_owned(),
            factor: false,
            address: None,
            agent: None,
        };
        store.open_session(session).await.unwrap();
    }
    let (brief, long) = (Duration::from_millis(1), Duration::from_hours(1));
    for (name, per) in [("brief", brief), ("long", long)] {
        store.take(name, Rate::new(1, per).unwrap(), 1, now).await.unwrap();
    }
    store.close();
    let outside = client(database.url()).await;
    let _second = connect(database.url()).await;
    let counts = "SELECT (SELECT count(*) FROM records), (SELECT count(*) FROM events), \
                  (SELECT count(*) FROM sessions), (SELECT count(*) FROM buckets)";
    eventually("old rows go", || async {
        let row = outside.query_one(counts, &[]).await.unwrap();
        let counts: [i64; 4] = [0, 1, 2, 3].map(|column| row.get(column));
        (counts == [2, 1, 1, 1]).then_some(())
    })
    .await;
    let second = connect(database.url()).await;
    assert_eq!(second.events(Uuid::nil(), &EventFilter::default(), None, 9).await.unwrap(), [fresh]);
    assert!(second.record(RecordKind::Challenge, "endless", now).await.unwrap().is_some());
    assert!(second.record(RecordKind::Challenge, "young", now).await.unwrap().is_some());
}

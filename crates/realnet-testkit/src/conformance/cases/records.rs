//! Records: names, versions, ends, owners; of several who want the same one, one gets it.

use realnet_core::clock::Timestamp;
use realnet_core::provider::{AuthRecord, Expected, RecordKind};
use realnet_core::{ErrorKind, Uuid};

use crate::conformance::{World, expect_kind, race};

const KIND: RecordKind = RecordKind::Challenge;

async fn put(world: &World, record: AuthRecord, expected: Expected) -> bool {
    let now = world.now();
    world.stores.credentials.put_record(record, expected, now).await.expect("records are kept")
}

async fn get(world: &World, key: &str) -> Option<AuthRecord> {
    let now = world.now();
    world.stores.credentials.record(KIND, key, now).await.expect("reading a record works")
}

fn keys(records: &[AuthRecord]) -> Vec<&str> {
    records.iter().map(|record| record.key.as_str()).collect()
}

/// Everything of a record is read back, byte by byte; kinds are apart.
pub async fn a_record_is_kept(world: World) {
    let now = world.now();
    let (account, org) = (world.acme.alice.account, Some(world.acme.id));
    let bytes: Vec<u8> = (0..AuthRecord::MAX_VALUE).map(|index| index as u8).collect();
    let key = "é".repeat(AuthRecord::MAX_KEY / 2);
    let record = AuthRecord::new(KIND, key.as_str(), bytes, now).of(account, org).until(now.plus_seconds(60));
    assert!(put(&world, record.clone(), Expected::Absent).await);
    let kept = get(&world, &key).await.unwrap();
    assert_eq!(kept, AuthRecord { version: 1, ..record });
    let bare = AuthRecord::new(RecordKind::Factor, key.as_str(), Vec::new(), now);
    assert!(put(&world, bare.clone(), Expected::Absent).await);
    let credentials = &world.stores.credentials;
    let read = credentials.record(RecordKind::Factor, &key, now).await.unwrap();
    assert_eq!(read, Some(AuthRecord { version: 1, ..bare }));
    assert_eq!(get(&world, &key).await.unwrap(), kept);
    assert!(credentials.remove_record(KIND, &key).await.unwrap());
    assert!(!credentials.remove_record(KIND, &key).await.unwrap());
    assert_eq!(get(&world, &key).await, None);
    assert!(credentials.record(RecordKind::Factor, &key, now).await.unwrap().is_some());
}

/// What can not be a record is refused, and what can not be a name is not found.
pub async fn what_is_no_record_is_refused(world: World) {
    let credentials = &world.stores.credentials;
    let now = world.now();
    let record = |key: &str, size: usize| AuthRecord::new(KIND, key, vec![0; size], now);
    for key in ["", "a\0b", &"k".repeat(AuthRecord::MAX_KEY + 1)] {
        let refused = credentials.put_record(record(key, 1), Expected::Any, now).await;
        expect_kind(refused, ErrorKind::Malformed);
        assert_eq!(get(&world, key).await, None);
        assert_eq!(credentials.take_record(KIND, key, now).await.unwrap(), None);
        assert!(!credentials.remove_record(KIND, key).await.unwrap());
        assert!(credentials.records_in(world.acme.id, KIND, Some(key), 10, now).await.unwrap().is_empty());
    }
    let large = record("large", AuthRecord::MAX_VALUE + 1);
    expect_kind(credentials.put_record(large, Expected::Any, now).await, ErrorKind::TooLarge);
    assert_eq!(get(&world, "large").await, None);
}

/// A record is put only if what is expected is there; a version rises with each change.
pub async fn what_is_expected_must_be_there(world: World) {
    let now = world.now();
    let record = |text: &str| AuthRecord::new(KIND, "a", text, now);
    let is = async |text: &str, version: i64| {
        let kept = get(&world, "a").await.unwrap();
        assert_eq!((kept.value.as_slice(), kept.version), (text.as_bytes(), version));
    };
    assert!(!put(&world, record("no"), Expected::Version(1)).await);
    assert_eq!(get(&world, "a").await, None);
    assert!(put(&world, record("one"), Expected::Absent).await);
    assert!(!put(&world, record("no"), Expected::Absent).await);
    is("one", 1).await;
    assert!(!put(&world, record("no"), Expected::Version(2)).await);
    assert!(put(&world, record("two"), Expected::Version(1)).await);
    assert!(!put(&world, record("no"), Expected::Version(1)).await);
    is("two", 2).await;
    assert!(put(&world, record("three"), Expected::Any).await);
    is("three", 3).await;
    let moved = record("four").of(world.acme.bob.account, Some(world.acme.id)).until(now.plus_seconds(600));
    assert!(put(&world, moved.clone(), Expected::Version(3)).await);
    assert_eq!(get(&world, "a").await, Some(AuthRecord { version: 4, ..moved }));
    let taken = world.stores.credentials.take_record(KIND, "a", now).await.unwrap();
    assert_eq!(taken.unwrap().version, 4);
    assert!(put(&world, record("again"), Expected::Any).await);
    is("again", 1).await;
}

/// From its end on a record does not exist: not for readers, takers, lists, or who expects a version.
pub async fn a_record_ends(world: World) {
    let credentials = &world.stores.credentials;
    let now = world.now();
    let end = now.plus_seconds(10);
    let (account, org) = (world.acme.alice.account.unwrap(), world.acme.id);
    let record = |text: &str| AuthRecord::new(KIND, "a", text, now).of(Some(account), Some(org)).until(end);
    assert!(credentials.put_record(record("one"), Expected::Absent, now).await.unwrap());
    let seen = async |at: Timestamp| {
        let one = credentials.record(KIND, "a", at).await.unwrap().is_some();
        let of_account = credentials.records_of(account, KIND, at).await.unwrap().len() == 1;
        let in_org = credentials.records_in(org, KIND, None, 10, at).await.unwrap().len() == 1;
        assert_eq!((of_account, in_org), (one, one), "all ways to a record agree");
        one
    };
    assert!(seen(Timestamp::from_micros(end.as_micros() - 1)).await);
    assert!(!seen(end).await);
    assert!(!credentials.put_record(record("two"), Expected::Version(1), end).await.unwrap());
    let later = record("two").until(end.plus_seconds(10));
    assert!(credentials.put_record(later, Expected::Absent, end).await.unwrap());
    let kept = credentials.record(KIND, "a", end).await.unwrap().unwrap();
    assert_eq!((kept.version, kept.value.as_slice()), (1, &b"two"[..]));
    let end = end.plus_seconds(10);
    assert_eq!(credentials.take_record(KIND, "a", end).await.unwrap(), None);
    assert!(
        credentials.put_record(record("three").until(end.plus_seconds(1)), Expected::Any, end).await.unwrap()
    );
    assert_eq!(credentials.record(KIND, "a", end).await.unwrap().unwrap().version, 1);
}

/// Of several who take a record at the same moment, one gets it.
pub async fn one_taker_wins(world: World) {
    for round in 0..5 {
        let key = format!("code {round}");
        let now = world.now();
        assert!(put(&world, AuthRecord::new(KIND, key.as_str(), "x", now), Expected::Absent).await);
        let taken = race(16, |_| {
            let (credentials, key) = (world.stores.credentials.clone(), key.clone());
            async move { credentials.take_record(KIND, &key, now).await.unwrap().is_some() }
        })
        .await;
        assert_eq!(taken.iter().filter(|taken| **taken).count(), 1, "{taken:?}");
    }
}

/// Of several who expect the same absence or the same version, one succeeds; and who tries again until it succeeds loses
/// no change of another.
pub async fn one_change_wins(world: World) {
    let now = world.now();
    let first = race(12, |index| {
        let world = world.clone();
        async move { put(&world, AuthRecord::new(KIND, "a", vec![index as u8], now), Expected::Absent).await }
    })
    .await;
    let winner = first.iter().position(|won| *won).expect("somebody puts the record");
    assert_eq!(first.iter().filter(|won| **won).count(), 1, "{first:?}");
    assert_eq!(get(&world, "a").await.unwrap().value, [winner as u8]);
    let second = race(12, |_| {
        let world = world.clone();
        async move { put(&world, AuthRecord::new(KIND, "a", "0", now), Expected::Version(1)).await }
    })
    .await;
    assert_eq!(second.iter().filter(|won| **won).count(), 1, "{second:?}");
    race(8, |_| {
        let world = world.clone();
        async move {
            for _ in 0..5 {
                while !count_one_more(&world, now).await {}
            }
        }
    })
    .await;
    let counted = get(&world, "a").await.unwrap();
    assert_eq!((counted.value.as_slice(), counted.version), (&b"40"[..], 42));
}

async fn count_one_more(world: &World, now: Timestamp) -> bool {
    let present = get(world, "a").await.unwrap();
    let count: u32 = std::str::from_utf8(&present.value).unwrap().parse().unwrap();
    let next = AuthRecord::new(KIND, "a", (count + 1).to_string(), now);
    put(world, next, Expected::Version(present.version)).await
}

/// Records are found by their account, in the order of their creation, and go with it: in the same change set, or not.
pub async fn records_have_owners(world: World) {
    let credentials = &world.stores.credentials;
    let [alice, bob] = [world.acme.alice.account.unwrap(), world.acme.bob.account.unwrap()];
    let now = world.now();
    for (key, account, age) in
        [("c", alice, 3), ("a", alice, 2), ("b", alice, 2), ("d", bob, 1), ("e", alice, 9)]
    {
        let record = AuthRecord::new(KIND, key, key, now.plus_seconds(-age));
        assert!(put(&world, record.of(Some(account), Some(world.acme.id)), Expected::Absent).await);
    }
    let other_kind = AuthRecord::new(RecordKind::Key, "f", "f", now).of(Some(alice), None);
    assert!(put(&world, other_kind, Expected::Absent).await);
    let of = async |account: Uuid| credentials.records_of(account, KIND, now).await.unwrap();
    assert_eq!(keys(&of(alice).await), ["e", "c", "a", "b"]);
    assert_eq!(keys(&of(bob).await), ["d"]);
    let operations = vec![crate::conformance::delete(alice), crate::conformance::delete(world.next_id())];
    expect_kind(world.commit(&world.system(), operations).await, ErrorKind::NotFound);
    assert_eq!(of(alice).await.len(), 4, "a set that fails takes nothing along");
    world.delete(&world.system(), alice).await.unwrap();
    assert!(of(alice).await.is_empty());
    assert_eq!(get(&world, "a").await, None);
    assert_eq!(credentials.record(RecordKind::Key, "f", now).await.unwrap(), None);
    assert_eq!(keys(&of(bob).await), ["d"]);
}

/// The records of an org come page by page, in the order of the bytes of their keys.
pub async fn records_of_an_org_come_in_pages(world: World) {
    let now = world.now();
    let mut expected: Vec<String> =
        (0..25).map(|index| format!("{}-{index}", ["Z", "a", "é"][index % 3])).collect();
    for key in &expected {
        let record = AuthRecord::new(KIND, key.as_str(), "x", now);
        assert!(put(&world, record.of(None, Some(world.acme.id)), Expected::Absent).await);
    }
    let elsewhere = AuthRecord::new(KIND, "b", "x", now).of(None, Some(world.umbrella.id));
    assert!(put(&world, elsewhere, Expected::Absent).await);
    let other_kind = AuthRecord::new(RecordKind::Key, "b", "x", now).of(None, Some(world.acme.id));
    assert!(put(&world, other_kind, Expected::Absent).await);
    expected.sort();
    let mut read: Vec<String> = Vec::new();
    loop {
        let after = read.last().map(String::as_str);
        let page = world.stores.credentials.records_in(world.acme.id, KIND, after, 7, now).await.unwrap();
        read.extend(page.iter().map(|record| record.key.clone()));
        if page.len() < 7 || read.len() > 100 {
            break;
        }
    }
    assert_eq!(read, expected);
}

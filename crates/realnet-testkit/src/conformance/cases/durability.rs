//! What is still there after a store was closed and opened again. Stores that are not durable have nothing to show.

use realnet_core::acl::Origin;
use realnet_core::change::{Operation, SourceKind, SourceRecord};
use realnet_core::provider::{AuthEvent, AuthRecord, EventFilter, EventKind, Expected, RecordKind};
use serde_json::json;

use crate::conformance::{World, delete, item};

/// Items, types, keys, grants, log, credentials, settings and sources outlive the store that wrote them.
pub async fn everything_outlives_the_store(world: World) {
    let alice = world.acme.alice.clone();
    let account = alice.account.unwrap();
    let note = world.create(&alice, item("Coded").name("kept").attr("code", "A").at(3.0, 4.0).public()).await;
    let gone = world.create(&alice, item("Note").name("gone")).await;
    let record = SourceRecord {
        org: Some(world.acme.id),
        kind: SourceKind::Item,
        object: note.id,
        source: "a.json".to_owned(),
        applied: json!({"name": "kept"}),
    };
    let operations = vec![
        delete(gone.id),
        Operation::SetPassword { account, password_hash: "hash".to_owned() },
        Operation::Source { record: record.clone(), remove: false },
    ];
    world.commit(&world.system(), operations).await.unwrap();
    keep_access(&world).await;
    let key = world.stores.credentials.setting_or_insert("key", vec![1, 2, 3]).await.unwrap();
    let log = world.log(world.acme.id, World::SETTLED + 3).await;
    let types = world.load().await;

    let Some(world) = world.reopen().await else { return };
    assert_eq!(world.item(note.id).await, note);
    assert_eq!(world.get(&world.system(), gone.id).await, None);
    let sorted = |mut snapshot: realnet_core::registry::TypeSnapshot| {
        snapshot.definitions.sort_by_key(|definition| definition.id);
        snapshot
    };
    assert_eq!(sorted(world.load().await), sorted(types));
    assert_eq!(world.log(world.acme.id, World::SETTLED + 3).await, log);
    assert_eq!(world.stores.sources.sources(Some(world.acme.id)).await.unwrap(), vec![record]);
    assert_eq!(world.stores.credentials.setting_or_insert("key", vec![9]).await.unwrap(), key);
    let credential = world.stores.credentials.credential(account).await.unwrap();
    assert_eq!(credential.map(|credential| credential.password_hash), Some("hash".to_owned()));
    find_access(&world).await;
    world.find("Coded").with("code", "A").gives(&["kept"]).await;
    world.find("Coded").by(&world.acme.anonymous).gives(&["kept"]).await;
    let again = world.try_create(&alice, item("Coded").attr("code", "A")).await;
    crate::conformance::expect_kind(again, realnet_core::ErrorKind::Conflict);
    world.set(&alice, note.id, json!({"code": "B"})).await.unwrap();
    let log = world.log(world.acme.id, World::SETTLED + 4).await;
    assert_eq!(log.last().unwrap().revision, World::SETTLED as i64 + 4, "revisions go on where they were");
}

/// Writes a record and an event.
async fn keep_access(world: &World) {
    let (id, at) = (world.next_id(), world.now());
    let credentials = &world.stores.credentials;
    let record = AuthRecord::new(RecordKind::Key, "kept", "value", at);
    assert!(credentials.put_record(record, Expected::Absent, at).await.unwrap());
    let (org, origin) = (world.acme.id, Origin::new("http"));
    let event = AuthEvent { id, org, account: None, kind: EventKind::KeyMade, origin, detail: json!({}), at };
    credentials.append_event(event).await.unwrap();
}

/// Finds them again.
async fn find_access(world: &World) {
    let credentials = &world.stores.credentials;
    let record = credentials.record(RecordKind::Key, "kept", world.now()).await.unwrap();
    assert_eq!(record.map(|record| (record.value, record.version)), Some((b"value".to_vec(), 1)));
    let events = credentials.events(world.acme.id, &EventFilter::default(), None, 10).await.unwrap();
    assert_eq!(events.iter().map(|event| event.kind).collect::<Vec<_>>(), [EventKind::KeyMade]);
}

//! Version preconditions, one by one and under concurrency.

use std::sync::Arc;

use realnet_core::acl::{Permission, Subject};
use realnet_core::change::{Edit, Operation, Outcome, Version};
use realnet_core::model::Item;
use realnet_core::{ErrorKind, Uuid};
use serde_json::{Value, json};

use crate::conformance::{World, expect_kind, grant, item, race};

/// Each kind of change is refused when the item has another version than expected.
pub async fn another_version_fails_the_precondition(world: World) {
    let alice = world.acme.alice.clone();
    let created = world.create(&alice, item("Note").name("versioned")).await;
    let id = created.id;
    let changed = world.one(&alice, world.setting(id, Some(1), json!({"rank": 1}))).await.unwrap();
    assert_eq!(changed.version, 2);
    for wrong in [0, 1, 3, i64::MAX] {
        let expected_version = Some(Version::from(wrong));
        let grants = vec![grant(Subject::Public, &[Permission::Read])];
        for operation in [
            world.setting(id, Some(wrong), json!({"rank": 9})),
            Operation::SetGrants { id, expected_version, grants },
            Operation::Delete { id, expected_version, guard: None },
        ] {
            expect_kind(world.commit(&alice, vec![operation]).await, ErrorKind::PreconditionFailed);
        }
    }
    assert_eq!(world.item(id).await, changed);
    world
        .commit(&alice, vec![Operation::Delete { id, expected_version: Some(Version::from(2)), guard: None }])
        .await
        .unwrap();
}

/// An id that comes back is another item: who has seen the one before changes nothing, at whichever version it is.
pub async fn another_life_fails_the_precondition(world: World) {
    let alice = world.acme.alice.clone();
    let before = world.create(&alice, item("Note").name("first")).await;
    let id = before.id;
    world.persist(&alice, crate::conformance::delete(id)).await.unwrap();
    let now = world.create(&alice, item("Note").id(id).name("second")).await;
    assert_eq!(now.version, before.version);
    assert!(now.created_at > before.created_at);
    let edit: Edit = Arc::new(|item: &Item| Ok(Item { name: "third".to_owned(), ..item.clone() }));
    let changes = |seen: &Item| {
        let expected_version = Some(Version::of(seen));
        [
            Operation::SetGrants { id, expected_version, grants: vec![] },
            Operation::Update { id, expected_version, edit: Arc::clone(&edit) },
            Operation::Delete { id, expected_version, guard: None },
        ]
    };
    for operation in changes(&before) {
        expect_kind(world.commit(&alice, vec![operation]).await, ErrorKind::PreconditionFailed);
    }
    assert_eq!(world.item(id).await, now);
    let [_, update, _] = changes(&now);
    world.commit(&alice, vec![update]).await.unwrap();
    let [_, _, delete] = changes(&world.item(id).await);
    world.commit(&alice, vec![delete]).await.unwrap();
}

/// Of sixteen writers who expect the same version, one wins.
pub async fn one_writer_wins_a_version(world: World) {
    let alice = world.acme.alice.clone();
    let created = world.create(&alice, item("Note").name("contended")).await;
    let results = race(16, |index| {
        let (world, alice, id) = (world.clone(), alice.clone(), created.id);
        async move { world.persist(&alice, world.setting(id, Some(1), json!({"rank": index}))).await }
    })
    .await;
    let winners: Vec<usize> =
        results.iter().enumerate().filter(|(_, result)| result.is_ok()).map(|(index, _)| index).collect();
    assert_eq!(winners.len(), 1, "exactly one wins: {results:?}");
    for result in results {
        if result.is_err() {
            expect_kind(result, ErrorKind::PreconditionFailed);
        }
    }
    let item = world.item(created.id).await;
    assert_eq!((item.version, item.attributes.get("rank")), (2, Some(&json!(winners[0]))));
}

/// No increment is lost when sixteen writers count without a precondition.
pub async fn no_increment_is_lost(world: World) {
    let alice = world.acme.alice.clone();
    let created = world.create(&alice, item("Note").name("counter").attr("rank", 0)).await;
    race(16, |_| {
        let (world, alice, id) = (world.clone(), alice.clone(), created.id);
        async move {
            for _ in 0..5 {
                let increment = world.edit(id, None, |item| {
                    let mut attributes = item.attributes.as_map().clone();
                    let rank = attributes.get("rank").and_then(Value::as_i64).unwrap_or_default();
                    attributes.insert("rank".to_owned(), json!(rank + 1));
                    item.attributes = attributes.into();
                });
                world.persist(&alice, increment).await.unwrap();
            }
        }
    })
    .await;
    let item = world.item(created.id).await;
    assert_eq!((item.version, item.attributes.get("rank")), (81, Some(&json!(80))));
    world.find("Note").with("rank", "80").gives(&["counter"]).await;
}

/// Concurrent deletions of one item: one does it, the others find nothing.
pub async fn one_deletion_wins(world: World) {
    let alice = world.acme.alice.clone();
    let created = world.create(&alice, item("Note").name("once")).await;
    let results = race(8, |_| {
        let (world, alice, id) = (world.clone(), alice.clone(), created.id);
        async move { world.persist(&alice, crate::conformance::delete(id)).await }
    })
    .await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "{results:?}");
    for result in results {
        if result.is_err() {
            expect_kind(result, ErrorKind::NotFound);
        }
    }
    world.log(world.acme.id, World::SETTLED + 2).await;
}

/// An operation that writes the secret of a sample anew.
fn reseal(id: Uuid, next: &str) -> Operation {
    let next = next.to_owned();
    let edit: Edit = Arc::new(move |item| {
        let mut attributes = item.attributes.as_map().clone();
        attributes.insert("secret".to_owned(), json!(next));
        // The attributes alone count.
        Ok(Item { attributes: attributes.into(), name: "other".to_owned(), version: 99, ..item.clone() })
    });
    Operation::Reseal { id, edit }
}

/// Secrets that are sealed anew are another text in the store, and nothing else: no version, no time, no record.
pub async fn sealing_anew_is_not_seen(world: World) {
    let alice = world.acme.alice.clone();
    let draft = item("Sample").name("holder").attr("secret", "one").attr("text", "words");
    let before = world.create(&alice, draft).await;
    let log = world.log(world.acme.id, World::SETTLED + 1).await;
    for caller in [&alice, &world.acme.admin] {
        expect_kind(world.commit(caller, vec![reseal(before.id, "two")]).await, ErrorKind::Forbidden);
    }
    let gone = world.next_id();
    let system = world.system();
    let done = world.commit(&system, vec![reseal(gone, "two"), reseal(before.id, "two")]).await.unwrap();
    assert!(matches!(done.as_slice(), [Outcome::Done, Outcome::Updated(_)]), "{done:?}");
    let after = world.item(before.id).await;
    assert_eq!(after.attributes.get("secret"), Some(&json!("two")));
    assert_eq!(Item { attributes: before.attributes.clone(), ..after.clone() }, before);
    let again = world.commit(&system, vec![reseal(before.id, "two")]).await.unwrap();
    assert!(matches!(again.as_slice(), [Outcome::Unchanged(_)]), "{again:?}");
    world.find("Sample").by(&alice).with("name", "holder").gives(&["holder"]).await;
    // The next change follows on it, and its record is the next one.
    let changed = world.set(&alice, before.id, json!({"text": "more"})).await.unwrap();
    assert_eq!((changed.version, changed.attributes.get("secret")), (2, Some(&json!("two"))));
    let next = world.log(world.acme.id, World::SETTLED + 2).await;
    assert_eq!(next[..log.len()], log[..]);
    assert_eq!(next[log.len()].before.as_ref(), Some(&after));
}

/// Sealing anew beside writers: neither takes anything back from the other.
pub async fn sealing_anew_loses_no_write(world: World) {
    let alice = world.acme.alice.clone();
    let created =
        world.create(&alice, item("Sample").name("busy").attr("secret", "0").attr("integer", 0)).await;
    let id = created.id;
    race(16, |index| {
        let (world, alice) = (world.clone(), alice.clone());
        async move {
            let (caller, operation) = if index % 2 == 0 {
                (world.system(), reseal(id, "sealed"))
            } else {
                let count = world.edit(id, None, |item| {
                    let mut attributes = item.attributes.as_map().clone();
                    let count = attributes.get("integer").and_then(Value::as_i64).unwrap_or_default();
                    attributes.insert("integer".to_owned(), json!(count + 1));
                    item.attributes = attributes.into();
                });
                (alice, count)
            };
            world.persist(&caller, operation).await.unwrap();
        }
    })
    .await;
    let item = world.item(id).await;
    let value = |name: &str| item.attributes.get(name).cloned().unwrap_or_default();
    assert_eq!((item.version, value("integer"), value("secret")), (9, json!(8), json!("sealed")));
}

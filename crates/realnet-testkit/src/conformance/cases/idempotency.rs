//! Replies that are kept in the commit, so that a repeated request does nothing.

use std::sync::Arc;

use realnet_core::ErrorKind;
use realnet_core::acl::Caller;
use realnet_core::change::{ChangeSet, IdempotencyKey, Outcome, StoredReply};
use realnet_core::clock::Timestamp;

use crate::conformance::{World, expect_kind, item, race};

fn key(caller: &Caller, scope: &str, key: &str) -> IdempotencyKey {
    IdempotencyKey {
        account: caller.account,
        scope: scope.to_owned(),
        key: key.to_owned(),
        not_before: Timestamp::from_micros(0),
    }
}

/// A creation of a note whose reply is the note's id.
fn creation(world: &World, caller: &Arc<Caller>, key: &IdempotencyKey) -> ChangeSet {
    let now = world.now();
    let operations = vec![world.creation(caller, item("Note").name("idempotent"))];
    let mut changes = ChangeSet::new(operations, now, Arc::from("idempotent"));
    let reply_of = move |outcomes: &[Outcome]| StoredReply {
        body_hash: vec![0, 255, 7],
        reply: outcomes[0].item().map(|item| item.id.as_bytes().to_vec()).unwrap_or_default(),
        created_at: now,
    };
    changes.reply = Some((key.clone(), Arc::new(reply_of)));
    changes
}

/// The reply is kept with the commit; the key works once.
pub async fn a_key_works_once(world: World) {
    let alice = world.acme.alice.clone();
    let key = key(&alice, "POST /api/note", "first \u{1F511}");
    assert_eq!(world.stores.items.stored_reply(&key).await.unwrap(), None);
    let outcomes = world.commit_set(&alice, creation(&world, &alice, &key)).await.unwrap();
    let id = outcomes[0].item().unwrap().id;
    let kept = world.stores.items.stored_reply(&key).await.unwrap().expect("the reply is kept");
    assert_eq!((kept.body_hash, kept.reply), (vec![0, 255, 7], id.as_bytes().to_vec()));
    expect_kind(world.commit_set(&alice, creation(&world, &alice, &key)).await, ErrorKind::Conflict);
    world.find("Note").gives(&["idempotent"]).await;
    world.log(world.acme.id, World::SETTLED + 1).await;
}

/// Caller, scope and key together are the key.
pub async fn keys_of_others_do_not_clash(world: World) {
    let [alice, bob] = [world.acme.alice.clone(), world.acme.bob.clone()];
    let mut anonymous = key(&alice, "POST /api/note", "k");
    anonymous.account = None;
    let keys = [
        key(&alice, "POST /api/note", "k"),
        key(&alice, "POST /api/place", "k"),
        key(&alice, "POST /api/note", "K"),
        key(&bob, "POST /api/note", "k"),
        anonymous,
    ];
    for key in &keys {
        world.commit_set(&alice, creation(&world, &alice, key)).await.unwrap();
    }
    for key in &keys {
        expect_kind(world.commit_set(&alice, creation(&world, &alice, key)).await, ErrorKind::Conflict);
    }
    assert_eq!(world.find("Note").all().await.len(), keys.len());
}

/// A key that has expired is forgotten and can be used again.
pub async fn an_expired_key_is_free(world: World) {
    let alice = world.acme.alice.clone();
    let mut key = key(&alice, "POST /api/note", "k");
    world.commit_set(&alice, creation(&world, &alice, &key)).await.unwrap();
    key.not_before = world.now();
    assert_eq!(world.stores.items.stored_reply(&key).await.unwrap(), None);
    let outcomes = world.commit_set(&alice, creation(&world, &alice, &key)).await.unwrap();
    let kept = world.stores.items.stored_reply(&key).await.unwrap().expect("the new reply is kept");
    assert_eq!(kept.reply, outcomes[0].item().unwrap().id.as_bytes());
}

/// Of requests that are repeated at the same moment, one does it.
pub async fn concurrent_repeats_act_once(world: World) {
    let alice = world.acme.alice.clone();
    let key = key(&alice, "POST /api/note", "raced");
    let results = race(12, |_| {
        let (world, alice, key) = (world.clone(), alice.clone(), key.clone());
        async move { world.commit_set(&alice, creation(&world, &alice, &key)).await }
    })
    .await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "{results:?}");
    for result in results {
        if result.is_err() {
            expect_kind(result, ErrorKind::Conflict);
        }
    }
    world.find("Note").gives(&["idempotent"]).await;
}

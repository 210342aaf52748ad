//! Keys of a store, and sealing everything anew under another one.

use std::sync::Arc;

use realnet_core::change::{ChangeSet, Operation, Outcome};
use realnet_core::provider::{Access, CommitStep, CredentialProvider as _, ItemProvider, SteppedItems};
use realnet_core::resource::Services;
use realnet_core::secret::{
    Keyring, Secrets, give_up, known_keys, lost, note, renew_lost_proof, retire, rotate, sealed_setting,
    unlock, uses, verify,
};
use realnet_core::{Error, Uuid};
use realnet_provider_generic::MemoryStore;
use serde_json::json;

use crate::secrets::{item, opened, sealing_with, stored, write_past};
use crate::world::World;

/// The services of a world with other keys, as those of another process on the same store.
async fn services(world: &World, store: &Arc<MemoryStore>, keyring: &Keyring) -> Services {
    let plain = Services { items: store.clone(), ..world.dispatcher.services().clone() };
    plain.sealing(unlock(&**store, keyring.clone()).await.unwrap())
}

fn id_of(keyring: &Keyring) -> String {
    keyring.primary().unwrap().to_owned()
}

#[tokio::test]
async fn a_store_opens_with_the_keys_that_it_knows_only() {
    let store = MemoryStore::new();
    let [old, new] = [(); 2].map(|()| Keyring::generate().unwrap());
    unlock(&store, old.clone()).await.unwrap();
    unlock(&store, old.clone()).await.unwrap();
    for missing in [&new, &Keyring::default()] {
        for refused in [unlock(&store, missing.clone()).await.err(), verify(&store, missing).await.err()] {
            let words = refused.unwrap().to_string();
            assert!(words.contains(&id_of(&old)), "{words}");
        }
    }
    assert_eq!(known_keys(&store).await.unwrap(), [id_of(&old)], "refused keys are not noted");
    let secret = new.to_text();
    let impostor = secret.split_once(':').map(|(_, key)| format!("{}:{key}", id_of(&old))).unwrap();
    let words = unlock(&store, Keyring::parse(&impostor).unwrap()).await.unwrap_err().to_string();
    assert!(words.contains("not the one") && words.contains(&id_of(&old)), "{words}");
    let both = old.behind(&new);
    unlock(&store, both.clone()).await.unwrap();
    assert_eq!(known_keys(&store).await.unwrap().len(), 2);
    assert!(verify(&store, &old).await.is_err() && verify(&store, &new).await.is_err());
    retire(&store, &both).await.unwrap();
    unlock(&store, new.clone()).await.unwrap();
    assert!(unlock(&store, old).await.is_err());
}

#[tokio::test]
async fn a_key_that_goes_on_sealing_is_noted_again() {
    let old = Keyring::generate().unwrap();
    let (world, store) = sealing_with(old.clone()).await;
    let new = Keyring::generate().unwrap();
    let rotating = services(&world, &store, &old.behind(&new)).await;
    rotate(&rotating, |_| {}).await.unwrap();
    retire(&*store, rotating.secrets.keyring()).await.unwrap();
    // A server of before goes on with the old key in front.
    world.create(&world.ann, "safe", json!({"pin": "1"})).await.unwrap();
    assert_eq!(
        uses(&rotating).await.unwrap().expected,
        [id_of(&new), id_of(&old)],
        "what items need is told"
    );
    assert!(note(&*store, &old).await.unwrap());
    assert!(!note(&*store, &old).await.unwrap() && !note(&*store, &Keyring::default()).await.unwrap());
    assert_eq!(known_keys(&*store).await.unwrap().len(), 2);
    assert!(unlock(&*store, new).await.is_err(), "the next start is refused without it");
}

#[tokio::test]
async fn settings_are_sealed_kept_and_sealed_anew() {
    let store = MemoryStore::new();
    let [old, new] = [(); 2].map(|()| Keyring::generate().unwrap());
    // One that an older version has kept in plain bytes.
    store.setting_or_insert("plain", vec![0xff; 32]).await.unwrap();
    for keyring in [&old, &old, &old.behind(&new), &new] {
        assert_eq!(sealed_setting(&store, keyring, "plain", b"other").await.unwrap(), [0xff; 32]);
        let kept = store.setting("plain").await.unwrap().unwrap();
        let begins = format!("sealed:{}:", id_of(keyring));
        assert!(kept.starts_with(begins.as_bytes()), "{}", String::from_utf8_lossy(&kept));
    }
    assert!(sealed_setting(&store, &old, "plain", b"other").await.is_err());
    let kept = store.setting("plain").await.unwrap().unwrap();
    store.setting_or_insert("moved", kept).await.unwrap();
    assert!(sealed_setting(&store, &new, "moved", b"other").await.is_err(), "of another setting");
}

#[tokio::test]
async fn everything_is_sealed_anew_and_nothing_else_changes() {
    let old = Keyring::generate().unwrap();
    let (world, store) = sealing_with(old.clone()).await;
    let mut ids = Vec::new();
    for index in 0..450 {
        let body = json!({"pin": format!("{index}"), "codes": ["a", "b"]});
        ids.push(world.create(&world.ann, "safe", body).await.unwrap().id);
    }
    let hidden = json!({"pin": "1", "visibility": "hidden"});
    ids.push(world.create(&world.bob, "safe", hidden).await.unwrap().id);
    let elsewhere = world.create(&world.foreigner, "safe", json!({"pin": "1"})).await.unwrap().id;
    ids.push(elsewhere);
    write_past(&world, &store, ids[3], json!({"pin": "77"})).await;
    let before = item(&world, ids[0]).await;
    let log = store.changes(world.org, 0, 10_000).await.unwrap().len();

    let new = Keyring::generate().unwrap();
    let with_both = services(&world, &store, &old.behind(&new)).await;
    let mut steps = 0;
    let rotated = rotate(&with_both, |_| steps += 1).await.unwrap();
    assert_eq!((rotated.resealed, rotated.seen, rotated.complete), (ids.len(), ids.len(), true));
    assert!(steps >= 6, "in steps: {steps}");
    let again = rotate(&with_both, |_| {}).await.unwrap();
    assert_eq!((again.resealed, again.complete), (0, true));

    let after = item(&world, ids[0]).await;
    assert_ne!(after.attributes, before.attributes);
    assert_eq!((after.version, after.updated_at), (before.version, before.updated_at));
    assert_eq!(store.changes(world.org, 0, 10_000).await.unwrap().len(), log);
    let counted = uses(&with_both).await.unwrap();
    assert_eq!(counted.items.into_iter().collect::<Vec<_>>(), [(id_of(&new), ids.len() + 450)]);

    retire(&*store, with_both.secrets.keyring()).await.unwrap();
    let new_alone = services(&world, &store, &new).await;
    for (index, id) in ids.iter().enumerate().take(450) {
        let expected = if index == 3 { json!("77") } else { json!(format!("{index}")) };
        assert_eq!(new_alone.secrets.open(&item(&world, *id).await, "pin").unwrap(), Some(expected));
    }
}

#[tokio::test]
async fn digests_stay_the_same_when_keys_change() {
    let old = Keyring::generate().unwrap();
    let (world, store) = sealing_with(old.clone()).await;
    let new = services(&world, &store, &old.behind(&Keyring::generate().unwrap())).await;
    let before = world.dispatcher.services().secrets.digest("p", b"value");
    assert_eq!(new.secrets.digest("p", b"value"), before);
    assert_ne!(new.secrets.digest("other", b"value"), before);
    assert_ne!(sealing_with(old).await.0.dispatcher.services().secrets.digest("p", b"value"), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_go_on_while_everything_is_sealed_anew() {
    let old = Keyring::generate().unwrap();
    let (world, store) = sealing_with(old.clone()).await;
    let mut ids = Vec::new();
    for _ in 0..300 {
        ids.push(world.create(&world.ann, "safe", json!({"pin": "0", "size": 0})).await.unwrap().id);
    }
    let with_both = services(&world, &store, &old.behind(&Keyring::generate().unwrap())).await;
    // The one writer is a server that has yet to learn of the new key, the other one knows it already.
    let late = world.before(&with_both);
    let rotating = {
        let services = with_both.clone();
        tokio::spawn(async move { rotate(&services, |_| {}).await.unwrap() })
    };
    for round in 1..=3 {
        for (index, id) in ids.iter().enumerate() {
            let writer = if index % 2 == 0 { &world } else { &late };
            let change = json!({"pin": format!("{round}"), "size": round});
            writer.merge(&world.ann, "safe", *id, change).await.unwrap();
        }
        tokio::task::yield_now().await;
    }
    rotating.await.unwrap();
    let last = rotate(&with_both, |_| {}).await.unwrap();
    assert!(last.complete);
    for id in &ids {
        let found = item(&late, *id).await;
        assert_eq!(found.version, 4, "no write is lost, and none is made up");
        assert_eq!(with_both.secrets.open(&found, "pin").unwrap(), Some(json!("3")));
        let sealed = stored(&late, *id, "pin").await["$sealed"].as_str().unwrap().to_owned();
        assert!(sealed.starts_with(with_both.secrets.keyring().primary().unwrap()), "{sealed}");
    }
}

#[tokio::test]
async fn what_does_not_open_is_named_and_holds_up_nothing() {
    let old = Keyring::generate().unwrap();
    let (world, store) = sealing_with(old.clone()).await;
    let mut ids: Vec<Uuid> = Vec::new();
    for index in 0..3 {
        ids.push(world.create(&world.ann, "safe", json!({"pin": format!("{index}")})).await.unwrap().id);
    }
    write_past(&world, &store, ids[1], json!({"pin": {"$sealed": "lost:AAAA"}})).await;
    let with_both = services(&world, &store, &old.behind(&Keyring::generate().unwrap())).await;
    let rotated = rotate(&with_both, |_| {}).await.unwrap();
    assert_eq!((rotated.resealed, rotated.complete, rotated.unreadable.as_slice()), (2, false, &ids[1..2]));
    assert_eq!(rotated.missing.iter().collect::<Vec<_>>(), ["lost"]);
    // A new value is the way out.
    world.merge(&world.ann, "safe", ids[1], json!({"pin": "5"})).await.unwrap();
    assert_eq!(opened(&world, ids[1], "pin").await, json!("5"));
    assert!(rotate(&with_both, |_| {}).await.unwrap().complete);
}

#[tokio::test]
async fn what_no_key_opens_any_more_is_given_up_and_the_rest_stays() {
    let old = Keyring::generate().unwrap();
    let (world, store) = sealing_with(old.clone()).await;
    let body = json!({"pin": "1", "codes": ["a"], "size": 3});
    let gone = world.create(&world.ann, "safe", body).await.unwrap().id;
    let kept = Keyring::generate().unwrap();
    let later = world.before(&services(&world, &store, &old.behind(&kept)).await);
    let stays = later.create(&world.ann, "safe", json!({"pin": "2"})).await.unwrap().id;
    assert!(unlock(&*store, kept.clone()).await.is_err());

    let plain = Services { items: store.clone(), ..world.dispatcher.services().clone() };
    let without = plain.sealing(Secrets::new(kept.clone(), &[]));
    let found = lost(&without).await.unwrap();
    assert_eq!((found.keys, found.items, found.digests), (vec![id_of(&old)], 1, false));
    assert_eq!(found.secrets.into_iter().collect::<Vec<_>>(), [("Safe".to_owned(), 2)]);
    assert_eq!(item(&world, gone).await.version, 1, "looking changes nothing");
    let log = store.changes(world.org, 0, 10_000).await.unwrap().len();
    let done = give_up(&without, |_| {}).await.unwrap();
    assert_eq!((done.changed, done.left), (1, 0));
    assert!(lost(&without).await.unwrap().is_nothing());

    let without = services(&world, &store, &kept).await;
    let after = item(&world, gone).await;
    assert_eq!(after.attributes.as_map().keys().collect::<Vec<_>>(), ["size"]);
    assert_eq!(after.version, 2);
    let changes = store.changes(world.org, 0, 10_000).await.unwrap();
    assert_eq!((changes.len(), changes[log].item_id, changes[log].version), (log + 1, gone, 2));
    let untouched = item(&world, stays).await;
    assert_eq!((without.secrets.open(&untouched, "pin").unwrap(), untouched.version), (Some(json!("2")), 1));
    assert_eq!(known_keys(&*store).await.unwrap(), [id_of(&kept)]);
    assert_eq!(give_up(&without, |_| {}).await.unwrap().changed, 0);
    let no_key = without.sealing(Secrets::new(Keyring::default(), &[]));
    assert!(give_up(&no_key, |_| {}).await.is_err(), "there has to be one from here on");
}

/// Stops each change of an item by the system, as a store may that refuses it.
struct Refusing(Uuid);

#[async_trait::async_trait]
impl CommitStep for Refusing {
    async fn commit(
        &self,
        store: &dyn ItemProvider,
        access: &Access,
        changes: ChangeSet,
    ) -> realnet_core::Result<Vec<Outcome>> {
        let is_it =
            |operation: &Operation| matches!(operation, Operation::Update { id, .. } if *id == self.0);
        if changes.operations.iter().any(is_it) {
            return Err(Error::conflict("no"));
        }
        store.commit(access, changes).await
    }
}

#[tokio::test]
async fn an_item_that_can_not_be_changed_keeps_no_store_shut() {
    let (world, store) = sealing_with(Keyring::generate().unwrap()).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(world.create(&world.ann, "safe", json!({"pin": "1"})).await.unwrap().id);
    }
    let new = Keyring::generate().unwrap();
    let items = Arc::new(SteppedItems::new(store.clone(), Refusing(ids[1])));
    let plain = Services { items, ..world.dispatcher.services().clone() };
    let done = give_up(&plain.sealing(Secrets::new(new.clone(), &[])), |_| {}).await.unwrap();
    let refused: Vec<Uuid> = done.refused.iter().map(|(id, _)| *id).collect();
    assert_eq!((done.changed, done.left, refused.as_slice()), (2, 1, &ids[1..2]));
    unlock(&*store, new).await.expect("the store asks for the lost key no more");
}

/// Bare base64 is the key `1`, whichever key it is.
#[tokio::test]
async fn a_key_takes_the_place_of_a_lost_one_of_its_id() {
    let [old, other] = [(); 2].map(|()| Keyring::generate().unwrap());
    let (_, store) = sealing_with(old.clone()).await;
    let text = other.to_text();
    let bytes = text.split_once(':').unwrap().1;
    let other = Keyring::parse(&format!("{}:{bytes}", id_of(&old))).unwrap();
    renew_lost_proof(&*store, &old).await.unwrap();
    assert!(verify(&*store, &old).await.is_ok() && verify(&*store, &other).await.is_err());
    renew_lost_proof(&*store, &other).await.unwrap();
    assert!(verify(&*store, &old).await.is_err() && verify(&*store, &other).await.is_ok());
}

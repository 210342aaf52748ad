//! Secret fields: sealed wherever they are kept, opened by name only.

use std::sync::Arc;

use realnet_core::change::{ChangeSet, Edit, IdempotencyKey, Operation as Change};
use realnet_core::clock::Timestamp;
use realnet_core::model::Item;
use realnet_core::provider::{CredentialProvider as _, ItemProvider as _};
use realnet_core::resource::{Operation, PatchDocument, WriteOptions};
use realnet_core::secret::{Keyring, Secrets, unlock};
use realnet_core::{ErrorKind, Uuid};
use realnet_provider_generic::MemoryStore;
use serde_json::{Value, json};

use crate::world::{World, json_of, kind, refusal};

/// A world whose secrets are sealed under a key of its own, and the store itself.
pub async fn sealing() -> (World, Arc<MemoryStore>) {
    sealing_with(Keyring::generate().unwrap()).await
}

pub async fn sealing_with(keyring: Keyring) -> (World, Arc<MemoryStore>) {
    let store = Arc::new(MemoryStore::new());
    let secrets = unlock(&*store, keyring).await.unwrap();
    (World::on(Arc::clone(&store), |services| services.sealing(secrets)).await, store)
}

/// What the store holds of a field.
pub async fn stored(world: &World, id: Uuid, field: &str) -> Value {
    item(world, id).await.attributes.get(field).cloned().unwrap_or_default()
}

pub async fn item(world: &World, id: Uuid) -> Item {
    let services = world.dispatcher.services();
    services.items.get(&world.context(&world.system).access, id).await.unwrap().unwrap()
}

/// What resource code gets of a field.
pub async fn opened(world: &World, id: Uuid, field: &str) -> Value {
    let secrets: &Secrets = &world.dispatcher.services().secrets;
    secrets.open(&item(world, id).await, field).unwrap().unwrap_or_default()
}

/// Writes attributes past the sealing, as an older version or a thief of the database would.
pub async fn write_past(world: &World, store: &MemoryStore, id: Uuid, set: Value) {
    let edit: Edit = Arc::new(move |item: &Item| {
        let mut attributes = item.attributes.as_map().clone();
        attributes.extend(set.as_object().unwrap().clone());
        Ok(Item { attributes: attributes.into(), ..item.clone() })
    });
    let update = Change::Update { id, expected_version: None, edit };
    let services = world.dispatcher.services();
    let changes = ChangeSet::new(vec![update], services.clock.now(), Arc::from("past"));
    store.commit(&world.context(&world.system).access, changes).await.unwrap();
}

#[tokio::test]
async fn a_secret_is_sealed_in_items_log_and_replies() {
    let (world, store) = sealing().await;
    let key = IdempotencyKey {
        account: world.ann.account,
        scope: "POST /api/safe".to_owned(),
        key: "k".to_owned(),
        not_before: Timestamp::from_micros(0),
    };
    let options = WriteOptions { expected_version: None, idempotency: Some((key.clone(), vec![7; 32])) };
    let body = json!({"name": "S", "pin": "47114711", "codes": ["4711 4711", "b"], "size": 3});
    let reply = world.call(&world.ann, "safe", Operation::Create { body, options }).await.unwrap();
    let shown = json_of(&reply)[0].clone();
    assert!(
        shown["attributes"].get("pin").is_none() && shown["attributes"].get("codes").is_none(),
        "{shown}"
    );
    let id = Uuid::parse_str(shown["id"].as_str().unwrap()).unwrap();
    world.merge(&world.ann, "safe", id, json!({"pin": "08154711", "size": 4})).await.unwrap();
    let changes = store.changes(world.org, 0, 1000).await.unwrap();
    let reply = store.stored_reply(&key).await.unwrap().unwrap();
    assert_ne!(reply.body_hash, [7; 32], "a hash without key could be tried against");
    let reply = String::from_utf8(reply.reply).unwrap();
    let kept = format!("{:?} {changes:?} {reply}", item(&world, id).await);
    assert!(!kept.contains("4711") && kept.contains("$sealed") && reply.contains("$sealed"), "{kept}");
    assert_eq!(opened(&world, id, "pin").await, json!("08154711"));
    assert_eq!(opened(&world, id, "codes").await, json!(["4711 4711", "b"]));
    assert_eq!(opened(&world, id, "other").await, Value::Null);
    let key = store.setting("secrets.digest_key").await.unwrap().unwrap();
    assert!(key.starts_with(b"sealed:"), "the key of digests is sealed as well");
}

#[tokio::test]
async fn secrets_are_validated_as_they_are_given_and_stay_as_they_are_stored() {
    let (world, _) = sealing().await;
    let refused =
        |result| assert_eq!(refusal(result), (ErrorKind::InvalidInput, vec!["/attributes/pin".to_owned()]));
    for bad in [json!(""), json!(1), json!(["4711"]), json!({}), json!(null)] {
        refused(world.create(&world.ann, "safe", json!({"pin": bad})).await.map(drop));
    }
    let id = world.create(&world.ann, "safe", json!({"pin": "4711"})).await.unwrap().id;
    let sealed = stored(&world, id, "pin").await;
    refused(world.merge(&world.ann, "safe", id, json!({"pin": ""})).await.map(drop));
    refused(world.merge(&world.ann, "safe", id, json!({"pin": null})).await.map(drop));
    // Neither a change of something else nor a replacement by what was read touches it, rules or not.
    world.merge(&world.ann, "safe", id, json!({"size": 1})).await.unwrap();
    world.replace(&world.ann, "safe", id, json!({"name": "N", "size": 2})).await.unwrap();
    let patch = json!([{"op": "replace", "path": "/attributes/size", "value": 3}]);
    world.patch(&world.ann, "safe", id, PatchDocument::Json(patch)).await.unwrap();
    assert_eq!(stored(&world, id, "pin").await, sealed);
    assert_eq!(stored(&world, id, "size").await, json!(3));
    assert_eq!(opened(&world, id, "pin").await, json!("4711"));
}

#[tokio::test]
async fn what_looks_sealed_is_no_value() {
    let (world, _) = sealing().await;
    let id = world.create(&world.ann, "safe", json!({"pin": "4711"})).await.unwrap().id;
    let other = world.create(&world.ann, "safe", json!({"pin": "0815"})).await.unwrap().id;
    let sealed = stored(&world, id, "pin").await;
    for forged in [sealed, json!({"$plain": "4711"}), json!({"$sealed": "x:AA"})] {
        let body = json!({"pin": forged});
        let created = world.create(&world.ann, "safe", body.clone()).await;
        assert_eq!(kind(created), ErrorKind::InvalidInput);
        let changed = world.replace(&world.ann, "safe", other, body.clone()).await;
        assert_eq!(kind(changed), ErrorKind::InvalidInput);
        let changed = world.merge(&world.ann, "safe", other, body).await;
        assert_eq!(kind(changed), ErrorKind::InvalidInput);
    }
    assert_eq!(opened(&world, other, "pin").await, json!("0815"));
}

#[tokio::test]
async fn a_sealed_value_opens_nowhere_else() {
    let (world, store) = sealing().await;
    let body = json!({"pin": "4711", "codes": ["a"]});
    let id = world.create(&world.ann, "safe", body).await.unwrap().id;
    let other = world.create(&world.ann, "safe", json!({"pin": "0815"})).await.unwrap().id;
    let secrets = &world.dispatcher.services().secrets;
    let pin = stored(&world, id, "pin").await;
    // To another item, and to another field of the same one.
    write_past(&world, &store, other, json!({"pin": pin})).await;
    assert!(secrets.open(&item(&world, other).await, "pin").is_err());
    write_past(&world, &store, id, json!({"codes": pin})).await;
    assert!(secrets.open(&item(&world, id).await, "codes").is_err());
    assert_eq!(opened(&world, id, "pin").await, json!("4711"));
    let mut text = pin["$sealed"].as_str().unwrap().to_owned();
    let last = text.pop().unwrap();
    text.push(if last == 'A' { 'Q' } else { 'A' });
    write_past(&world, &store, id, json!({"pin": {"$sealed": text}})).await;
    assert!(secrets.open(&item(&world, id).await, "pin").is_err(), "changed");
}

#[tokio::test]
async fn a_right_guess_looks_like_a_wrong_one() {
    let (world, _) = sealing().await;
    let id = world.create(&world.ann, "safe", json!({"pin": "4711"})).await.unwrap().id;
    for (version, guess) in [(2, "4711"), (3, "0815")] {
        world.merge(&world.ann, "safe", id, json!({"pin": guess})).await.unwrap();
        assert_eq!(item(&world, id).await.version, version, "{guess}");
    }
}

#[tokio::test]
async fn plain_values_of_before_are_sealed_with_the_next_change() {
    let (world, store) = sealing().await;
    let id = world.create(&world.ann, "safe", json!({"pin": "1"})).await.unwrap().id;
    write_past(&world, &store, id, json!({"pin": "4711"})).await;
    assert_eq!(opened(&world, id, "pin").await, json!("4711"));
    world.merge(&world.ann, "safe", id, json!({})).await.unwrap();
    assert_eq!(stored(&world, id, "pin").await, json!("4711"), "nothing has changed");
    world.merge(&world.ann, "safe", id, json!({"size": 1})).await.unwrap();
    assert!(stored(&world, id, "pin").await.get("$sealed").is_some());
    assert_eq!(opened(&world, id, "pin").await, json!("4711"));
}

#[tokio::test]
async fn without_a_key_values_are_marked_as_plain_and_not_shown() {
    let (world, _) = sealing_with(Keyring::default()).await;
    let item = world.create(&world.ann, "safe", json!({"pin": "4711"})).await.unwrap();
    assert_eq!(item.attributes.get("pin"), Some(&json!({"$plain": "4711"})));
    world.merge(&world.ann, "safe", item.id, json!({"size": 1})).await.unwrap();
    assert_eq!(opened(&world, item.id, "pin").await, json!("4711"));
    let shown = world.get(&world.ann, "safe", item.id).await.unwrap();
    assert_eq!(shown["attributes"], json!({"size": 1}));
}

#[tokio::test]
async fn sealed_values_are_neither_filtered_nor_sorted_nor_searched() {
    let (world, _) = sealing().await;
    let id = world.create(&world.ann, "safe", json!({"name": "S", "pin": "4711"})).await.unwrap().id;
    let text = stored(&world, id, "pin").await["$sealed"].as_str().unwrap().to_owned();
    let word = text.split(':').next_back().unwrap().split(['-', '_']).max_by_key(|word| word.len()).unwrap();
    let found = world.list(&world.admin, "safe", &[("search", word)]).await.unwrap();
    assert_eq!(found, json!([]), "the words of a ciphertext are none");
    for filter in [("pin", "like.*"), ("pin", "eq.4711"), ("pin", "is.not_null"), ("pin->$sealed", "like.*")]
    {
        let found = world.list(&world.admin, "safe", &[filter]).await;
        let count = found.as_ref().map_or(0, |page| page.as_array().map_or(0, Vec::len));
        assert_eq!(count, 0, "{filter:?}: {found:?}");
    }
}

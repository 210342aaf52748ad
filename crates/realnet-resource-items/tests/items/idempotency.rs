//! Idempotency keys.

use std::sync::Arc;

use realnet_core::ErrorKind;
use realnet_core::acl::Caller;
use realnet_core::change::IdempotencyKey;
use realnet_core::clock::Timestamp;
use realnet_core::resource::{Operation, Reply, WriteOptions};
use serde_json::{Value, json};

use crate::world::{World, json_of, kind};

fn keyed(caller: &Arc<Caller>, body_hash: u8) -> WriteOptions {
    let key = IdempotencyKey {
        account: caller.account,
        scope: "POST /api/note".to_owned(),
        key: "k".to_owned(),
        not_before: Timestamp::from_micros(0),
    };
    WriteOptions { expected_version: None, idempotency: Some((key, vec![body_hash; 32])) }
}

fn create(caller: &Arc<Caller>, body: Value, body_hash: u8) -> Operation {
    Operation::Create { body, options: keyed(caller, body_hash) }
}

#[tokio::test]
async fn the_same_request_is_done_once() {
    let world = World::new().await;
    let first = world.call(&world.ann, "note", create(&world.ann, json!({"name": "1"}), 1)).await.unwrap();
    let second = world.call(&world.ann, "note", create(&world.ann, json!({"name": "1"}), 1)).await.unwrap();
    assert!(matches!(first, Reply::Created { replayed: false, single: true, .. }));
    assert!(matches!(second, Reply::Created { replayed: true, single: true, .. }));
    assert_eq!(json_of(&first), json_of(&second));
    let other = world.call(&world.ann, "note", create(&world.ann, json!({"name": "2"}), 2)).await;
    assert_eq!(kind(other), ErrorKind::InvalidInput);
    assert!(matches!(
        world.call(&world.bob, "note", create(&world.bob, json!({"name": "1"}), 1)).await,
        Ok(Reply::Created { replayed: false, .. })
    ));
    assert_eq!(world.list(&world.ann, "note", &[]).await.unwrap().as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_failed_request_may_be_tried_again() {
    let world = World::new().await;
    let bad = world.call(&world.ann, "customer", create(&world.ann, json!({"tier": 1}), 1)).await;
    assert_eq!(kind(bad), ErrorKind::InvalidInput);
    assert!(world.call(&world.ann, "customer", create(&world.ann, json!({}), 2)).await.is_ok());
}

#[tokio::test]
async fn batches_are_done_once_too() {
    let world = World::new().await;
    let operations = json!({"operations": [{"operation": "create", "resource": "note", "body": {}}]});
    let batch = || Operation::Batch { body: operations.clone(), options: keyed(&world.ann, 1) };
    let first = world.call(&world.ann, "", batch()).await.unwrap();
    let second = world.call(&world.ann, "", batch()).await.unwrap();
    assert!(matches!(second, Reply::Batch { replayed: true, .. }));
    assert_eq!(json_of(&first), json_of(&second));
}

#[tokio::test]
async fn at_the_same_time_it_is_done_once_as_well() {
    let world = World::new().await;
    let call = || world.call(&world.ann, "note", create(&world.ann, json!({"name": "1"}), 1));
    let (a, b, c) = tokio::join!(call(), call(), call());
    let replies = [a.unwrap(), b.unwrap(), c.unwrap()].map(|reply| json_of(&reply));
    assert!(replies.iter().all(|reply| *reply == replies[0]));
    assert_eq!(world.list(&world.ann, "note", &[]).await.unwrap().as_array().unwrap().len(), 1);
}

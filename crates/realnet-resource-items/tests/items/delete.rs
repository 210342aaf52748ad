//! Deleting.

use realnet_core::ErrorKind;
use realnet_core::acl::{Grant, Permission, Permissions, Subject};
use realnet_core::change::Version;
use realnet_core::resource::{Operation, Reply, WriteOptions};
use serde_json::json;

use crate::world::{World, json_of, kind};

#[tokio::test]
async fn descendants_go_along() {
    let world = World::new().await;
    let folder = world.create(&world.ann, "folder", json!({})).await.unwrap();
    let child = world.create(&world.ann, "note", json!({"parent_id": folder.id})).await.unwrap();
    assert_eq!(kind(world.delete(&world.ann, "note", folder.id).await), ErrorKind::NotFound);
    let stale = WriteOptions { expected_version: Some(Version::from(9)), idempotency: None };
    let stale = world.call(&world.ann, "folder", Operation::Delete { id: folder.id, options: stale }).await;
    assert_eq!(kind(stale), ErrorKind::PreconditionFailed);
    assert!(matches!(world.delete(&world.ann, "folder", folder.id).await, Ok(Reply::Deleted(2))));
    assert_eq!(kind(world.get(&world.ann, "items", child.id).await), ErrorKind::NotFound);
    assert_eq!(kind(world.delete(&world.ann, "folder", folder.id).await), ErrorKind::NotFound);
}

#[tokio::test]
async fn who_writes_without_reading_sees_nothing() {
    let world = World::new().await;
    let note = world.create(&world.ann, "note", json!({"name": "private"})).await.unwrap();
    let grant = Grant {
        subject: Subject::Account(world.bob.account.unwrap()),
        permissions: Permissions::of(&[Permission::Write]),
    };
    let share = Operation::SetGrants { id: note.id, grants: vec![grant], options: WriteOptions::default() };
    world.call(&world.ann, "note", share).await.unwrap();
    assert_eq!(world.merge(&world.bob, "note", note.id, json!({"b": 1})).await.unwrap(), json!(1));
    let operation = json!({"operation": "patch", "resource": "note", "id": note.id, "body": {"b": 2}});
    let batch =
        Operation::Batch { body: json!({"operations": [operation]}), options: WriteOptions::default() };
    let reply = json_of(&world.call(&world.bob, "", batch).await.unwrap());
    assert_eq!(reply, json!({"results": [{"operation": "patch"}]}));
}

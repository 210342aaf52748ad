//! Grants on items.

use realnet_core::acl::{Caller, Grant, Permission, Permissions, Subject};
use realnet_core::resource::{Operation, WriteOptions};
use realnet_core::{ErrorKind, Uuid};
use serde_json::json;

use crate::world::{World, json_of, kind, refusal};

fn grant(subject: Subject, permissions: &[Permission]) -> Grant {
    Grant { subject, permissions: Permissions::of(permissions) }
}

fn set(id: Uuid, grants: Vec<Grant>) -> Operation {
    Operation::SetGrants { id, grants, options: WriteOptions::default() }
}

#[tokio::test]
async fn sharing_opens_what_is_granted_and_no_more() {
    let world = World::new().await;
    let note = world.create(&world.ann, "note", json!({})).await.unwrap();
    let bob = Subject::Account(world.bob.account.unwrap());
    let read = grant(bob.clone(), &[Permission::Read]);
    let reply = world.call(&world.ann, "note", set(note.id, vec![read.clone()])).await.unwrap();
    assert_eq!(json_of(&reply), json!([read]));
    assert!(world.get(&world.bob, "note", note.id).await.is_ok());
    let see = || Operation::GetGrants { id: note.id };
    assert_eq!(kind(world.call(&world.bob, "note", see()).await), ErrorKind::Forbidden);
    assert_eq!(json_of(&world.call(&world.ann, "items", see()).await.unwrap()), json!([read]));
    let more = grant(bob, &[Permission::Read, Permission::Write]);
    assert_eq!(kind(world.call(&world.bob, "note", set(note.id, vec![more])).await), ErrorKind::Forbidden);
    assert!(world.call(&world.ann, "note", set(note.id, Vec::new())).await.is_ok());
    assert_eq!(kind(world.get(&world.bob, "note", note.id).await), ErrorKind::NotFound);
}

#[tokio::test]
async fn subjects_must_be_somebody_of_the_org() {
    let world = World::new().await;
    let note = world.create(&world.ann, "note", json!({})).await.unwrap();
    let group = world.create(&world.admin, "group", json!({"name": "G"})).await.unwrap();
    let good = grant(Subject::Group(group.id), &[Permission::Read]);
    for bad in [
        grant(Subject::Account(group.id), &[Permission::Read]),
        grant(Subject::Account(world.foreigner.account.unwrap()), &[Permission::Read]),
        grant(Subject::Group(Uuid::from_u128(5)), &[Permission::Read]),
        grant(Subject::Org(world.foreigner.org), &[Permission::Read]),
        grant(Subject::NamedRole("user".to_owned()), &[Permission::Read]),
        grant(Subject::Public, &[Permission::Create]),
    ] {
        let refused =
            refusal(world.call(&world.ann, "note", set(note.id, vec![good.clone(), bad.clone()])).await);
        assert_eq!(refused, (ErrorKind::InvalidInput, vec!["/1".to_owned()]), "{bad:?}");
    }
    let all = vec![
        good,
        grant(Subject::Org(world.org), &[Permission::Read]),
        grant(Subject::Public, &[Permission::Read]),
    ];
    assert!(world.call(&world.ann, "note", set(note.id, all)).await.is_ok());
    assert!(world.get(&world.stranger, "note", note.id).await.is_ok());
}

/// What an item inherits is shown behind its own grants, with where it comes from to those who may read that; and stays when
/// the item's own are replaced.
#[tokio::test]
async fn inherited_grants_are_shown_and_stay() {
    let world = World::new().await;
    let account = |caller: &Caller| Subject::Account(caller.account.unwrap());
    let top = world.create(&world.ann, "folder", json!({"name": "top"})).await.unwrap();
    let inner = json!({"name": "inner", "parent_id": top.id});
    let inner = world.create(&world.ann, "folder", inner).await.unwrap();
    let to_admin = grant(account(&world.admin), &[Permission::Read]);
    let to_bob = grant(account(&world.bob), &[Permission::Read, Permission::Share]);
    world.call(&world.ann, "folder", set(top.id, vec![to_admin.clone()])).await.unwrap();
    let marked = |from: Option<Uuid>| {
        let mut shown = json!(to_admin);
        shown["inherited"] = json!(true);
        if let Some(from) = from {
            shown["from"] = json!(from);
        }
        shown
    };
    let reply = world.call(&world.ann, "folder", set(inner.id, vec![to_bob.clone()])).await.unwrap();
    assert_eq!(json_of(&reply), json!([to_bob, marked(Some(top.id))]));
    let see = || Operation::GetGrants { id: inner.id };
    let of_ann = world.call(&world.ann, "folder", see()).await.unwrap();
    assert_eq!(json_of(&of_ann), json!([to_bob, marked(Some(top.id))]));
    let of_bob = world.call(&world.bob, "folder", see()).await.unwrap();
    assert_eq!(json_of(&of_bob), json!([to_bob, marked(None)]), "bob can not see what it stands in");
    let reply = world.call(&world.ann, "folder", set(inner.id, Vec::new())).await.unwrap();
    assert_eq!(json_of(&reply), json!([marked(Some(top.id))]));
}

#[tokio::test]
async fn no_body_brings_inherited_grants() {
    let world = World::new().await;
    let inherited = json!([{"subject": {"type": "public"}, "permissions": ["read"], "from": world.org}]);
    let folder = world.create(&world.ann, "folder", json!({"inherited": inherited})).await.unwrap();
    assert!(folder.inherited.is_empty());
    assert_eq!(folder.attributes.get("inherited"), Some(&inherited), "a word like any other");
    world.merge(&world.ann, "folder", folder.id, json!({"inherited": inherited})).await.unwrap();
    assert_eq!(kind(world.get(&world.stranger, "folder", folder.id).await), ErrorKind::NotFound);
}

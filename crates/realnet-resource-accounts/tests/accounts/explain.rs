//! Why may somebody, and who may.

use std::sync::Arc;

use realnet_core::acl::{Grant, Permission, Permissions, Subject};
use realnet_core::resource::{Operation, Verb, WriteOptions};
use realnet_core::{ErrorKind, Uuid};
use serde_json::{Value, json};

use crate::world::{World, id, id_of, kind};

async fn explain(
    world: &World,
    caller: &Arc<realnet_core::acl::Caller>,
    query: &str,
) -> realnet_core::Result<Value> {
    world.auth(caller, Verb::Get, &format!("explain?{query}"), Value::Null).await
}

/// A folder of ann, and what she grants on it.
async fn folder(world: &World, grants: Vec<Grant>) -> Uuid {
    let folder = id_of(&world.create(&world.ann, "Folder", json!({"name": "plans"})).await.unwrap());
    let operation = Operation::SetGrants { id: folder, grants, options: WriteOptions::default() };
    world.call(&world.ann, "Folder", operation).await.unwrap();
    folder
}

fn grant(subject: Subject, permission: Permission) -> Grant {
    Grant { subject, permissions: Permissions::of(&[permission]) }
}

#[tokio::test]
async fn each_permission_names_what_decides() {
    let world = World::new().await;
    let group = id_of(&world.create(&world.admin, "Group", json!({"name": "Team"})).await.unwrap());
    let folder = folder(&world, vec![grant(Subject::Group(group), Permission::Read)]).await;
    let own = explain(&world, &world.ann, &format!("item={folder}")).await.unwrap();
    assert_eq!(own["permissions"]["delete"], json!({"allowed": true, "reason": "owner"}));
    let bob = id(&world.bob);
    let before = explain(&world, &world.admin, &format!("item={folder}&account={bob}")).await.unwrap();
    assert_eq!(before["permissions"]["read"], json!({"allowed": false, "reason": "no_grant"}));
    let link = json!({"account": bob, "group": group});
    world.create(&world.admin, "AccountGroup", json!({"name": "link", "attributes": link})).await.unwrap();
    let after = explain(&world, &world.admin, &format!("item={folder}&account={bob}")).await.unwrap();
    assert_eq!((&after["username"], &after["groups"]), (&json!("bob"), &json!(["team"])));
    let read = &after["permissions"]["read"];
    assert_eq!((&read["allowed"], &read["reason"]), (&json!(true), &json!("item_grant")));
    assert_eq!(read["grant"]["subject"], json!({"type": "group", "id": group}));
    assert_eq!(after["permissions"]["write"], json!({"allowed": false, "reason": "no_grant"}));
    let admin = explain(&world, &world.admin, &format!("item={folder}")).await.unwrap();
    assert_eq!(admin["permissions"]["share"]["reason"], "admin");
}

#[tokio::test]
async fn what_one_may_not_read_is_not_explained() {
    let world = World::new().await;
    let folder = folder(&world, Vec::new()).await;
    let hidden = explain(&world, &world.bob, &format!("item={folder}")).await;
    let missing = explain(&world, &world.bob, &format!("item={}", Uuid::from_u128(7))).await;
    assert_eq!((kind(hidden), kind(missing)), (ErrorKind::NotFound, ErrorKind::NotFound));
    let of_others = explain(&world, &world.ann, &format!("item={folder}&account={}", id(&world.bob))).await;
    assert_eq!(kind(of_others), ErrorKind::NotFound, "other accounts are for administrators");
    let who = explain(&world, &world.ann, &format!("item={folder}&who=read")).await;
    assert_eq!(kind(who), ErrorKind::Forbidden);
    let stranger = world.stranger();
    assert_eq!(kind(explain(&world, &stranger, &format!("item={folder}")).await), ErrorKind::Unauthenticated);
    for bad in ["", "item=x", "item=1", "who=read", "color=red"] {
        assert_eq!(kind(explain(&world, &world.admin, bad).await), ErrorKind::Malformed, "{bad}");
    }
    for bad in ["who=create", "who=everything", &format!("who=read&account={}", id(&world.bob))] {
        let refused = explain(&world, &world.admin, &format!("item={folder}&{bad}")).await;
        assert_eq!(kind(refused), ErrorKind::Malformed, "{bad}");
    }
}

#[tokio::test]
async fn who_is_disabled_has_what_everybody_has() {
    let world = World::new().await;
    let folder = folder(&world, vec![grant(Subject::Account(id(&world.bob)), Permission::Read)]).await;
    world.merge(&world.admin, "accounts", id(&world.bob), json!({"disabled": true})).await.unwrap();
    let of_bob = format!("item={folder}&account={}", id(&world.bob));
    let shown = explain(&world, &world.admin, &of_bob).await.unwrap();
    assert_eq!(shown["permissions"]["read"], json!({"allowed": false, "reason": "disabled"}));
}

#[tokio::test]
async fn administrators_see_who_may() {
    let world = World::new().await;
    let folder = folder(&world, vec![grant(Subject::Account(id(&world.bob)), Permission::Read)]).await;
    let may = async |permission: &str| {
        let answer = explain(&world, &world.admin, &format!("item={folder}&who={permission}")).await.unwrap();
        assert_eq!((&answer["public"], &answer["next"]), (&json!(false), &Value::Null));
        let accounts = answer["accounts"].as_array().unwrap().iter();
        accounts
            .map(|account| {
                format!("{} {}", account["username"].as_str().unwrap(), account["reason"].as_str().unwrap())
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(may("read").await, ["root superuser", "admin admin", "ann owner", "bob item_grant"]);
    assert_eq!(may("write").await, ["root superuser", "admin admin", "ann owner"]);
}

/// A grant from above is told with the item that it stands on, to those who may read that one.
#[tokio::test]
async fn what_is_inherited_is_told_apart() {
    let world = World::new().await;
    let [bob, everybody] = [Subject::Account(id(&world.bob)), Subject::Org(world.org)];
    let top = folder(&world, vec![grant(everybody, Permission::Read), grant(bob, Permission::Write)]).await;
    let inner = json!({"name": "inner", "parent_id": top});
    let inner = id_of(&world.create(&world.ann, "Folder", inner).await.unwrap());
    let shown = explain(&world, &world.bob, &format!("item={inner}")).await.unwrap();
    let write = &shown["permissions"]["write"];
    assert_eq!((&write["reason"], &write["from"]), (&json!("inherited_grant"), &json!(top)));
    assert_eq!(write["grant"]["subject"]["type"], "account");
    // Of the folder above nothing is told to who can not see it.
    world.merge(&world.ann, "Folder", top, json!({"visibility": "restricted"})).await.unwrap();
    let only_write = vec![grant(Subject::Account(id(&world.bob)), Permission::Write)];
    let operation = Operation::SetGrants { id: top, grants: only_write, options: WriteOptions::default() };
    world.call(&world.ann, "Folder", operation).await.unwrap();
    let own = vec![grant(Subject::Account(id(&world.bob)), Permission::Read)];
    let operation = Operation::SetGrants { id: inner, grants: own, options: WriteOptions::default() };
    world.call(&world.ann, "Folder", operation).await.unwrap();
    let shown = explain(&world, &world.bob, &format!("item={inner}")).await.unwrap();
    let write = &shown["permissions"]["write"];
    assert_eq!((&write["reason"], write.get("from")), (&json!("inherited_grant"), None));
    let who = explain(&world, &world.admin, &format!("item={inner}&who=write")).await.unwrap();
    let of_bob = who["accounts"].as_array().unwrap().iter().find(|one| one["username"] == "bob").unwrap();
    assert_eq!((&of_bob["reason"], &of_bob["from"]), (&json!("inherited_grant"), &json!(top)));
}

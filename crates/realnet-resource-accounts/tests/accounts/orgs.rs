//! Orgs.

use realnet_core::ErrorKind;
use realnet_core::acl::Origin;
use realnet_core::load::{OrgTemplate, parse_json};
use realnet_core::resource::{Operation, WriteOptions};
use serde_json::{Value, json};

use crate::world::{World, batch, id_of, json_patch, kind, merge, replace};

#[tokio::test]
async fn superusers_create_orgs_and_an_org_is_its_own() {
    let world = World::new().await;
    for caller in [&world.ann, &world.admin] {
        assert_eq!(kind(world.create(caller, "orgs", json!({"name": "X"})).await), ErrorKind::Forbidden);
    }
    let org = world.create(&world.root, "orgs", json!({"name": "Second"})).await.unwrap();
    assert_eq!((&org["org"], &org["owner"]), (&org["id"], &json!(null)));
    assert_eq!(kind(world.create(&world.root, "orgs", json!({"name": "Second"})).await), ErrorKind::Conflict);
    assert_eq!(kind(world.create(&world.root, "orgs", json!({"name": " "})).await), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn administrators_change_their_own_but_do_not_rename_it() {
    let world = World::new().await;
    let described = json!({"description": "the first"});
    assert!(world.merge(&world.admin, "orgs", world.org, described.clone()).await.is_ok());
    assert_eq!(
        kind(world.merge(&world.ann, "orgs", world.org, described.clone()).await),
        ErrorKind::NotFound
    );
    assert_eq!(
        kind(world.merge(&world.admin, "items", world.org, json!({"name": "Mine"})).await),
        ErrorKind::Forbidden
    );
    let folder = world.create(&world.admin, "folder", json!({})).await.unwrap();
    let moved = world.merge(&world.root, "orgs", world.org, json!({"parent_id": folder["id"]})).await;
    assert_eq!(kind(moved), ErrorKind::InvalidInput);
    let second = id_of(&world.create(&world.root, "orgs", json!({"name": "Second"})).await.unwrap());
    assert_eq!(kind(world.merge(&world.admin, "orgs", second, described).await), ErrorKind::NotFound);
}

#[tokio::test]
async fn whether_there_is_another_is_told_to_nobody() {
    let world = World::new().await;
    world.create(&world.root, "orgs", json!({"name": "Second"})).await.unwrap();
    let said = async |name: &str| {
        let body = json!({"username": "eve", "password": crate::world::PASSWORD, "org": name});
        let error = world.create(&world.admin, "accounts", body).await.unwrap_err();
        (error.kind(), format!("{error} {:?}", error.violations()))
    };
    assert_eq!(said("Second").await, said("Nowhere").await);
}

#[tokio::test]
async fn no_two_have_one_name() {
    let world = World::new().await;
    let second = id_of(&world.create(&world.root, "orgs", json!({"name": "Second"})).await.unwrap());
    let name = json!({"name": "First"});
    let patch = |operation: Value| json_patch(second, json!([operation]));
    for operation in [
        merge(second, name.clone()),
        replace(second, name.clone()),
        patch(json!({"op": "replace", "path": "/name", "value": "First"})),
        patch(json!({"op": "add", "path": "/name", "value": "First"})),
        batch(&json!({"operation": "patch", "resource": "items", "id": second, "body": name})),
    ] {
        assert_eq!(kind(world.call(&world.root, "items", operation).await), ErrorKind::Conflict);
    }
    let copied = patch(json!({"op": "copy", "from": "/attributes/description", "path": "/name"}));
    assert_eq!(kind(world.call(&world.root, "items", copied).await), ErrorKind::InvalidInput);
    // Two at once, where each has looked before the other wrote.
    let create = |name: &str| json!({"operation": "create", "resource": "orgs", "body": {"name": name}});
    let both = Operation::Batch {
        body: json!({"operations": [create("Third"), create("Third")]}),
        options: WriteOptions::default(),
    };
    assert_eq!(kind(world.call(&world.root, "", both).await), ErrorKind::Conflict);
    assert!(world.merge(&world.root, "orgs", second, json!({"name": "Second"})).await.is_ok(), "its own");
    assert!(world.merge(&world.root, "orgs", second, json!({"name": "Third"})).await.is_ok());
}

#[tokio::test]
async fn only_an_empty_org_goes_and_never_ones_own() {
    let world = World::new().await;
    let second = id_of(&world.create(&world.root, "orgs", json!({"name": "Second"})).await.unwrap());
    let account = json!({"username": "a", "password": "some password", "org": second});
    let account = id_of(&world.create(&world.root, "accounts", account).await.unwrap());
    assert_eq!(kind(world.delete(&world.root, "orgs", second).await), ErrorKind::Conflict);
    assert_eq!(kind(world.delete(&world.root, "items", world.org).await), ErrorKind::Conflict);
    assert_eq!(kind(world.delete(&world.admin, "orgs", world.org).await), ErrorKind::Forbidden);
    world.delete(&world.root, "accounts", account).await.unwrap();
    assert!(world.delete(&world.root, "orgs", second).await.is_ok());
}

#[tokio::test]
async fn a_new_org_gets_the_items_of_the_template() {
    let world = World::new().await;
    let text = r#"{"items": [{"name": "Users", "type": "Group"}, {"name": "User", "type": "Role"}]}"#;
    world.accounts.give_new_orgs(OrgTemplate::new(vec![parse_json("access.json", text).unwrap()]));
    let org = world.create(&world.root, "orgs", json!({"name": "Second"})).await.unwrap();
    let account = json!({"username": "boss", "password": "some password", "role": "admin", "org": "Second"});
    world.create(&world.root, "accounts", account).await.unwrap();
    let request = realnet_core::resource::SignIn {
        username: "boss".into(),
        password: "some password".into(),
        org: Some("Second".into()),
        code: None,
    };
    let boss = realnet_core::resource::Authenticator::sign_in(&*world.accounts, request, &Origin::default())
        .await
        .unwrap()
        .tokens()
        .unwrap()
        .caller;
    for (endpoint, name) in [("group", "Users"), ("role", "User")] {
        let list = realnet_core::resource::Operation::List(realnet_core::resource::ListRequest::default());
        let list = world.call(&boss, endpoint, list).await.unwrap();
        assert_eq!((&list[0]["name"], &list[0]["org"]), (&json!(name), &org["id"]));
    }
}

#[tokio::test]
async fn a_slip_in_a_setting_is_refused() {
    let world = World::new().await;
    let slip = world.merge(&world.admin, "orgs", world.org, json!({"require_factr": false})).await;
    let error = slip.unwrap_err();
    assert_eq!(error.violations()[0].pointer, "/attributes/require_factr");
    assert!(error.violations()[0].detail.contains("is require_factor meant?"), "{error:?}");
    let slip = json_patch(world.org, json!([{"op": "add", "path": "/attributes/setings", "value": {}}]));
    assert_eq!(kind(world.call(&world.admin, "orgs", slip).await), ErrorKind::InvalidInput);
    let new = json!({"name": "Second", "descripton": "x"});
    assert_eq!(kind(world.create(&world.root, "orgs", new).await), ErrorKind::InvalidInput);
    // An attribute of their own that is none.
    world.merge(&world.admin, "orgs", world.org, json!({"colour": "red"})).await.unwrap();
    // What was stored before is in nobody's way.
    world.set_silently(world.org, "require_factr", json!(true)).await;
    world.merge(&world.admin, "orgs", world.org, json!({"colour": "blue"})).await.unwrap();
}

//! Nobody raises themselves; no administrator makes, raises to or alters a superuser. On every path.

use realnet_core::ErrorKind;
use realnet_core::acl::Grant;
use realnet_core::resource::{Operation, WriteOptions};
use realnet_core::{Uuid, acl::OrgRole};
use serde_json::{Value, json};

use crate::world::{PASSWORD, World, batch, filter, id, id_of, json_patch, kind, merge, replace};

/// The ways to set attributes of an account.
fn paths(
    account: Uuid,
    (username, role): (&str, &str),
    attributes: &Value,
) -> Vec<(&'static str, &'static str, Operation)> {
    let body = attributes.clone();
    let operations: Vec<Value> = attributes
        .as_object()
        .unwrap()
        .iter()
        .map(|(key, value)| json!({"op": "add", "path": format!("/attributes/{key}"), "value": value}))
        .collect();
    // A replacement that is complete, so that what refuses it is the rule.
    let mut whole = json!({"username": username, "role": role});
    whole.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
    let in_batch = |operation: &str, body: &Value| {
        batch(&json!({"operation": operation, "resource": "items", "id": account, "body": body}))
    };
    let by_name = || filter("username", username);
    vec![
        ("PATCH accounts", "accounts", merge(account, body.clone())),
        ("PATCH items", "items", merge(account, json!({"attributes": body}))),
        ("PUT accounts", "accounts", replace(account, whole.clone())),
        ("PUT items", "items", replace(account, json!({"attributes": whole.clone()}))),
        ("JSON Patch", "items", json_patch(account, json!(operations))),
        ("batch patch", "", in_batch("patch", &body)),
        ("batch replace", "", in_batch("replace", &whole)),
        ("by filter", "accounts", Operation::PatchMany { parameters: by_name(), patch: body.clone() }),
    ]
}

#[tokio::test]
async fn nobody_raises_themselves() {
    let world = World::new().await;
    for (caller, username, own, role) in [
        (&world.ann, "ann", "user", "admin"),
        (&world.ann, "ann", "user", "superuser"),
        (&world.admin, "admin", "admin", "superuser"),
    ] {
        for (name, endpoint, operation) in paths(id(caller), (username, own), &json!({"role": role})) {
            let refused = kind(world.call(caller, endpoint, operation).await);
            assert_eq!(refused, ErrorKind::Forbidden, "{username} to {role} by {name}");
        }
    }
    let lowered = world.merge(&world.root, "accounts", id(&world.root), json!({"role": "user"})).await;
    assert_eq!(kind(lowered), ErrorKind::Forbidden, "not even down: the last superuser must stay");
    for (name, role) in [("ann", OrgRole::User), ("admin", OrgRole::Admin), ("root", OrgRole::Superuser)] {
        assert_eq!(world.sign_in(name).await.caller.role, Some(role));
    }
}

#[tokio::test]
async fn no_administrator_raises_to_superuser() {
    let world = World::new().await;
    for (name, endpoint, operation) in paths(id(&world.ann), ("ann", "user"), &json!({"role": "superuser"})) {
        assert_eq!(kind(world.call(&world.admin, endpoint, operation).await), ErrorKind::Forbidden, "{name}");
    }
    for (name, endpoint, operation) in
        paths(id(&world.ann), ("ann", "user"), &json!({"role": "admin"})).into_iter().take(1)
    {
        assert!(world.call(&world.admin, endpoint, operation).await.is_ok(), "{name}");
    }
    assert_eq!(world.sign_in("ann").await.caller.role, Some(OrgRole::Admin));
}

#[tokio::test]
async fn nobody_makes_somebody_above_themselves() {
    let world = World::new().await;
    let password = "some password";
    for (caller, role) in [(&world.admin, "superuser"), (&world.ann, "admin"), (&world.ann, "superuser")] {
        let body = json!({"username": "m", "password": password, "role": role});
        let mut typed = body.clone();
        typed["type"] = json!("Account");
        let create =
            |body: &Value| Operation::Create { body: body.clone(), options: WriteOptions::default() };
        let in_batch = json!({"operation": "create", "resource": "items", "body": typed});
        for (name, endpoint, operation) in [
            ("accounts", "accounts", create(&body)),
            ("items", "items", create(&typed)),
            ("among others", "items", create(&json!([{"name": "x"}, typed]))),
            ("batch", "", batch(&in_batch)),
        ] {
            let refused = kind(world.call(caller, endpoint, operation).await);
            assert_eq!(refused, ErrorKind::Forbidden, "{role} by {name}");
        }
    }
    // A type whose constant is the role: the item would not say it, but be it.
    let staff = world.create(&world.admin, "staff", json!({"username": "m", "password": password})).await;
    assert_eq!(kind(staff), ErrorKind::Forbidden);
    let staff = json!({"username": "m", "password": password, "role": "user"});
    let staff = id_of(&world.create(&world.admin, "staff", staff).await.unwrap());
    for (name, endpoint, operation) in paths(staff, ("m", "user"), &json!({"role": null})) {
        // Whether it is refused or not: the account is no superuser after it.
        let _ = world.call(&world.admin, endpoint, operation).await;
        let role = world.try_sign_in("m", password).await.unwrap().caller.role;
        assert!(role <= Some(OrgRole::User), "{name} left {role:?}");
    }
    assert!(world.try_sign_in("m", password).await.is_ok());
}

#[tokio::test]
async fn a_stranger_makes_nobody() {
    let world = World::new().await;
    let stranger = std::sync::Arc::new(realnet_core::acl::Caller::anonymous(world.org));
    let body = json!({"username": "m", "password": "some password"});
    assert_eq!(kind(world.create(&stranger, "accounts", body).await), ErrorKind::Unauthenticated);
}

#[tokio::test]
async fn no_administrator_alters_a_superuser() {
    let world = World::new().await;
    let folder = id_of(&world.create(&world.admin, "folder", json!({"name": "F"})).await.unwrap());
    let second = world.person("second", "superuser").await;
    world.merge(&world.root, "accounts", second, json!({"parent_id": folder})).await.unwrap();
    for (key, value) in [
        ("display_name", json!("x")),
        ("disabled", json!(true)),
        ("role", json!("user")),
        ("email", json!("m@evil.test")),
    ] {
        for (name, endpoint, operation) in paths(second, ("second", "superuser"), &json!({ key: value })) {
            assert_eq!(
                kind(world.call(&world.admin, endpoint, operation).await),
                ErrorKind::Forbidden,
                "{key} by {name}"
            );
        }
    }
    let options = WriteOptions::default();
    let everything = json!([{"subject": {"type": "org", "id": world.org}, "permissions": ["read"]}]);
    let grants = Grant::list_from_json(&everything, "").unwrap();
    for (name, endpoint, operation) in [
        ("delete", "accounts", Operation::Delete { id: second, options: options.clone() }),
        ("delete as item", "items", Operation::Delete { id: second, options: options.clone() }),
        ("delete the folder", "folder", Operation::Delete { id: folder, options: options.clone() }),
        ("delete by filter", "accounts", Operation::DeleteMany { parameters: filter("username", "second") }),
        ("delete in a batch", "", batch(&json!({"operation": "delete", "resource": "items", "id": second}))),
        ("share", "items", Operation::SetGrants { id: second, grants, options }),
        ("move", "items", merge(second, json!({"parent_id": null}))),
        ("publish", "accounts", merge(second, json!({"public": true}))),
    ] {
        assert_eq!(kind(world.call(&world.admin, endpoint, operation).await), ErrorKind::Forbidden, "{name}");
    }
    assert_eq!(world.sign_in("second").await.caller.role, Some(OrgRole::Superuser));
    assert!(world.delete(&world.root, "accounts", second).await.is_ok());
}

#[tokio::test]
async fn memberships_are_for_administrators_whatever_grants_say() {
    let world = World::new().await;
    let role = world.create(&world.admin, "role", json!({"name": "HR"})).await.unwrap();
    let group = world.create(&world.admin, "group", json!({"name": "G"})).await.unwrap();
    let share = json!([{"subject": {"type": "org", "id": world.org}, "permissions": ["read", "write", "delete", "share"]}]);
    let grants = Grant::list_from_json(&share, "").unwrap();
    for item in [&role, &group] {
        let share = Operation::SetGrants {
            id: id_of(item),
            grants: grants.clone(),
            options: WriteOptions::default(),
        };
        world.call(&world.admin, "items", share).await.unwrap();
    }
    let ann = id(&world.ann);
    let link = json!({"type": "AccountRole", "account": ann, "role": role["id"]});
    for (endpoint, body) in [
        ("accountrole", link.clone()),
        ("items", link),
        ("accountgroup", json!({"account": ann, "group": group["id"]})),
        ("role", json!({"name": "admin"})),
        ("group", json!({"name": "admins"})),
    ] {
        assert_eq!(
            kind(world.create(&world.ann, endpoint, body.clone()).await),
            ErrorKind::Forbidden,
            "{body}"
        );
    }
    for item in [&role, &group] {
        let renamed = world.merge(&world.ann, "items", id_of(item), json!({"name": "admins"})).await;
        assert_eq!(kind(renamed), ErrorKind::Forbidden);
        assert_eq!(kind(world.delete(&world.ann, "items", id_of(item)).await), ErrorKind::Forbidden);
    }
}

#[tokio::test]
async fn no_administrator_has_a_role_named_like_the_superusers() {
    let world = World::new().await;
    for name in ["superuser", " SuperUser "] {
        assert_eq!(
            kind(world.create(&world.admin, "role", json!({"name": name})).await),
            ErrorKind::Forbidden
        );
    }
    let role = id_of(&world.create(&world.admin, "role", json!({"name": "x"})).await.unwrap());
    assert_eq!(
        kind(world.merge(&world.admin, "items", role, json!({"name": "superuser"})).await),
        ErrorKind::Forbidden
    );
    assert!(world.create(&world.root, "role", json!({"name": "Superuser"})).await.is_ok());
}

#[tokio::test]
async fn no_type_of_an_org_makes_superusers() {
    let world = World::new().await;
    let puppets = |base: &str| json!({"name": "Puppet", "base": base});
    world.define(&world.admin, puppets("Account")).await.unwrap();
    let body = json!({"username": "puppet", "password": PASSWORD, "role": "user"});
    let puppet = id_of(&world.create(&world.admin, "puppet", body).await.unwrap());
    // However the item came by the role: its type is written by those who must not give it.
    world.define(&world.root, puppets("Item")).await.unwrap();
    let admin = world.sign_in("admin").await.caller;
    world.merge(&admin, "puppet", puppet, json!({"role": "superuser"})).await.unwrap();
    world.define(&world.root, puppets("Account")).await.unwrap();
    let caller = world.sign_in("puppet").await.caller;
    assert_eq!(caller.role, Some(OrgRole::Admin));
}

#[tokio::test]
async fn no_administrator_takes_the_rules_off_accounts() {
    let world = World::new().await;
    let other_module =
        |base: &str| json!({"name": "Puppet", "base": base, "attributes": {"module": "items"}});
    for base in ["Account", "Org", "Group", "Role", "AccountRole", "Staff"] {
        let error = world.define(&world.admin, other_module(base)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{base}");
        assert_eq!(error.violations()[0].pointer, "/types/Puppet/attributes/module", "{error}");
    }
    world.define(&world.admin, json!({"name": "Puppet", "base": "Account"})).await.unwrap();
    // While it has no accounts it may become whatever its administrator likes.
    for base in ["Item", "Group", "Account"] {
        world.define(&world.admin, json!({"name": "Puppet", "base": base})).await.unwrap();
    }
    let body = json!({"username": "puppet", "password": PASSWORD, "role": "user"});
    let puppet = id_of(&world.create(&world.admin, "puppet", body).await.unwrap());
    for base in ["Item", "Folder", "Group"] {
        let moved = world.define(&world.admin, json!({"name": "Puppet", "base": base})).await;
        assert_eq!(kind(moved), ErrorKind::Conflict, "{base}");
    }
    let admin = world.sign_in("admin").await.caller;
    let raised = world.merge(&admin, "puppet", puppet, json!({"role": "superuser"})).await;
    assert_eq!(kind(raised), ErrorKind::Forbidden);
    // Nor do items that grew up without rules become accounts.
    world.define(&world.admin, json!({"name": "Memo", "base": "Item"})).await.unwrap();
    world.create(&admin, "memo", json!({"username": "memo", "role": "superuser"})).await.unwrap();
    let moved = world.define(&world.admin, json!({"name": "Memo", "base": "Account"})).await;
    assert_eq!(kind(moved), ErrorKind::Conflict);
}

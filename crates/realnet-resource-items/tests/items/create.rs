//! Who creates what, where, for whom.

use std::sync::Arc;

use realnet_core::acl::{Caller, Permission, Permissions, Scope, ScopeRule};
use realnet_core::resource::{Operation, Reply, WriteOptions};
use realnet_core::{ErrorKind, Uuid};
use serde_json::json;

use crate::world::{World, json_of, kind, refusal};

#[tokio::test]
async fn the_type_may_be_a_derived_one_only() {
    let world = World::new().await;
    let item = world.create(&world.ann, "items", json!({"type": "customer"})).await.unwrap();
    assert_eq!((&*item.type_name, item.attributes.get("tier")), ("Customer", Some(&json!("free"))));
    for (endpoint, name) in [("customer", "Note"), ("goldcustomer", "Customer"), ("items", "Nothing")] {
        let refused = refusal(world.create(&world.ann, endpoint, json!({"type": name})).await);
        assert_eq!(refused, (ErrorKind::InvalidInput, vec!["/type".to_owned()]), "{endpoint} {name}");
    }
    let refused = refusal(world.create(&world.ann, "shape", json!({})).await);
    assert_eq!(refused, (ErrorKind::InvalidInput, vec!["/type".to_owned()]));
    assert!(world.create(&world.ann, "shape", json!({"type": "Circle"})).await.is_ok());
}

#[tokio::test]
async fn an_instance_brings_its_constants_instead_of_defaults() {
    let world = World::new().await;
    let item = world.create(&world.ann, "customer", json!({"instance": "VIP"})).await.unwrap();
    assert_eq!(item.attributes.get("tier"), None);
    assert_eq!(world.get(&world.ann, "customer", item.id).await.unwrap()["attributes"]["tier"], "pro");
}

#[tokio::test]
async fn ownership_is_the_callers_unless_an_administrator_says_otherwise() {
    let world = World::new().await;
    let ann = world.ann.account.unwrap();
    assert_eq!(world.create(&world.ann, "note", json!({"owner": ann})).await.unwrap().owner, Some(ann));
    assert_eq!(world.create(&world.admin, "note", json!({"owner": ann})).await.unwrap().owner, Some(ann));
    let note = world.create(&world.ann, "note", json!({})).await.unwrap();
    let foreign = world.foreigner.account.unwrap();
    let unknown = "019a0000-0000-7000-8000-000000000000";
    for (caller, owner) in [
        (&world.bob, json!(ann)),
        (&world.bob, json!(unknown)),
        (&world.admin, json!(unknown)),
        (&world.admin, json!(foreign)),
        (&world.admin, json!(note.id)),
        (&world.admin, json!("ann")),
    ] {
        let refused = refusal(world.create(caller, "note", json!({"owner": owner})).await);
        assert_eq!(refused, (ErrorKind::InvalidInput, vec!["/owner".to_owned()]), "{owner}");
    }
}

#[tokio::test]
async fn the_org_is_the_callers_unless_a_superuser_says_otherwise() {
    let world = World::new().await;
    let elsewhere = world.foreigner.org;
    assert!(world.create(&world.ann, "note", json!({"org": world.org})).await.is_ok());
    assert_eq!(world.create(&world.system, "note", json!({"org": elsewhere})).await.unwrap().org, elsewhere);
    for caller in [&world.ann, &world.admin] {
        let refused = refusal(world.create(caller, "note", json!({"org": elsewhere})).await);
        assert_eq!(refused, (ErrorKind::InvalidInput, vec!["/org".to_owned()]));
    }
}

#[tokio::test]
async fn rights_are_needed() {
    let world = World::new().await;
    assert_eq!(kind(world.create(&world.stranger, "note", json!({})).await), ErrorKind::Unauthenticated);
    assert_eq!(kind(world.create(&world.ann, "account", json!({})).await), ErrorKind::Forbidden);
    let refused = world.create(&world.ann, "items", json!({"type": "Account"})).await;
    assert_eq!(kind(refused), ErrorKind::Forbidden);
}

#[tokio::test]
async fn fields_have_rules_of_their_own() {
    let world = World::new().await;
    assert_eq!(
        kind(world.create(&world.ann, "customer", json!({"tier": "gold"})).await),
        ErrorKind::InvalidInput
    );
    assert_eq!(
        kind(world.create(&world.ann, "customer", json!({"code": "x"})).await),
        ErrorKind::InvalidInput
    );
    assert_eq!(kind(world.create(&world.ann, "customer", json!({"salary": 1})).await), ErrorKind::Forbidden);
    let hr = World::with_role(&world.ann, "hr");
    assert!(world.create(&hr, "customer", json!({"salary": 1})).await.is_ok());
    let body = json!({"email": "a@acme.test"});
    assert!(world.create(&world.ann, "customer", body.clone()).await.is_ok());
    assert_eq!(kind(world.create(&world.ann, "goldcustomer", body).await), ErrorKind::Conflict);
}

#[tokio::test]
async fn many_are_created_together_or_not_at_all() {
    let world = World::new().await;
    let create = |body| Operation::Create { body, options: WriteOptions::default() };
    let body = json!([{"name": "1"}, {"name": "2"}]);
    let reply = world.call(&world.ann, "note", create(body)).await.unwrap();
    assert!(matches!(&reply, Reply::Created { single: false, replayed: false, .. }));
    assert_eq!(json_of(&reply).as_array().unwrap().len(), 2);
    let email = json!({"type": "Customer", "email": "same@acme.test"});
    let error = world.call(&world.ann, "items", create(json!([{}, email, email]))).await.unwrap_err();
    assert_eq!((error.kind(), error.operation_index()), (ErrorKind::Conflict, Some(2)));
    let error = world.call(&world.ann, "customer", create(json!([{}, {"tier": 1}]))).await.unwrap_err();
    assert_eq!((error.kind(), error.operation_index()), (ErrorKind::InvalidInput, Some(1)));
    assert_eq!(world.list(&world.admin, "customer", &[]).await.unwrap(), json!([]));
}

#[tokio::test]
async fn all_that_is_wrong_is_said_at_once() {
    let world = World::new().await;
    let wrong = json!({"instance": "Nobody", "visibility": "loud", "owner": 7, "email": "none", "code": "x"});
    let everything = ["/owner", "/instance", "/visibility", "/attributes/code", "/attributes/email"];
    let sorted = |mut pointers: Vec<String>| {
        pointers.sort();
        pointers
    };
    let expected = sorted(everything.map(str::to_owned).to_vec());
    let (kind, pointers) = refusal(world.create(&world.ann, "customer", wrong.clone()).await);
    assert_eq!((kind, sorted(pointers)), (ErrorKind::InvalidInput, expected.clone()));
    let customer = world.create(&world.ann, "customer", json!({})).await.unwrap();
    let (kind, pointers) = refusal(world.merge(&world.ann, "customer", customer.id, wrong).await);
    assert_eq!((kind, sorted(pointers)), (ErrorKind::InvalidInput, expected));
}

#[tokio::test]
async fn who_may_not_share_makes_nothing_public() {
    let world = World::new().await;
    let note = world.dispatcher.services().registry.current().system("Note").unwrap().id();
    let by_key = |permissions: &[Permission]| {
        let rule = ScopeRule { of: Some(note), permissions: Permissions::of(permissions) };
        let scope = Some(Arc::new(Scope::new(vec![rule])));
        Arc::new(Caller { key: Some(Uuid::from_u128(7)), scope, ..(*world.ann).clone() })
    };
    let create = |body| Operation::Create { body, options: WriteOptions::default() };
    let open = json!({"name": "open", "public": true});
    for (permissions, may) in [
        (&[Permission::Create, Permission::Read][..], false),
        (&[Permission::Create, Permission::Read, Permission::Write], false),
        (&[Permission::Create, Permission::Share], false),
        (&[Permission::Create, Permission::Read, Permission::Share], true),
    ] {
        let key = by_key(permissions);
        for body in [open.clone(), json!([open]), json!([{"name": "closed"}, open])] {
            let made = world.call(&key, "note", create(body)).await;
            assert_eq!(
                made.map(drop).map_err(|error| error.kind()),
                if may { Ok(()) } else { Err(ErrorKind::Forbidden) },
                "{permissions:?}"
            );
        }
        assert!(world.create(&key, "note", json!({"name": "closed"})).await.is_ok(), "as before");
    }
    let seen = world.list(&world.stranger, "note", &[("select", "name")]).await.unwrap();
    assert_eq!(seen, json!([{"name": "open"}, {"name": "open"}, {"name": "open"}]));
}

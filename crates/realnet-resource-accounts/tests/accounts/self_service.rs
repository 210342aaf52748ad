//! What an account may do with itself.

use realnet_core::ErrorKind;
use realnet_core::acl::Grant;
use realnet_core::resource::{Operation, WriteOptions};
use serde_json::json;

use crate::world::{World, id, json_patch, kind, merge, replace};

#[tokio::test]
async fn it_reads_and_changes_what_does_no_harm() {
    let world = World::new().await;
    let ann = id(&world.ann);
    let shown = world.get(&world.ann, "accounts", ann).await.unwrap();
    assert_eq!(shown["attributes"]["username"], "ann");
    assert_eq!(kind(world.get(&world.bob, "accounts", ann).await), ErrorKind::NotFound);
    for body in
        [json!({"display_name": "Ann"}), json!({"name": "Ann"}), json!({"attributes": {"locale": "de-CH"}})]
    {
        assert!(world.merge(&world.ann, "accounts", ann, body.clone()).await.is_ok(), "{body}");
    }
    let document = world.get(&world.ann, "accounts", ann).await.unwrap();
    let again = Operation::Replace { id: ann, body: document.clone(), options: WriteOptions::default() };
    assert_eq!(world.call(&world.ann, "accounts", again).await.unwrap(), document);
    let tokens = world.sign_in("ann").await;
    assert!(world.token_works(&tokens.token).await, "none of this ends a session");
}

#[tokio::test]
async fn it_does_not_change_what_others_rely_on() {
    let world = World::new().await;
    let ann = id(&world.ann);
    let folder = world.create(&world.ann, "folder", json!({})).await.unwrap();
    for body in [
        json!({"username": "root2"}),
        json!({"disabled": true}),
        json!({"email_verified": true}),
        json!({"role": "visitor"}),
        json!({"public": true}),
        json!({"visibility": "hidden"}),
        json!({"parent_id": folder["id"]}),
    ] {
        assert_eq!(
            kind(world.merge(&world.ann, "accounts", ann, body.clone()).await),
            ErrorKind::Forbidden,
            "{body}"
        );
    }
    for owner in [json!(id(&world.bob)), json!(null)] {
        for caller in [&world.ann, &world.admin, &world.root] {
            let refused = world.merge(caller, "items", ann, json!({"owner": owner})).await;
            assert_eq!(kind(refused), ErrorKind::InvalidInput, "{owner}");
        }
    }
    for caller in [&world.ann, &world.root] {
        assert_eq!(kind(world.delete(caller, "accounts", id(caller)).await), ErrorKind::Forbidden);
    }
}

#[tokio::test]
async fn it_shows_itself_but_gives_itself_to_nobody() {
    let world = World::new().await;
    let ann = id(&world.ann);
    let share = |permissions: &[&str]| {
        let grants =
            json!([{"subject": {"type": "account", "id": id(&world.bob)}, "permissions": permissions}]);
        let grants = Grant::list_from_json(&grants, "").unwrap();
        Operation::SetGrants { id: ann, grants, options: WriteOptions::default() }
    };
    assert_eq!(
        kind(world.call(&world.ann, "accounts", share(&["read", "write"])).await),
        ErrorKind::Forbidden
    );
    assert_eq!(kind(world.call(&world.ann, "items", share(&["share"])).await), ErrorKind::Forbidden);
    assert!(world.call(&world.ann, "accounts", share(&["read"])).await.is_ok());
    assert!(world.get(&world.bob, "accounts", ann).await.is_ok());
    assert!(world.call(&world.admin, "accounts", share(&["read", "write"])).await.is_ok());
    for body in [json!({"email": "bob@evil.test"}), json!({"username": "x"}), json!({"role": "visitor"})] {
        assert_eq!(
            kind(world.merge(&world.bob, "items", ann, body.clone()).await),
            ErrorKind::Forbidden,
            "{body}"
        );
    }
    assert!(world.merge(&world.bob, "items", ann, json!({"display_name": "Ann"})).await.is_ok());
}

#[tokio::test]
async fn a_new_address_is_to_be_proved_again() {
    let world = World::new().await;
    let ann = id(&world.ann);
    world.merge(&world.admin, "accounts", ann, json!({"email_verified": true})).await.unwrap();
    let shown = world.merge(&world.ann, "accounts", ann, json!({"display_name": "A"})).await.unwrap();
    assert_eq!(shown["attributes"]["email_verified"], true);
    let gone = world.merge(&world.ann, "accounts", ann, json!({"email": null})).await.unwrap();
    assert_eq!(gone["attributes"]["email_verified"], false);
    world
        .merge(&world.admin, "accounts", ann, json!({"email": "A@First.test", "email_verified": true}))
        .await
        .unwrap();
    let same = world.merge(&world.ann, "accounts", ann, json!({"email": "a@FIRST.test"})).await.unwrap();
    assert_eq!(
        (&same["attributes"]["email"], &same["attributes"]["email_verified"]),
        (&json!("a@first.test"), &json!(true))
    );
    let shown = world.merge(&world.admin, "accounts", ann, json!({"email": "new@first.test"})).await.unwrap();
    assert_eq!(shown["attributes"]["email_verified"], false);
    let both = json!({"email": "sure@first.test", "email_verified": true});
    let shown = world.merge(&world.admin, "accounts", ann, both).await.unwrap();
    assert_eq!(shown["attributes"]["email_verified"], true);
}

#[tokio::test]
async fn a_new_address_is_proved_before_it_is_its_own() {
    let world = World::new().await;
    let ann = id(&world.ann);
    // The same whether somebody has it: an answer that differed would tell who has an account.
    let mut answers = Vec::new();
    for email in ["new@first.test", "bob@first.test"] {
        world.clock.advance(60 * 60 * 1_000_000);
        let caller = world.sign_in("ann").await.caller;
        let document = world.get(&caller, "accounts", ann).await.unwrap();
        let mut put = document.clone();
        put["attributes"]["email"] = json!(email);
        for operation in [
            merge(ann, json!({"email": email})),
            merge(ann, json!({"attributes": {"email": email}})),
            replace(ann, put),
        ] {
            let shown = world.call(&caller, "items", operation).await.unwrap();
            assert_eq!(shown["attributes"]["email"], "ann@first.test");
            assert_eq!(shown["version"], document["version"]);
        }
        let patch = json!([{"op": "replace", "path": "/attributes/email", "value": email}]);
        let refused = world.call(&caller, "items", json_patch(ann, patch)).await.unwrap_err();
        answers.push((refused.kind(), refused.message().to_owned()));
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    let caller = world.sign_in("ann").await.caller;
    for bad in [json!("no address"), json!(7)] {
        let refused = world.merge(&caller, "accounts", ann, json!({"email": bad})).await.unwrap_err();
        assert_eq!(refused.violations()[0].pointer, "/attributes/email");
    }
}

//! Setting passwords.

use std::sync::Arc;

use realnet_core::ErrorKind;
use realnet_core::acl::{Caller, Origin};
use realnet_core::change::{IdempotencyKey, Version};
use realnet_core::clock::Timestamp;
use realnet_core::provider::RecordKind;
use realnet_core::resource::{Authenticator, ListRequest, Operation, PatchDocument, SignIn, WriteOptions};
use realnet_resource_accounts::{Accounts, AccountsConfig};
use serde_json::{Value, json};

use crate::world::{PASSWORD, World, batch, config, filter, id, id_of, json_patch, kind, merge, replace};

const NEXT: &str = "battery staple";

#[tokio::test]
async fn a_password_is_never_part_of_the_item() {
    let world = World::new().await;
    let body = json!({"username": "eve", "password": "eve's secret", "role": "visitor", "org": "First"});
    let created = world.create(&world.admin, "accounts", body).await.unwrap();
    let eve = id_of(&created);
    assert_eq!((&created["name"], &created["owner"]), (&json!("eve"), &created["id"]));
    assert_eq!(created["attributes"]["role"], "visitor");
    let history = Operation::History { id: eve, parameters: ListRequest::default() };
    let shown = [created, world.call(&world.root, "accounts", history).await.unwrap()];
    for shown in shown.map(|value| value.to_string()) {
        assert!(
            !shown.contains("password") && !shown.contains("secret") && !shown.contains("$2b$"),
            "{shown}"
        );
    }
    assert!(world.try_sign_in("eve", "eve's secret").await.is_ok());
}

#[tokio::test]
async fn it_is_changed_on_every_path_by_who_may() {
    let world = World::new().await;
    let ann = id(&world.ann);
    let document = world.get(&world.ann, "accounts", ann).await.unwrap();
    let both = |password: &str, current: &str| json!({"password": password, "current_password": current});
    let put = |mut document: Value, password: &str, current: &str| {
        document["attributes"]["password"] = json!(password);
        document["attributes"]["current_password"] = json!(current);
        document
    };
    let patch = json!({"operation": "patch", "resource": "items", "id": ann, "body": both("number five", "number four")});
    for (caller, endpoint, operation, password) in [
        (&world.ann, "accounts", merge(ann, both("number one", PASSWORD)), "number one"),
        (
            &world.ann,
            "items",
            merge(ann, json!({"attributes": both("number two", "number one")})),
            "number two",
        ),
        (&world.ann, "accounts", replace(ann, put(document, "number three", "number two")), "number three"),
        (&world.admin, "accounts", merge(ann, json!({"password": "number four"})), "number four"),
        (&world.ann, "", batch(&patch), "number five"),
    ] {
        world.call(caller, endpoint, operation).await.unwrap();
        assert!(world.try_sign_in("ann", password).await.is_ok(), "{password}");
        assert!(world.try_sign_in("ann", PASSWORD).await.is_err(), "{password}");
    }
    let shown = world.get(&world.ann, "accounts", ann).await.unwrap();
    assert_eq!(shown["version"], 1, "a password is no change of the item");
}

#[tokio::test]
async fn one_changes_ones_own_with_the_present_one_or_right_after_signing_in() {
    let world = World::new().await;
    let (ann, root) = (id(&world.ann), id(&world.root));
    let change = async |caller: &Arc<Caller>, body: Value| {
        world.merge(caller, "accounts", id(caller), body).await.map_err(|error| {
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
            error.violations()[0].pointer.clone()
        })
    };
    let refused = Err("/current_password".to_owned());
    world.clock.advance(600 * 1_000_000);
    // A token that was stolen is not enough, whosever it is, and for no way in.
    for caller in [&world.ann, &world.root] {
        for body in [
            json!({"password": NEXT}),
            json!({"password": NEXT, "current_password": "wrong password"}),
            json!({"password": NEXT, "current_password": ""}),
            json!({"email": "mallory@evil.test"}),
            json!({"email": null}),
            json!({"email": "mallory@evil.test", "current_password": "wrong password"}),
        ] {
            assert_eq!(change(caller, body.clone()).await, refused, "{body}");
        }
    }
    let removed = json!([{"op": "remove", "path": "/attributes/email"}]);
    let removed = world.call(&world.ann, "items", json_patch(ann, removed)).await;
    assert_eq!(removed.unwrap_err().violations()[0].pointer, "/current_password");
    let mut document = world.get(&world.ann, "accounts", ann).await.unwrap();
    document["attributes"].as_object_mut().unwrap().remove("email");
    let removed = world.call(&world.ann, "accounts", replace(ann, document)).await;
    assert_eq!(removed.unwrap_err().violations()[0].pointer, "/current_password");
    assert!(
        world.try_sign_in("ann", PASSWORD).await.is_ok() && world.try_sign_in("root", PASSWORD).await.is_ok()
    );
    assert!(
        change(&world.ann, json!({"display_name": "Ann"})).await.is_ok(),
        "all else is changed as before"
    );
    let shown = world.get(&world.ann, "accounts", ann).await.unwrap();
    assert_eq!(shown["attributes"]["email"], "ann@first.test");
    // Who has it is asked for nothing more.
    let both = json!({"password": NEXT, "current_password": PASSWORD});
    let shown = change(&world.ann, both).await.unwrap().to_string();
    assert!(!shown.contains("password"), "{shown}");
    assert!(world.try_sign_in("ann", NEXT).await.is_ok());
    let fresh = world.sign_in("root").await.caller;
    assert!(change(&fresh, json!({"password": NEXT})).await.is_ok());
    assert!(world.events(Some(root)).await.contains(&"password_changed"));
}

#[tokio::test]
async fn guesses_at_the_present_one_count_as_those_at_signing_in() {
    let world = World::new().await;
    let guess = async |password: &str| {
        let body = json!({"password": NEXT, "current_password": password});
        kind(world.merge(&world.ann, "accounts", id(&world.ann), body).await)
    };
    for _ in 0..10 {
        assert_eq!(guess("wrong password").await, ErrorKind::InvalidInput);
    }
    assert_eq!(guess(PASSWORD).await, ErrorKind::RateLimited);
    let told = world.events(Some(id(&world.ann))).await;
    assert_eq!(told.iter().filter(|kind| **kind == "sign_in_failed").count(), 10);
    assert!(world.details("sign_in_failed").await.contains(&json!({"for": "current_password"})));
}

#[tokio::test]
async fn ones_own_is_set_so_often_even_where_nothing_comes_of_it() {
    let world = World::new().await;
    let (ann, fresh) = (id(&world.ann), world.sign_in("ann").await.caller);
    let set = async || {
        let options = WriteOptions { expected_version: Some(Version::from(999)), ..WriteOptions::default() };
        let patch = PatchDocument::Merge(json!({"password": NEXT}));
        kind(world.call(&fresh, "accounts", Operation::Patch { id: ann, patch, options }).await)
    };
    for _ in 0..10 {
        assert_eq!(set().await, ErrorKind::PreconditionFailed);
    }
    assert_eq!(set().await, ErrorKind::RateLimited, "each was hashed");
    let by_admin = merge(ann, json!({"password": NEXT}));
    assert!(world.call(&world.admin, "accounts", by_admin).await.is_ok(), "a way out");
    assert!(world.try_sign_in("ann", NEXT).await.is_ok(), "signing in is another matter");
}

#[tokio::test]
async fn others_are_refused() {
    let world = World::new().await;
    let (ann, root) = (id(&world.ann), id(&world.root));
    let share =
        json!([{"subject": {"type": "account", "id": id(&world.bob)}, "permissions": ["read", "write"]}]);
    let grants = realnet_core::acl::Grant::list_from_json(&share, "").unwrap();
    let share = Operation::SetGrants { id: ann, grants, options: WriteOptions::default() };
    world.call(&world.admin, "accounts", share).await.unwrap();
    let set = json!({"password": NEXT});
    let with_name = json!({"password": NEXT, "display_name": "x"});
    for (name, caller, endpoint, operation) in [
        ("who may write it", &world.bob, "accounts", merge(ann, set.clone())),
        ("along with more", &world.bob, "items", merge(ann, with_name)),
        ("an admin, of a superuser", &world.admin, "accounts", merge(root, set.clone())),
        (
            "an admin, in a batch",
            &world.admin,
            "",
            batch(&json!({"operation": "patch", "resource": "items", "id": root, "body": set})),
        ),
        (
            "an admin, by PUT",
            &world.admin,
            "items",
            replace(root, json!({"username": "root", "role": "superuser", "password": NEXT})),
        ),
    ] {
        assert_eq!(kind(world.call(caller, endpoint, operation).await), ErrorKind::Forbidden, "{name}");
    }
    for name in ["ann", "root"] {
        assert!(world.try_sign_in(name, PASSWORD).await.is_ok(), "{name}");
    }
}

#[tokio::test]
async fn bad_ones_are_refused() {
    let world = World::new().await;
    let ann = id(&world.ann);
    for bad in [json!("short"), json!(null), json!(12_345_678), json!("x".repeat(2000)), json!({"hash": "x"})]
    {
        let refused = world.merge(&world.ann, "accounts", ann, json!({"password": bad})).await.unwrap_err();
        assert_eq!(
            (refused.kind(), refused.violations()[0].pointer.as_str()),
            (ErrorKind::InvalidInput, "/password")
        );
        assert!(!format!("{refused:?}").contains("short"));
    }
    for path in ["/password", "/attributes/password"] {
        let operations = json!([{"op": "add", "path": path, "value": NEXT}]);
        let refused = world.call(&world.ann, "items", json_patch(ann, operations)).await;
        assert_eq!(kind(refused), ErrorKind::InvalidInput, "{path}");
    }
    let operations =
        json!([{"op": "add", "path": "/attributes", "value": {"username": "ann", "password": NEXT}}]);
    assert_eq!(
        kind(world.call(&world.admin, "items", json_patch(ann, operations)).await),
        ErrorKind::InvalidInput
    );
    let many =
        Operation::PatchMany { parameters: filter("username", "ann"), patch: json!({"password": NEXT}) };
    assert_eq!(kind(world.call(&world.admin, "accounts", many).await), ErrorKind::InvalidInput);
    assert!(world.try_sign_in("ann", PASSWORD).await.is_ok());
}

#[tokio::test]
async fn a_new_one_ends_all_sessions() {
    let world = World::new().await;
    let tokens = world.sign_in("ann").await;
    assert!(world.token_works(&tokens.token).await);
    world.merge(&world.ann, "accounts", id(&world.ann), json!({"password": NEXT})).await.unwrap();
    assert!(!world.token_works(&tokens.token).await);
    assert!(
        realnet_core::resource::Authenticator::refresh(
            &*world.accounts,
            &tokens.refresh_token,
            &Origin::default()
        )
        .await
        .is_err()
    );
}

#[tokio::test]
async fn what_is_kept_of_a_request_tells_nothing_about_it() {
    let world = World::new().await;
    let create = |username: &str, password: &str| {
        let key = IdempotencyKey {
            account: world.admin.account,
            scope: "POST /api/accounts".to_owned(),
            key: "k".to_owned(),
            not_before: Timestamp::from_micros(0),
        };
        let options =
            WriteOptions { expected_version: None, idempotency: Some((key, vec![password.len() as u8])) };
        Operation::Create { body: json!({"username": username, "password": password}), options }
    };
    let first = world.call(&world.admin, "accounts", create("eve", "eve's secret")).await.unwrap();
    let again = world.call(&world.admin, "accounts", create("eve", "another secret")).await.unwrap();
    assert_eq!(first, again, "the password is no part of the hash of the body");
    assert!(world.try_sign_in("eve", "eve's secret").await.is_ok());
    let other = world.call(&world.admin, "accounts", create("mallory", "eve's secret")).await;
    assert_eq!(kind(other), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn common_ones_and_the_own_name_are_refused_on_every_path() {
    let world = World::new().await;
    let ann = id(&world.ann);
    world.merge(&world.admin, "accounts", ann, json!({"username": "annabelle"})).await.unwrap();
    for weak in ["password1", "Annabelle99", "ann@first.test"] {
        for operation in [
            merge(ann, json!({"password": weak})),
            replace(ann, json!({"username": "annabelle", "password": weak})),
        ] {
            let refused = world.call(&world.ann, "accounts", operation).await.unwrap_err();
            assert_eq!(refused.violations()[0].pointer, "/password", "{weak}: {refused}");
        }
    }
    let body = json!({"username": "christopher", "password": "christopher1"});
    assert_eq!(kind(world.create(&world.admin, "accounts", body).await), ErrorKind::InvalidInput);
    assert!(world.try_sign_in("annabelle", PASSWORD).await.is_ok());
}

#[tokio::test]
async fn nobody_learns_the_names_of_another_org_from_refusals() {
    let world = World::new().await;
    let ann = id(&world.ann);
    world.merge(&world.admin, "accounts", ann, json!({"username": "annabelle"})).await.unwrap();
    world.create(&world.root, "orgs", json!({"name": "Second"})).await.unwrap();
    let body = json!({"username": "boss", "password": PASSWORD, "role": "admin", "org": "Second"});
    world.create(&world.root, "accounts", body).await.unwrap();
    let request =
        SignIn { username: "boss".into(), password: PASSWORD.into(), org: Some("Second".into()), code: None };
    let boss = world.accounts.sign_in(request, &Origin::default()).await.unwrap().tokens().unwrap().caller;
    for password in ["annabelle99", "isabelle99x"] {
        let refused = world.merge(&boss, "accounts", ann, json!({"password": password})).await;
        assert_eq!(kind(refused), ErrorKind::NotFound, "{password}");
    }
}

#[tokio::test]
async fn a_change_is_told_when_it_came_true() {
    let world = World::new().await;
    let ann = id(&world.ann);
    let both = json!({"password": NEXT, "role": "admin"});
    assert!(world.merge(&world.ann, "accounts", ann, both).await.is_err());
    assert!(!world.events(Some(ann)).await.contains(&"password_changed"));
    world.merge(&world.ann, "accounts", ann, json!({"password": NEXT})).await.unwrap();
    assert_eq!(world.events(Some(ann)).await, ["sign_in", "password_changed"]);
}

#[tokio::test]
async fn a_cheap_hash_is_replaced_by_a_costly_one_and_sessions_go_on() {
    let world = World::new().await;
    let ann = id(&world.ann);
    let hash = async || world.services.credentials.credential(ann).await.unwrap().unwrap();
    let before = hash().await;
    assert!(before.password_hash.starts_with("$2b$04$"));
    let session = world.sign_in("ann").await;
    let costly = AccountsConfig { bcrypt_cost: 5, ..config() };
    let costly = Accounts::new(&world.services, costly).await.unwrap();
    let sign_in = async |password: &str| {
        let request = SignIn { username: "ann".into(), password: password.into(), org: None, code: None };
        Authenticator::sign_in(&*costly, request, &Origin::default()).await
    };
    assert!(sign_in("wrong password").await.is_err());
    assert_eq!(hash().await, before, "only who knows the password has it hashed anew");
    assert!(sign_in(PASSWORD).await.is_ok());
    let after = hash().await;
    assert!(after.password_hash.starts_with("$2b$05$"));
    assert_eq!(after.epoch, before.epoch);
    assert!(world.token_works(&session.token).await);
    assert!(sign_in(PASSWORD).await.is_ok());
    assert_eq!(hash().await, after);
    // A lower cost does not weaken what is there.
    assert!(world.try_sign_in("ann", PASSWORD).await.is_ok());
    assert_eq!(hash().await, after);
}

#[tokio::test]
async fn what_hashes_have_cost_is_known_after_a_restart() {
    let world = World::new().await;
    let cost = async || {
        let now = world.services.clock.now();
        let record = world.services.credentials.record(RecordKind::Known, "hash-cost", now).await.unwrap();
        String::from_utf8(record.unwrap().value).unwrap()
    };
    assert_eq!(cost().await, "4");
    let costly = Accounts::new(&world.services, AccountsConfig { bcrypt_cost: 6, ..config() }).await.unwrap();
    assert_eq!(cost().await, "6");
    drop(costly);
    Accounts::new(&world.services, config()).await.unwrap();
    assert_eq!(cost().await, "6", "a lower cost does not let those of before stand out");
    // A hash that costs more than any setting was, such as one that was brought along.
    let (ann, hash) = (id(&world.ann), "$2b$07$".to_owned() + &".".repeat(53));
    let stored = world.services.credentials.credential(ann).await.unwrap().unwrap().password_hash;
    assert!(world.services.credentials.rehash(ann, &stored, &hash).await.unwrap());
    assert!(world.try_sign_in("ann", PASSWORD).await.is_err());
    assert_eq!(cost().await, "7");
}

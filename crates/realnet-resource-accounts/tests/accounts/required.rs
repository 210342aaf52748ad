//! Orgs that require a second factor: what is left to who has signed in without one.

use std::sync::Arc;

use realnet_core::acl::Caller;
use realnet_core::provider::{AuthRecord, Expected, RecordKind};
use realnet_core::resource::{Authenticator as _, SignIn, Tokens, Verb};
use realnet_core::{ErrorKind, Uuid};
use serde_json::{Value, json};

use crate::factor::{Phone, step};
use crate::passkeys;
use crate::world::{PASSWORD, World, from, id, json_patch, kind, merge, replace};

/// An org that requires it, and ann as she is then in the session that she has had.
async fn world() -> (World, Arc<Caller>) {
    let world = World::new().await;
    require(&world).await;
    let ann = world.sign_in("ann").await.caller;
    (world, ann)
}

/// The administrator turns his own on first, and then requires it.
pub(crate) async fn require(world: &World) {
    let phone = turn_on(world, &world.admin).await;
    let admin = sign_in_by(world, "admin", phone.code(world, 0)).await;
    world.merge(&admin, "orgs", world.org, json!({"require_factor": true})).await.unwrap();
}

async fn turn_on(world: &World, caller: &Arc<Caller>) -> Phone {
    let begun = world.auth(caller, Verb::Post, "totp", Value::Null).await.unwrap();
    let phone = Phone::new(&begun["secret"]);
    world.auth(caller, Verb::Post, "totp/confirm", json!({"code": phone.code(world, 0)})).await.unwrap();
    step(world);
    phone
}

async fn sign_in_by(world: &World, username: &str, code: String) -> Arc<Caller> {
    tokens_by(world, username, code).await.caller
}

async fn tokens_by(world: &World, username: &str, code: String) -> Tokens {
    let request =
        SignIn { username: username.to_owned(), password: PASSWORD.to_owned(), org: None, code: Some(code) };
    world.accounts.sign_in(request, &from("192.0.2.9")).await.unwrap().tokens().unwrap()
}

async fn turn_off(world: &World, caller: &Arc<Caller>, phone: &Phone) {
    step(world);
    let body = json!({"current_password": PASSWORD, "code": phone.code(world, 0)});
    world.auth(caller, Verb::Delete, "totp", body).await.unwrap();
}

#[tokio::test]
async fn a_factor_that_was_turned_off_stands_for_nothing() {
    let (world, ann) = world().await;
    let now = async |token: &str| world.accounts.authenticate(Some(token), None).await.unwrap();
    let phone = turn_on(&world, &ann).await;
    let tokens = tokens_by(&world, "ann", phone.code(&world, 0)).await;
    assert!(!now(&tokens.token).await.awaits_factor());
    turn_off(&world, &tokens.caller, &phone).await;
    let ann = now(&tokens.token).await;
    assert!(ann.awaits_factor(), "at once");
    assert_eq!(kind(world.get(&ann, "accounts", id(&ann)).await), ErrorKind::Forbidden);
    let refreshed = world.accounts.refresh(&tokens.refresh_token, &from("192.0.2.9")).await.unwrap();
    assert!(now(&refreshed.token).await.awaits_factor(), "however long the session goes on");
    // It was opened by a factor: with another one it is what it was.
    turn_on(&world, &ann).await;
    world.clock.advance(1_000_000);
    assert!(!now(&refreshed.token).await.awaits_factor());
}

#[tokio::test]
async fn no_key_says_whether_it_is_required() {
    let world = World::new().await;
    let all = ["create", "read", "write", "delete", "execute", "message", "share"];
    let whole = json!({"name": "k", "scopes": [{"resource": "*", "permissions": all}]});
    let key = world.auth(&world.admin, Verb::Post, "keys", whole).await.unwrap();
    let key = world.accounts.authenticate(key["key"].as_str(), None).await.unwrap();
    let set = async |on: bool| world.merge(&key, "orgs", world.org, json!({"require_factor": on})).await;
    assert_eq!(kind(set(true).await), ErrorKind::Forbidden);
    require(&world).await;
    assert_eq!(kind(set(false).await), ErrorKind::Forbidden);
    world.merge(&key, "orgs", world.org, json!({"description": "x", "require_factor": true})).await.unwrap();
    assert!(world.sign_in("ann").await.caller.awaits_factor());
}

#[tokio::test]
async fn a_factor_of_before_it_was_required_does_not_count_either() {
    let world = World::new().await;
    let now = async |token: &str| world.accounts.authenticate(Some(token), None).await.unwrap();
    let phone = turn_on(&world, &world.bob).await;
    let tokens = tokens_by(&world, "bob", phone.code(&world, 0)).await;
    turn_off(&world, &tokens.caller, &phone).await;
    assert!(!now(&tokens.token).await.awaits_factor(), "nothing is required yet");
    // Nor does whoever has had one require it of others.
    let phone = turn_on(&world, &world.admin).await;
    let admin = tokens_by(&world, "admin", phone.code(&world, 0)).await;
    turn_off(&world, &admin.caller, &phone).await;
    let on = json!({"require_factor": true});
    let refused = world.merge(&now(&admin.token).await, "orgs", world.org, on).await.unwrap_err();
    assert_eq!(refused.violations()[0].pointer, "/require_factor");
    require(&world).await;
    world.clock.advance(1_000_000);
    assert!(now(&tokens.token).await.awaits_factor());
}

#[tokio::test]
async fn who_has_none_may_only_turn_one_on() {
    let (world, ann) = world().await;
    assert!(ann.awaits_factor());
    for (endpoint, own) in [("accounts", id(&ann)), ("orgs", world.org), ("items", Uuid::nil())] {
        assert_eq!(kind(world.get(&ann, endpoint, own).await), ErrorKind::Forbidden, "{endpoint}");
    }
    let error = world.create(&ann, "items", json!({"name": "x"})).await.unwrap_err();
    assert!(error.kind() == ErrorKind::Forbidden && error.message().contains("second factor"), "{error:?}");
    let password = json!({"password": "another long one", "current_password": PASSWORD});
    assert_eq!(kind(world.merge(&ann, "accounts", id(&ann), password).await), ErrorKind::Forbidden);
    for (verb, path) in [
        (Verb::Get, "audit"),
        (Verb::Get, "keys"),
        (Verb::Post, "keys"),
        (Verb::Get, "links"),
        (Verb::Post, "unlock"),
        (Verb::Post, "verify-email"),
        (Verb::Get, "explain"),
    ] {
        assert_eq!(kind(world.auth(&ann, verb, path, json!({})).await), ErrorKind::Forbidden, "{path}");
    }
    assert_eq!(
        world.auth(&ann, Verb::Get, "sessions", Value::Null).await.unwrap().as_array().unwrap().len(),
        2
    );
    let phone = turn_on(&world, &ann).await;
    // The session is as it was opened; the next one is opened by the factor.
    world.clock.advance(1_000_000);
    assert_eq!(kind(world.get(&ann, "accounts", id(&ann)).await), ErrorKind::Forbidden);
    let ann = sign_in_by(&world, "ann", phone.code(&world, 0)).await;
    assert!(!ann.awaits_factor());
    assert!(world.get(&ann, "accounts", id(&ann)).await.is_ok());
}

#[tokio::test]
async fn it_holds_for_those_who_had_signed_in_and_for_administrators() {
    let world = World::new().await;
    let [ann, root] = [world.sign_in("ann").await, world.sign_in("root").await];
    let now = async |token: &str| world.accounts.authenticate(Some(token), None).await.unwrap();
    assert!(!now(&ann.token).await.awaits_factor());
    require(&world).await;
    world.clock.advance(1_000_000);
    for token in [&ann.token, &root.token] {
        assert!(now(token).await.awaits_factor());
    }
    let root = now(&root.token).await;
    assert!(!root.is_admin() && !root.is_superuser());
    let off = json!({"require_factor": false});
    assert_eq!(kind(world.merge(&root, "orgs", world.org, off.clone()).await), ErrorKind::Forbidden);
    let path = format!("sessions?account={}", id(&world.bob));
    assert_eq!(
        kind(world.auth(&root, Verb::Get, &path, Value::Null).await),
        ErrorKind::NotFound,
        "nobody else's"
    );
    // Nobody but an administrator sets it, and those of the org only.
    assert!(world.merge(&world.bob, "orgs", world.org, off.clone()).await.is_err());
    let phone = turn_on(&world, &root).await;
    let root = sign_in_by(&world, "root", phone.code(&world, 0)).await;
    world.merge(&root, "orgs", world.org, off).await.unwrap();
    world.clock.advance(1_000_000);
    assert!(!now(&ann.token).await.awaits_factor());
}

#[tokio::test]
async fn other_orgs_require_nothing() {
    let (world, _) = world().await;
    let org = world.create(&world.root, "orgs", json!({"name": "Second"})).await.unwrap();
    let body = json!({"username": "zoe", "password": PASSWORD, "org": org["id"]});
    world.create(&world.root, "accounts", body).await.unwrap();
    let request = SignIn {
        username: "zoe".to_owned(),
        password: PASSWORD.to_owned(),
        org: Some("Second".to_owned()),
        code: None,
    };
    let zoe = world.accounts.sign_in(request, &from("192.0.2.9")).await.unwrap().tokens().unwrap().caller;
    assert!(!zoe.awaits_factor() && world.get(&zoe, "accounts", id(&zoe)).await.is_ok());
}

#[tokio::test]
async fn who_has_none_does_not_require_it_of_others() {
    let world = World::new().await;
    let on = json!({"require_factor": true});
    let patched = json!([{"op": "add", "path": "/attributes/require_factor", "value": true}]);
    let whole = json!([{"op": "add", "path": "/attributes", "value": {"require_factor": true}}]);
    for admin in [&world.admin, &world.root] {
        for write in [
            merge(world.org, on.clone()),
            replace(world.org, json!({"name": "First", "require_factor": true})),
            json_patch(world.org, patched.clone()),
            json_patch(world.org, whole.clone()),
        ] {
            let error = world.call(admin, "orgs", write).await.unwrap_err();
            assert_eq!(error.violations()[0].pointer, "/require_factor");
            assert!(error.violations()[0].detail.contains("realnet factor on"), "{error:?}");
        }
    }
    let phone = turn_on(&world, &world.admin).await;
    // It counts once somebody has signed in by it.
    assert_eq!(kind(world.merge(&world.admin, "orgs", world.org, on.clone()).await), ErrorKind::InvalidInput);
    let off = json!({"require_factor": false, "description": "x"});
    world.merge(&world.admin, "orgs", world.org, off).await.unwrap();
    let admin = sign_in_by(&world, "admin", phone.code(&world, 0)).await;
    world.call(&admin, "orgs", json_patch(world.org, patched)).await.unwrap();
    assert!(
        !world.sign_in("ann").await.caller.is_admin() && world.sign_in("ann").await.caller.awaits_factor()
    );
}

/// Makes records of an account what they were before it was noted whether they are a superuser's.
pub(crate) async fn forget_the_raise(world: &World, account: Uuid, kind: RecordKind) {
    let (records, now) = (&world.services.credentials, world.services.clock.now());
    for record in records.records_of(account, kind, now).await.unwrap() {
        let mut kept: Value = serde_json::from_slice(&record.value).unwrap();
        assert!(kept.as_object_mut().unwrap().remove("as_superuser").is_some(), "{kept}");
        let record = AuthRecord { value: kept.to_string().into_bytes(), ..record };
        assert!(records.put_record(record, Expected::Any, now).await.unwrap());
    }
}

#[tokio::test]
async fn who_was_raised_with_a_passkey_begins_anew() {
    let world = passkeys::world().await;
    let mut of_before = passkeys::add(&world, &world.ann).await;
    world.merge(&world.root, "accounts", id(&world.ann), json!({"role": "superuser"})).await.unwrap();
    require(&world).await;
    assert_eq!(kind(passkeys::sign_in(&world, &mut of_before).await.map(drop)), ErrorKind::Unauthenticated);
    // It opens nothing, so it does not keep its owner from what it takes to come in.
    let ann = world.sign_in("ann").await.caller;
    assert!(ann.awaits_factor());
    let path = format!("passkeys/{}", passkeys::listed(&world, &ann).await[0]["id"].as_str().unwrap());
    world.auth(&ann, Verb::Delete, &path, Value::Null).await.unwrap();
    let mut anew = passkeys::add(&world, &ann).await;
    let raised = passkeys::sign_in(&world, &mut anew).await.unwrap().caller;
    assert!(raised.is_superuser() && !raised.awaits_factor());
    // From here on it is as for everybody: a password alone is no way round it.
    let thief = world.sign_in("ann").await.caller;
    assert_eq!(kind(world.auth(&thief, Verb::Post, "totp", Value::Null).await), ErrorKind::Forbidden);
}

#[tokio::test]
async fn a_superusers_passkey_of_an_earlier_version_goes_on() {
    let world = passkeys::world().await;
    let mut device = passkeys::add(&world, &world.root).await;
    forget_the_raise(&world, id(&world.root), RecordKind::Passkey).await;
    require(&world).await;
    for _ in 0..2 {
        let root = passkeys::sign_in(&world, &mut device).await.unwrap().caller;
        assert!(root.is_superuser() && !root.awaits_factor());
    }
    let thief = world.sign_in("root").await.caller;
    assert_eq!(kind(world.auth(&thief, Verb::Post, "totp", Value::Null).await), ErrorKind::Forbidden);
}

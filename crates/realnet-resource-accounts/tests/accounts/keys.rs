//! Keys for programs: made, narrowed, used, refused, ended.

use std::sync::Arc;

use realnet_core::acl::Caller;
use realnet_core::resource::{Authenticator, ListRequest, Operation, Verb};
use realnet_core::{Error, ErrorKind, Result, Uuid};
use realnet_resource_accounts::{Accounts, AccountsConfig};
use serde_json::{Value, json};

use crate::world::{PASSWORD, World, config, from, id, id_of, kind};

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// Everything of everything.
fn whole() -> Value {
    let all = ["create", "read", "write", "delete", "execute", "message", "share"];
    json!([{"resource": "*", "permissions": all}])
}

impl World {
    async fn try_key(&self, caller: &Arc<Caller>, body: Value) -> Result<Value> {
        self.auth(caller, Verb::Post, "keys", body).await
    }

    /// A key of these scopes: its text and its id.
    async fn key(&self, caller: &Arc<Caller>, scopes: Value) -> (String, Uuid) {
        let made = self.try_key(caller, json!({"name": "CI", "scopes": scopes})).await.unwrap();
        (made["key"].as_str().unwrap().to_owned(), id_of(&made))
    }

    async fn by(&self, key: &str) -> Result<Arc<Caller>> {
        self.by_from(key, "192.0.2.9").await
    }

    async fn by_from(&self, key: &str, address: &str) -> Result<Arc<Caller>> {
        self.accounts.authenticate(Some(key), from(address).address).await
    }
}

fn list() -> Operation {
    Operation::List(ListRequest::default())
}

#[tokio::test]
async fn a_key_is_shown_once_and_acts_as_its_account() {
    let world = World::new().await;
    let made = world.try_key(&world.ann, json!({"name": " CI ", "scopes": whole()})).await.unwrap();
    let key = made["key"].as_str().unwrap();
    assert!(key.starts_with("rnk_"), "{key}");
    let caller = world.by(key).await.unwrap();
    assert_eq!((caller.account, caller.role), (world.ann.account, world.ann.role));
    assert_eq!((caller.key, caller.session, caller.token()), (Some(id_of(&made)), None, Some(id_of(&made))));
    let folder = world.create(&caller, "folder", json!({"name": "by key"})).await.unwrap();
    assert_eq!(folder["owner"], json!(id(&world.ann)));
    // Nothing that is kept or shown later gives it away.
    let list = world.auth(&world.ann, Verb::Get, "keys", Value::Null).await.unwrap();
    let one =
        world.auth(&world.ann, Verb::Get, &format!("keys/{}", id_of(&made)), Value::Null).await.unwrap();
    assert_eq!((list.as_array().unwrap().len(), &list[0]), (1, &one));
    assert_eq!((&one["name"], &one["created_by"]), (&json!("CI"), &json!(id(&world.ann))));
    assert_eq!(one["scopes"], whole());
    assert!(one.get("key").is_none() && one.get("hash").is_none(), "{one}");
    let kind = realnet_core::provider::RecordKind::Key;
    let now = world.services.clock.now();
    let record = world.services.credentials.records_of(id(&world.ann), kind, now).await.unwrap().remove(0);
    let kept = String::from_utf8(record.value).unwrap();
    assert!(!kept.contains(&key[30..60]), "{kept}");
    let told = world.details("key_made").await;
    assert_eq!(told, [json!({"by": id(&world.ann), "key": id_of(&made), "name": "CI"})]);
}

#[tokio::test]
async fn what_is_no_key_is_refused_in_few_words() {
    let world = World::new().await;
    let (key, key_id) = world.key(&world.ann, whole()).await;
    let message = async |text: &str| {
        let error = world.by(text).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{text}");
        error.message().to_owned()
    };
    let not_whole = message(&key[..70]).await;
    assert!(not_whole.contains("not whole"), "{not_whole}");
    // One that was forged with care: another secret of the same id, and an id that is nobody's.
    let forged = |id: Uuid| {
        use base64::Engine as _;
        use sha2::Digest as _;
        let mut bytes = id.into_bytes().to_vec();
        bytes.extend([7; 32]);
        let check = sha2::Sha256::new().chain_update("rnk_").chain_update(&bytes).finalize();
        bytes.extend(&check[..6]);
        format!("rnk_{}", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes))
    };
    let wrong_secret = message(&forged(key_id)).await;
    assert_eq!(wrong_secret, message(&forged(Uuid::from_u128(9))).await);
    assert!(wrong_secret.contains("not valid"), "{wrong_secret}");
    assert_eq!(world.details("key_refused").await, [json!({"key": key_id})]);
    assert!(world.by(&key).await.is_ok());
    let ended = world.auth(&world.ann, Verb::Delete, &format!("keys/{key_id}"), Value::Null).await;
    assert_eq!(ended.unwrap(), Value::Null);
    assert_eq!(message(&key).await, wrong_secret);
    assert_eq!(world.details("key_ended").await.len(), 1);
    // No key is a token of a session, nor the other way round.
    assert!(world.accounts.refresh(&key, &from("192.0.2.1")).await.is_err());
}

#[tokio::test]
async fn a_key_ends_by_itself() {
    let world = World::new().await;
    let expires = world.services.clock.now().plus_seconds(60);
    let body = json!({"name": "short", "scopes": whole(), "expires": expires});
    let made = world.try_key(&world.ann, body).await.unwrap();
    assert_eq!(made["expires"], json!(expires));
    let key = made["key"].as_str().unwrap();
    world.clock.advance(60 * SECOND - 1);
    assert!(world.by(key).await.is_ok());
    // Remembered a moment ago, and over all the same.
    world.clock.advance(1);
    assert_eq!(kind(world.by(key).await), ErrorKind::Unauthenticated);
    assert_eq!(world.auth(&world.ann, Verb::Get, "keys", Value::Null).await.unwrap(), json!([]));
    let past = json!({"name": "late", "scopes": whole(), "expires": expires});
    assert_eq!(kind(world.try_key(&world.ann, past).await), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn a_server_may_say_how_long_keys_last() {
    let world = World::with(AccountsConfig { key_days: Some(30), ..config() }).await;
    let now = world.services.clock.now();
    let ask = async |expires: Value| {
        world.try_key(&world.ann, json!({"name": "k", "scopes": whole(), "expires": expires})).await
    };
    let last = now.plus_seconds(30 * 86_400);
    assert_eq!(ask(Value::Null).await.unwrap()["expires"], json!(last));
    assert_eq!(ask(json!(last)).await.unwrap()["expires"], json!(last));
    assert_eq!(kind(ask(json!(last.plus_seconds(1))).await), ErrorKind::InvalidInput);
    world.clock.advance(31 * DAY);
    assert_eq!(world.auth(&world.ann, Verb::Get, "keys", Value::Null).await.unwrap(), json!([]));
}

#[tokio::test]
async fn a_key_has_never_more_than_its_account_has_now() {
    let world = World::new().await;
    let boss = world.person("boss", "admin").await;
    let (key, _) = world.key(&world.sign_in("boss").await.caller, whole()).await;
    let ann = id(&world.ann);
    assert!(world.by(&key).await.unwrap().is_admin());
    assert!(world.get(&world.by(&key).await.unwrap(), "accounts", ann).await.is_ok());
    world.merge(&world.root, "accounts", boss, json!({"role": "user"})).await.unwrap();
    let caller = world.by(&key).await.unwrap();
    assert!(!caller.is_admin());
    assert_eq!(kind(world.get(&caller, "accounts", ann).await), ErrorKind::NotFound);
    world.merge(&world.root, "accounts", boss, json!({"disabled": true})).await.unwrap();
    assert_eq!(kind(world.by(&key).await), ErrorKind::Unauthenticated);
    world.merge(&world.root, "accounts", boss, json!({"disabled": false})).await.unwrap();
    assert!(world.by(&key).await.is_ok());
    world.delete(&world.root, "accounts", boss).await.unwrap();
    assert_eq!(kind(world.by(&key).await), ErrorKind::Unauthenticated);
}

#[tokio::test]
async fn the_scope_holds_in_every_operation() {
    let world = World::new().await;
    let (boss, outside) = (world.sign_in("root").await.caller, "outside of the key's scope");
    world.create(&boss, "folder", json!({"name": "seen"})).await.unwrap();
    let group = id_of(&world.create(&boss, "group", json!({"name": "unseen"})).await.unwrap());
    let scopes = json!([{"resource": "folder", "permissions": ["read", "create"]}]);
    let key = world.by(&world.key(&boss, scopes).await.0).await.unwrap();
    let said = |result: Result<Value>| {
        let error: Error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Forbidden, "{error}");
        assert!(error.message().contains(outside), "{error}");
    };
    let names = |items: &Value| -> Vec<String> {
        items.as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&world.call(&key, "folder", list()).await.unwrap()), ["seen"]);
    assert_eq!(names(&world.call(&key, "items", list()).await.unwrap()), ["seen"]);
    said(world.call(&key, "group", list()).await);
    said(world.get(&key, "group", group).await);
    assert_eq!(kind(world.get(&key, "items", group).await), ErrorKind::NotFound);
    said(world.merge(&key, "folder", group, json!({"name": "x"})).await);
    said(world.delete(&key, "folder", group).await);
    said(world.create(&key, "group", json!({"name": "x"})).await);
    said(world.create(&key, "items", json!({"name": "x", "type": "Group"})).await);
    let many = Operation::DeleteMany { parameters: crate::world::filter("name", "eq.seen") };
    said(world.call(&key, "folder", many).await);
    said(
        world
            .call(
                &key,
                "",
                crate::world::batch(&json!({"operation": "delete", "resource": "items", "id": group})),
            )
            .await,
    );
    said(world.call(&key, "", Operation::Drift).await);
    let types = realnet_core::resource::TypeOperation::List(realnet_core::resource::TypeList::default());
    said(world.call(&key, "", Operation::Type(types)).await);
    // A superuser's powers are gone with it: accounts, the audit, locks, other keys.
    said(world.create(&key, "accounts", json!({"username": "eve", "password": PASSWORD})).await);
    said(world.auth(&key, Verb::Get, "audit", Value::Null).await);
    said(world.auth(&key, Verb::Post, "unlock", json!({"account": id(&world.ann)})).await);
    said(world.auth(&key, Verb::Get, "keys", Value::Null).await);
    let explained = world.auth(&key, Verb::Get, &format!("explain?item={group}"), Value::Null).await;
    assert_eq!(kind(explained), ErrorKind::NotFound);
    let seen = id_of(&world.call(&key, "folder", list()).await.unwrap()[0]);
    let explained = world.auth(&key, Verb::Get, &format!("explain?item={seen}"), Value::Null).await.unwrap();
    assert_eq!(explained["permissions"]["read"]["allowed"], true);
    assert_eq!(explained["permissions"]["write"], json!({"allowed": false, "reason": "key_scope"}));
}

#[tokio::test]
async fn a_narrow_key_raises_nobody() {
    let world = World::new().await;
    let scopes = json!([{"resource": "accounts", "permissions": ["create", "read", "write", "share"]}]);
    let key = world.by(&world.key(&world.root, scopes).await.0).await.unwrap();
    for role in ["admin", "superuser"] {
        let body = json!({"username": "eve", "role": role});
        assert_eq!(kind(world.create(&key, "accounts", body).await), ErrorKind::Forbidden, "{role}");
        let raise = json!({"role": role});
        assert_eq!(kind(world.merge(&key, "accounts", id(&world.ann), raise).await), ErrorKind::Forbidden);
    }
    let password = json!({"password": "another long one"});
    assert_eq!(kind(world.merge(&key, "accounts", id(&world.ann), password).await), ErrorKind::Forbidden);
    world.create(&key, "accounts", json!({"username": "eve"})).await.unwrap();
}

#[tokio::test]
async fn no_key_makes_an_account_that_opens_without_it() {
    let world = World::new().await;
    let narrow = json!([{"resource": "accounts", "permissions": ["create", "read"]}]);
    for (caller, scopes) in [(&world.admin, narrow), (&world.admin, whole()), (&world.root, whole())] {
        let key = world.by(&world.key(caller, scopes).await.0).await.unwrap();
        let body = json!({"username": "eve", "password": PASSWORD});
        let error = world.create(&key, "accounts", body.clone()).await.unwrap_err();
        assert_eq!((error.kind(), error.message().contains("no passwords")), (ErrorKind::Forbidden, true));
        let many = Operation::Create {
            body: json!([body]),
            options: realnet_core::resource::WriteOptions::default(),
        };
        assert_eq!(kind(world.call(&key, "accounts", many).await), ErrorKind::Forbidden);
        assert!(world.try_sign_in("eve", PASSWORD).await.is_err());
    }
    // A person does, and gives the password to one that a key has made.
    let key = world.by(&world.key(&world.admin, whole()).await.0).await.unwrap();
    let eve = id_of(&world.create(&key, "accounts", json!({"username": "eve"})).await.unwrap());
    world.merge(&world.admin, "accounts", eve, json!({"password": PASSWORD})).await.unwrap();
    assert!(world.try_sign_in("eve", PASSWORD).await.is_ok());
}

#[tokio::test]
async fn no_key_does_what_takes_a_person() {
    let world = World::new().await;
    let (text, own) = world.key(&world.admin, whole()).await;
    let (_, other) = world.key(&world.admin, whole()).await;
    let key = world.by(&text).await.unwrap();
    let (id, session) = (id(&world.admin), format!("sessions/{}", world.admin.session.unwrap()));
    for (verb, path, body) in [
        (Verb::Post, "keys", json!({"name": "more", "scopes": whole()})),
        (Verb::Get, "sessions", Value::Null),
        (Verb::Delete, "sessions", Value::Null),
        (Verb::Delete, session.as_str(), Value::Null),
        (Verb::Post, "verify-email", Value::Null),
        (Verb::Post, "whatever-comes", Value::Null),
    ] {
        let refused = world.auth(&key, verb, path, body).await;
        assert_eq!(kind(refused), ErrorKind::Forbidden, "{path}");
    }
    assert_eq!(kind(world.accounts.sign_out(&key, &from("192.0.2.1")).await), ErrorKind::Forbidden);
    for body in [
        json!({"password": "another long one"}),
        json!({"password": "another long one", "current_password": PASSWORD}),
        json!({"email": "thief@first.test", "current_password": PASSWORD}),
    ] {
        assert_eq!(kind(world.merge(&key, "accounts", id, body).await), ErrorKind::Forbidden);
    }
    // With all permissions it is an administrator's otherwise.
    assert_eq!(world.auth(&key, Verb::Get, "keys", Value::Null).await.unwrap().as_array().unwrap().len(), 2);
    assert!(world.auth(&key, Verb::Get, "audit", Value::Null).await.is_ok());
    world.auth(&key, Verb::Delete, &format!("keys/{other}"), Value::Null).await.unwrap();
    // A narrow one sees and ends itself, and nothing else.
    let (text, narrow) =
        world.key(&world.admin, json!([{"resource": "folder", "permissions": ["read"]}])).await;
    let key = world.by(&text).await.unwrap();
    assert!(world.auth(&key, Verb::Get, &format!("keys/{narrow}"), Value::Null).await.is_ok());
    let refused = world.auth(&key, Verb::Delete, &format!("keys/{own}"), Value::Null).await;
    assert_eq!(kind(refused), ErrorKind::Forbidden);
    world.auth(&key, Verb::Delete, &format!("keys/{narrow}"), Value::Null).await.unwrap();
    assert_eq!(kind(world.by(&text).await), ErrorKind::Unauthenticated);
}

#[tokio::test]
async fn keys_of_others_are_for_administrators_of_their_org() {
    let world = World::new().await;
    let ann = id(&world.ann);
    let (_, key) = world.key(&world.ann, whole()).await;
    world.create(&world.root, "orgs", json!({"name": "Second"})).await.unwrap();
    let body = json!({"username": "boss", "password": PASSWORD, "role": "admin", "org": "Second"});
    world.create(&world.root, "accounts", body).await.unwrap();
    let request = realnet_core::resource::SignIn {
        username: "boss".into(),
        password: PASSWORD.into(),
        org: Some("Second".into()),
        code: None,
    };
    let boss = world.accounts.sign_in(request, &from("192.0.2.1")).await.unwrap().tokens().unwrap().caller;
    let (list, one) = (format!("keys?account={ann}"), format!("keys/{key}"));
    for caller in [&world.bob, &boss] {
        for (verb, path) in [(Verb::Get, &list), (Verb::Get, &one), (Verb::Delete, &one)] {
            assert_eq!(
                kind(world.auth(caller, verb, path, Value::Null).await),
                ErrorKind::NotFound,
                "{path}"
            );
        }
        let for_ann = json!({"name": "k", "scopes": whole(), "account": ann});
        assert_eq!(kind(world.try_key(caller, for_ann).await), ErrorKind::NotFound);
    }
    let stranger = world.stranger();
    assert_eq!(kind(world.auth(&stranger, Verb::Get, "keys", Value::Null).await), ErrorKind::Unauthenticated);
    assert_eq!(kind(world.auth(&stranger, Verb::Get, &one, Value::Null).await), ErrorKind::Unauthenticated);
    let nobody = world.try_key(&stranger, json!({"name": "k", "scopes": whole()})).await;
    assert_eq!(kind(nobody), ErrorKind::Unauthenticated);
    // A service key, made by an administrator; not for a superuser.
    let service = json!({"name": "service", "scopes": whole(), "account": ann});
    let made = world.try_key(&world.admin, service).await.unwrap();
    assert_eq!((&made["account"], &made["created_by"]), (&json!(ann), &json!(id(&world.admin))));
    assert_eq!(world.by(made["key"].as_str().unwrap()).await.unwrap().account, Some(ann));
    let raised = json!({"name": "k", "scopes": whole(), "account": id(&world.root)});
    assert_eq!(kind(world.try_key(&world.admin, raised).await), ErrorKind::Forbidden);
    assert_eq!(
        world.auth(&world.admin, Verb::Get, &list, Value::Null).await.unwrap().as_array().unwrap().len(),
        2
    );
    world.auth(&world.admin, Verb::Delete, &one, Value::Null).await.unwrap();
    assert_eq!(kind(world.auth(&world.admin, Verb::Get, &one, Value::Null).await), ErrorKind::NotFound);
}

#[tokio::test]
async fn nothing_else_is_taken_from_a_body() {
    let world = World::new().await;
    for (key, value) in [
        ("key", json!("rnk_mine")),
        ("id", json!(Uuid::from_u128(5))),
        ("hash", json!(vec![0; 32])),
        ("org", json!(Uuid::from_u128(5))),
        ("created_by", json!(id(&world.root))),
        ("role", json!("superuser")),
        ("used_at", json!("2020-01-01T00:00:00Z")),
    ] {
        let mut body = json!({"name": "k", "scopes": whole()});
        body[key] = value;
        let error = world.try_key(&world.ann, body).await.unwrap_err();
        assert_eq!(error.violations()[0].pointer, format!("/{key}"));
    }
    let scopes =
        json!([{"resource": "*", "permissions": ["read"]}, {"resource": "nothing", "permissions": ["read"]}]);
    let error = world.try_key(&world.ann, json!({"name": "k", "scopes": scopes})).await.unwrap_err();
    assert_eq!(error.violations()[0].pointer, "/scopes/1/resource");
}

#[tokio::test]
async fn an_account_has_a_hundred_keys_at_most_however_they_are_asked_for() {
    let world = Arc::new(World::new().await);
    let asked = (0..110).map(|_| {
        let world = Arc::clone(&world);
        tokio::spawn(async move { world.try_key(&world.ann, json!({"name": "k", "scopes": whole()})).await })
    });
    let mut made = 0;
    for task in asked.collect::<Vec<_>>() {
        match task.await.unwrap() {
            Ok(_) => made += 1,
            Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict, "{error}"),
        }
    }
    assert_eq!(made, 100);
    assert!(world.try_key(&world.bob, json!({"name": "k", "scopes": whole()})).await.is_ok());
}

#[tokio::test]
async fn its_use_is_noted_once_a_minute_and_beside_the_request() {
    let world = World::new().await;
    let (key, key_id) = world.key(&world.ann, whole()).await;
    let used = async || {
        let path = format!("keys/{key_id}");
        let shown = world.auth(&world.ann, Verb::Get, &path, Value::Null).await.unwrap();
        (shown["used_at"].clone(), shown["address"].clone())
    };
    assert_eq!(used().await, (Value::Null, Value::Null));
    let first = json!(world.services.clock.now());
    world.by_from(&key, "192.0.2.9").await.unwrap();
    world.until("noted", async || used().await == (first.clone(), json!("192.0.2.9"))).await;
    world.clock.advance(59 * SECOND);
    world.by_from(&key, "192.0.2.10").await.unwrap();
    world.clock.advance(SECOND);
    let later = json!(world.services.clock.now());
    world.by_from(&key, "192.0.2.11").await.unwrap();
    world.until("noted again", async || used().await == (later.clone(), json!("192.0.2.11"))).await;
}

#[tokio::test]
async fn failures_are_counted_by_address_and_stop_no_good_key() {
    let world = World::new().await;
    let (good, _) = world.key(&world.ann, whole()).await;
    let (ended, key_id) = world.key(&world.ann, whole()).await;
    world.auth(&world.ann, Verb::Delete, &format!("keys/{key_id}"), Value::Null).await.unwrap();
    for _ in 0..50 {
        assert_eq!(kind(world.by_from(&ended, "192.0.2.50").await), ErrorKind::Unauthenticated);
    }
    let error = world.by_from(&ended, "192.0.2.50").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert!(error.retry_after().is_some());
    assert_eq!(kind(world.by_from(&ended, "192.0.2.51").await), ErrorKind::Unauthenticated);
    assert!(world.by_from(&good, "192.0.2.50").await.is_ok());
    assert!(world.sign_in_from("192.0.2.50", "ann", PASSWORD).await.is_ok());
    let told = world.events(None).await;
    assert_eq!(told.iter().filter(|kind| **kind == "rate_limited").count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_key_that_is_ended_while_it_is_used_is_ended() {
    let world = Arc::new(World::new().await);
    let (key, key_id) = world.key(&world.ann, whole()).await;
    let users: Vec<_> = (0..8)
        .map(|_| {
            let (world, key) = (Arc::clone(&world), key.clone());
            tokio::spawn(async move {
                // Each use may note itself, which must not bring the key back.
                let mut used = 0;
                while world.by(&key).await.is_ok() {
                    world.clock.advance(61 * SECOND);
                    used += 1;
                    tokio::task::yield_now().await;
                }
                used
            })
        })
        .collect();
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    world.auth(&world.ann, Verb::Delete, &format!("keys/{key_id}"), Value::Null).await.unwrap();
    for user in users {
        assert!(user.await.unwrap() > 0);
    }
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    assert!(world.by(&key).await.is_err());
    assert_eq!(world.auth(&world.ann, Verb::Get, "keys", Value::Null).await.unwrap(), json!([]));
}

#[tokio::test]
async fn another_server_hears_of_it_within_half_a_second() {
    let world = World::new().await;
    let replica = Accounts::new(&world.services, config()).await.unwrap();
    let (key, key_id) = world.key(&world.ann, whole()).await;
    assert!(replica.authenticate(Some(&key), None).await.is_ok());
    world.auth(&world.ann, Verb::Delete, &format!("keys/{key_id}"), Value::Null).await.unwrap();
    world.clock.advance(SECOND / 2);
    assert_eq!(kind(replica.authenticate(Some(&key), None).await), ErrorKind::Unauthenticated);
}

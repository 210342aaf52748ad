//! Looking at sessions and ending them.

use realnet_core::resource::Verb;
use realnet_core::{ErrorKind, Uuid};
use serde_json::{Value, json};

use crate::world::{PASSWORD, World, id, kind};

fn ids(list: &Value) -> Vec<Uuid> {
    list.as_array().unwrap().iter().map(crate::world::id_of).collect()
}

#[tokio::test]
async fn one_sees_ones_own_with_where_they_came_from() {
    let world = World::new().await;
    world.clock.advance(1_000_000);
    let tokens = world.sign_in_from("2001:db8::7", "ann", PASSWORD).await.unwrap();
    let list = world.auth(&tokens.caller, Verb::Get, "sessions", Value::Null).await.unwrap();
    assert_eq!(ids(&list), [tokens.caller.session.unwrap(), world.ann.session.unwrap()]);
    assert_eq!((&list[0]["current"], &list[1]["current"]), (&json!(true), &json!(false)));
    assert_eq!((&list[0]["address"], &list[0]["agent"]), (&json!("2001:db8::7"), &json!("tests")));
    assert_eq!((&list[0]["method"], &list[0]["factor"]), (&json!("password"), &json!(false)));
    assert!(!list.to_string().contains("hash"), "{list}");
    let stranger = world.auth(&world.stranger(), Verb::Get, "sessions", Value::Null).await;
    assert_eq!(kind(stranger), ErrorKind::Unauthenticated);
    let unknown = world.auth(&world.ann, Verb::Get, "sessions?org=x", Value::Null).await;
    assert_eq!(kind(unknown), ErrorKind::Malformed);
}

#[tokio::test]
async fn one_ends_one_or_all_others_at_once() {
    let world = World::new().await;
    let [one, two, three] =
        [world.sign_in("ann").await, world.sign_in("ann").await, world.sign_in("ann").await];
    for tokens in [&one, &two, &three] {
        assert!(world.token_works(&tokens.token).await);
    }
    let path = format!("sessions/{}", two.caller.session.unwrap());
    assert_eq!(world.auth(&one.caller, Verb::Delete, &path, Value::Null).await.unwrap(), Value::Null);
    assert!(!world.token_works(&two.token).await);
    assert!(world.token_works(&three.token).await);
    assert_eq!(kind(world.auth(&one.caller, Verb::Delete, &path, Value::Null).await), ErrorKind::NotFound);
    let ended = world.auth(&one.caller, Verb::Delete, "sessions", Value::Null).await.unwrap();
    assert_eq!(ended, json!({"ended": 2}), "the third, and the one that the world began with");
    assert!(world.token_works(&one.token).await);
    assert!(!world.token_works(&three.token).await);
    let told = world.events(Some(id(&world.ann))).await;
    assert_eq!(told.iter().filter(|kind| **kind == "session_ended").count(), 2);
}

#[tokio::test]
async fn those_of_others_are_for_administrators_of_their_org() {
    let world = World::new().await;
    let tokens = world.sign_in("ann").await;
    let ann = id(&world.ann);
    let (list, one) =
        (format!("sessions?account={ann}"), format!("sessions/{}", tokens.caller.session.unwrap()));
    for (verb, path) in [(Verb::Get, &list), (Verb::Delete, &list), (Verb::Delete, &one)] {
        let refused = world.auth(&world.bob, verb, path, Value::Null).await;
        assert_eq!(kind(refused), ErrorKind::NotFound, "{path}");
    }
    let there = world.auth(&world.bob, Verb::Delete, &one, Value::Null).await.unwrap_err();
    let missing = one.replace(&tokens.caller.session.unwrap().to_string(), &Uuid::nil().to_string());
    let missing = world.auth(&world.bob, Verb::Delete, &missing, Value::Null).await.unwrap_err();
    let words = |error: realnet_core::Error| error.message().split(' ').skip(2).collect::<Vec<_>>().join(" ");
    assert_eq!(words(there), words(missing));

    // An administrator of another org sees nothing of it.
    world.create(&world.root, "orgs", json!({"name": "Second"})).await.unwrap();
    let body = json!({"username": "boss", "password": PASSWORD, "role": "admin", "org": "Second"});
    world.create(&world.root, "accounts", body).await.unwrap();
    let request = realnet_core::resource::SignIn {
        username: "boss".into(),
        password: PASSWORD.into(),
        org: Some("Second".into()),
        code: None,
    };
    let origin = realnet_core::acl::Origin::default();
    let boss = realnet_core::resource::Authenticator::sign_in(&*world.accounts, request, &origin)
        .await
        .unwrap()
        .tokens()
        .unwrap()
        .caller;
    for (verb, path) in [(Verb::Get, &list), (Verb::Delete, &list), (Verb::Delete, &one)] {
        assert_eq!(kind(world.auth(&boss, verb, path, Value::Null).await), ErrorKind::NotFound, "{path}");
    }
    assert!(world.token_works(&tokens.token).await);

    let seen = world.auth(&world.admin, Verb::Get, &list, Value::Null).await.unwrap();
    assert_eq!(ids(&seen).len(), 2);
    world.auth(&world.admin, Verb::Delete, &one, Value::Null).await.unwrap();
    assert!(!world.token_works(&tokens.token).await);
    let tokens = world.sign_in("ann").await;
    let ended = world.auth(&world.admin, Verb::Delete, &list, Value::Null).await.unwrap();
    assert_eq!(ended, json!({"ended": 2}));
    assert!(!world.token_works(&tokens.token).await);
}

#[tokio::test]
async fn no_administrator_sees_or_ends_those_of_a_superuser() {
    let world = World::new().await;
    let root = world.sign_in("root").await;
    let one = format!("sessions/{}", root.caller.session.unwrap());
    for path in [one, format!("sessions?account={}", id(&world.root))] {
        let refused = world.auth(&world.admin, Verb::Delete, &path, Value::Null).await;
        assert_eq!(kind(refused), ErrorKind::Forbidden, "{path}");
    }
    let list = format!("sessions?account={}", id(&world.root));
    assert_eq!(kind(world.auth(&world.admin, Verb::Get, &list, Value::Null).await), ErrorKind::Forbidden);
    assert!(world.token_works(&root.token).await);
}

#[tokio::test]
async fn there_is_nothing_else() {
    let world = World::new().await;
    for (verb, path) in [
        (Verb::Get, "nothing"),
        (Verb::Post, "sessions"),
        (Verb::Delete, "sessions/x"),
        (Verb::Get, "password-reset"),
        (Verb::Post, "password-reset/confirm/more"),
    ] {
        let call = world.auth(&world.root, verb, path, Value::Null).await;
        assert_eq!(kind(call), ErrorKind::NotFound, "{path}");
    }
}

//! Tokens and sessions over time.

use std::sync::Arc;

use biscuit::jwa::SignatureAlgorithm;
use biscuit::jws::{RegisteredHeader, Secret};
use biscuit::{ClaimsSet, JWT};
use realnet_core::acl::Origin;
use realnet_core::provider::{EventFilter, RecordKind};
use realnet_core::resource::{Authenticator, Verb};
use realnet_core::{ErrorKind, Uuid};
use realnet_resource_accounts::Accounts;
use serde_json::{Value, json};

use crate::between::{Between, Step};
use crate::clients::secret_call;
use crate::world::{KEY, World, config, id, id_of, kind};

const SECOND: i64 = 1_000_000;

/// The claims of a token, changed, and signed with the right key: what a leak of the key's use would allow.
pub fn resigned(token: &str, change: impl FnOnce(&mut Value)) -> String {
    let secret = Secret::Bytes(KEY.to_vec());
    let decoded = JWT::<Value, biscuit::Empty>::new_encoded(token)
        .into_decoded(&secret, SignatureAlgorithm::HS256)
        .unwrap();
    let ClaimsSet { registered, private } = decoded.payload().unwrap().clone();
    let mut claims = serde_json::to_value(ClaimsSet { registered, private }).unwrap();
    change(&mut claims);
    let set: ClaimsSet<Value> = serde_json::from_value(claims).unwrap();
    let token = JWT::new_decoded(RegisteredHeader::default().into(), set).into_encoded(&secret).unwrap();
    token.encoded().unwrap().encode()
}

#[tokio::test]
async fn a_token_works_until_it_expires() {
    let world = World::new().await;
    let tokens = world.sign_in("ann").await;
    let caller = world.accounts.authenticate(Some(&tokens.token), None).await.unwrap();
    assert_eq!((caller.account, &*caller.username, caller.org), (Some(id(&world.ann)), "ann", world.org));
    world.clock.advance(15 * 60 * SECOND - SECOND);
    assert!(world.token_works(&tokens.token).await);
    world.clock.advance(SECOND);
    assert!(!world.token_works(&tokens.token).await);
    assert_eq!(tokens.expires, realnet_core::clock::Clock::now(&*world.clock));
}

#[tokio::test]
async fn claims_must_fit_the_session() {
    let world = World::new().await;
    let (ann, root) = (world.sign_in("ann").await, world.sign_in("root").await);
    assert!(world.token_works(&resigned(&ann.token, |_| {})).await, "the forge works");
    let session = |token: &str| {
        let mut sid = Value::Null;
        resigned(token, |claims| sid = claims["sid"].clone());
        sid
    };
    let roots = session(&root.token);
    let changes: [(&str, &str, Value); 7] = [
        ("another account", "sub", json!(root.account)),
        ("another org", "org", json!(Uuid::from_u128(1))),
        ("another session", "sid", roots),
        ("no session", "sid", json!(Uuid::from_u128(2))),
        ("another epoch", "epoch", json!(99)),
        ("another audience", "aud", json!("somebody else")),
        ("another issuer", "iss", json!("somebody else")),
    ];
    // Once with what was remembered of the session, once without.
    for wait in [0, SECOND] {
        world.clock.advance(wait);
        for (name, claim, value) in &changes {
            let forged = resigned(&ann.token, |claims| claims[*claim] = value.clone());
            assert!(!world.token_works(&forged).await, "{name}");
        }
        assert!(world.token_works(&ann.token).await);
    }
    for bad in ["", "x", "a.b.c", "Bearer x", "..", &"x".repeat(10_000)] {
        assert!(!world.token_works(bad).await, "{bad}");
    }
    assert!(!world.token_works(&ann.refresh_token).await);
    // What does not fit a session is not taken for a copy of its refresh token either, which would end it.
    for (name, claim, value) in &changes {
        let forged = resigned(&ann.refresh_token, |claims| claims[*claim] = value.clone());
        if *claim != "org" {
            let refused = world.accounts.refresh(&forged, &Origin::default()).await.err();
            assert_eq!(refused.map(|error| error.kind()), Some(ErrorKind::Unauthenticated), "{name}");
        }
    }
    for refresh_token in [&ann.refresh_token, &root.refresh_token] {
        assert!(world.accounts.refresh(refresh_token, &Origin::default()).await.is_ok());
    }
}

#[tokio::test]
async fn whoever_may_not_sign_in_has_no_session_though_it_was_not_ended() {
    let world = World::new().await;
    let tokens = world.sign_in("ann").await;
    assert!(world.token_works(&tokens.token).await);
    world.set_silently(id(&world.ann), "disabled", json!(true)).await;
    world.clock.advance(SECOND / 2);
    assert!(!world.token_works(&tokens.token).await);
    let refreshed = world.accounts.refresh(&tokens.refresh_token, &Origin::default()).await;
    assert_eq!(refreshed.err().map(|error| error.kind()), Some(ErrorKind::Unauthenticated));
}

#[tokio::test]
async fn signing_out_ends_the_session_at_once() {
    let world = World::new().await;
    let (one, two) = (world.sign_in("ann").await, world.sign_in("ann").await);
    world.accounts.sign_out(&one.caller, &Origin::default()).await.unwrap();
    assert!(!world.token_works(&one.token).await);
    assert!(world.accounts.refresh(&one.refresh_token, &Origin::default()).await.is_err());
    assert!(world.token_works(&two.token).await, "the other one stays");
    world.accounts.sign_out(&one.caller, &Origin::default()).await.unwrap();
}

#[tokio::test]
async fn refresh_tokens_rotate_and_live_on() {
    let world = World::new().await;
    let mut tokens = world.sign_in("ann").await;
    for _ in 0..3 {
        // Longer than the first refresh token lives, all in all.
        world.clock.advance(29 * 24 * 3600 * SECOND);
        let next = world.accounts.refresh(&tokens.refresh_token, &Origin::default()).await.unwrap();
        assert_ne!(next.refresh_token, tokens.refresh_token);
        assert!(world.token_works(&next.token).await);
        tokens = next;
    }
    world.clock.advance(31 * 24 * 3600 * SECOND);
    assert!(world.accounts.refresh(&tokens.refresh_token, &Origin::default()).await.is_err());
}

#[tokio::test]
async fn using_a_refresh_token_twice_ends_the_session() {
    for generations in 1..=3 {
        let world = World::new().await;
        let stolen = world.sign_in("ann").await.refresh_token;
        let mut current = world.accounts.refresh(&stolen, &Origin::default()).await.unwrap();
        for _ in 1..generations {
            current = world.accounts.refresh(&current.refresh_token, &Origin::default()).await.unwrap();
        }
        if generations == 1 {
            world.clock.advance(30 * SECOND);
        }
        let error = world.accounts.refresh(&stolen, &Origin::default()).await.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated);
        assert!(!world.token_works(&current.token).await, "{generations}");
        assert!(
            world.accounts.refresh(&current.refresh_token, &Origin::default()).await.is_err(),
            "{generations}"
        );
    }
}

#[tokio::test]
async fn two_tabs_that_refresh_at_once_end_nothing() {
    let world = World::new().await;
    let first = world.sign_in("ann").await.refresh_token;
    let origin = Origin::default();
    let (one, two) =
        tokio::join!(world.accounts.refresh(&first, &origin), world.accounts.refresh(&first, &origin));
    let (given, refused) = if one.is_ok() { (one, two) } else { (two, one) };
    let given = given.ok().unwrap();
    assert_eq!(refused.err().unwrap().kind(), ErrorKind::Conflict);
    world.clock.advance(30 * SECOND - 1);
    assert_eq!(world.accounts.refresh(&first, &origin).await.err().unwrap().kind(), ErrorKind::Conflict);
    assert!(world.token_works(&given.token).await);
    // The moment begins with the use, and attempts do not prolong it.
    world.clock.advance(1);
    assert_eq!(
        world.accounts.refresh(&first, &origin).await.err().unwrap().kind(),
        ErrorKind::Unauthenticated
    );
    assert!(!world.token_works(&given.token).await);
    assert!(world.accounts.refresh(&given.refresh_token, &origin).await.is_err());
}

#[tokio::test]
async fn what_is_no_refresh_token_ends_nothing() {
    let world = World::new().await;
    let tokens = world.sign_in("ann").await;
    let forged = format!("{}x", &tokens.refresh_token[..tokens.refresh_token.len() - 1]);
    for bad in ["", "x", &tokens.token, &forged] {
        assert!(world.accounts.refresh(bad, &Origin::default()).await.is_err());
    }
    assert!(world.accounts.refresh(&tokens.refresh_token, &Origin::default()).await.is_ok());
}

#[tokio::test]
async fn a_change_of_role_shows_at_once_and_ends_sessions() {
    let world = World::new().await;
    let tokens = world.sign_in("ann").await;
    assert!(world.token_works(&tokens.token).await);
    world.merge(&world.admin, "items", id(&world.ann), json!({"role": "visitor"})).await.unwrap();
    assert!(!world.token_works(&tokens.token).await);
    let tokens = world.sign_in("ann").await;
    world.merge(&world.admin, "accounts", id(&world.ann), json!({"disabled": true})).await.unwrap();
    assert!(!world.token_works(&tokens.token).await);
    assert!(world.accounts.refresh(&tokens.refresh_token, &Origin::default()).await.is_err());
}

#[tokio::test]
async fn another_replica_notices_within_half_a_second() {
    let world = World::new().await;
    let replica = Accounts::new(&world.services, config()).await.unwrap();
    let token = world.sign_in("ann").await.token;
    assert!(replica.authenticate(Some(&token), None).await.is_ok());
    world.delete(&world.admin, "accounts", id(&world.ann)).await.unwrap();
    assert!(!world.token_works(&token).await);
    assert!(replica.authenticate(Some(&token), None).await.is_ok(), "it has not looked again yet");
    world.clock.advance(SECOND / 2);
    assert_eq!(kind(replica.authenticate(Some(&token), None).await), ErrorKind::Unauthenticated);
    assert!(world.try_sign_in("ann", crate::world::PASSWORD).await.is_err());
}

#[tokio::test]
async fn the_life_of_a_session_is_told() {
    let world = World::new().await;
    let ann = id(&world.ann);
    let first = world.sign_in_from("192.0.2.7", "ann", crate::world::PASSWORD).await.unwrap();
    let next = world.accounts.refresh(&first.refresh_token, &Origin::default()).await.unwrap();
    world.clock.advance(30 * SECOND);
    assert!(world.accounts.refresh(&first.refresh_token, &Origin::default()).await.is_err());
    assert!(!world.token_works(&next.token).await);
    assert!(world.try_sign_in("ann", "wrong password").await.is_err());
    world.accounts.sign_out(&world.ann, &Origin::default()).await.unwrap();
    let told = ["sign_in", "sign_in", "refresh", "refresh_reuse", "sign_in_failed", "sign_out"];
    assert_eq!(world.events(Some(ann)).await, told);
    let filter = EventFilter { account: Some(ann), ..EventFilter::default() };
    let events = world.services.credentials.events(world.org, &filter, None, 10).await.unwrap();
    let opened = &events[4];
    assert_eq!(opened.origin.address.map(|address| address.to_string()).as_deref(), Some("192.0.2.7"));
    assert_eq!((opened.origin.token, &opened.detail), (first.caller.session, &json!({"method": "password"})));
}

#[tokio::test]
async fn links_to_roles_and_groups_show_at_once_and_end_no_session() {
    let world = World::new().await;
    let token = world.sign_in("ann").await.token;
    let role = world.create(&world.admin, "role", json!({"name": "HR"})).await.unwrap();
    let roles = async || {
        let caller = world.accounts.authenticate(Some(&token), None).await.unwrap();
        caller.roles.iter().map(|role| role.name.to_string()).collect::<Vec<_>>()
    };
    assert!(roles().await.is_empty());
    let link = json!({"account": id(&world.ann), "role": role["id"]});
    let link = world.create(&world.admin, "accountrole", link).await.unwrap();
    assert_eq!(roles().await, ["hr"]);
    world.delete(&world.admin, "items", crate::world::id_of(&link)).await.unwrap();
    assert!(roles().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_of_a_client_that_is_made_behind_the_end_of_the_session_does_not_stay() {
    let (world, between) = Between::world().await;
    let body = json!({"name": "shop", "account": id(&world.ann), "scopes": ["folder:read"]});
    let client = id_of(&world.create(&world.admin, "clients", body).await.unwrap());
    let (credentials, session) = (Arc::clone(&world.services.credentials), world.admin.session.unwrap());
    between.before(Step::Put(RecordKind::Key), async move {
        credentials.close_session(session).await.unwrap();
    });
    let made = world.call(&world.admin, "clients", secret_call(client, Verb::Post)).await;
    between.look_away();
    assert_eq!(kind(made), ErrorKind::Unauthenticated);
    let (records, now) = (&world.services.credentials, world.services.clock.now());
    let kept = records.record(RecordKind::Key, &client.to_string(), now).await.unwrap();
    assert!(kept.is_none(), "nobody has seen it, and nobody can guess it, but it would count");
}

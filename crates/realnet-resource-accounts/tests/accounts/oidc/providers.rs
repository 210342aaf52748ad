//! What providers say about themselves, when they are away, and who may see and set them.

use std::sync::atomic::Ordering;

use realnet_core::ErrorKind;
use realnet_core::resource::Verb;
use serde_json::{Map, Value, json};

use super::{CLIENT, ISSUER, OTHER, Place, SECRET, person};
use crate::world::{id_of, kind};

/// A change of a discovery document.
type Change = fn(&mut Map<String, Value>);

async fn start(place: &Place) -> Result<(), ErrorKind> {
    place.leave(&place.world.stranger(), false, &[]).await.map(drop).map_err(|error| error.kind())
}

fn minute(place: &Place) {
    place.world.clock.advance(60_000_000);
}

#[tokio::test]
async fn everybody_learns_names_and_ids_and_nothing_else() {
    let place = Place::new().await;
    let world = &place.world;
    let listed = world.auth(&world.stranger(), Verb::Get, "providers", Value::Null).await.unwrap();
    assert_eq!(listed, json!([{"id": place.provider, "name": "Example"}]));
    let named = world.auth(&world.stranger(), Verb::Get, "providers?org=First", Value::Null).await.unwrap();
    assert_eq!(named, listed);
    let nowhere =
        world.auth(&world.stranger(), Verb::Get, "providers?org=Nowhere", Value::Null).await.unwrap();
    assert_eq!(nowhere, json!([]));
    assert_eq!(
        kind(world.auth(&world.stranger(), Verb::Get, "providers?x=1", Value::Null).await),
        ErrorKind::Malformed
    );
    world.merge(&world.admin, "auths", place.provider, json!({"enabled": false})).await.unwrap();
    let listed = async || world.auth(&world.stranger(), Verb::Get, "providers", Value::Null).await.unwrap();
    assert_eq!(listed().await, json!([]));
    for n in 0..100 {
        let item = json!({"name": format!("P{n}"), "issuer": OTHER, "client_id": "x"});
        world.create(&world.admin, "auths", item).await.unwrap();
    }
    assert_eq!(listed().await.as_array().map(Vec::len), Some(99), "of the first hundred, one is not in use");
    assert_eq!(start(&place).await, Err(ErrorKind::NotFound));
}

#[tokio::test]
async fn only_administrators_set_providers_and_none_makes_superusers() {
    let place = Place::new().await;
    let world = &place.world;
    let item = json!({"name": "Mine", "issuer": ISSUER, "client_id": "x"});
    assert_eq!(kind(world.create(&world.bob, "auths", item.clone()).await), ErrorKind::Forbidden);
    world.create(&world.admin, "auths", item.clone()).await.unwrap();
    let mut raised = item;
    raised["role"] = json!("superuser");
    assert_eq!(kind(world.create(&world.admin, "auths", raised).await), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn an_item_that_is_no_provider_is_none() {
    let mut place = Place::new().await;
    place.provider = place.world.org;
    assert_eq!(start(&place).await, Err(ErrorKind::NotFound));
    // Nor one that somebody has made to look like one, for a role that they do not have.
    let item = json!({"name": "Mine", "issuer": ISSUER, "client_id": CLIENT, "create_accounts": true, "role": "admin"});
    place.provider = id_of(&place.world.create(&place.world.bob, "folder", item).await.unwrap());
    assert_eq!(start(&place).await, Err(ErrorKind::NotFound));
}

#[tokio::test]
async fn documents_of_others_and_of_no_use_are_refused() {
    let place = Place::new().await;
    let changes: [(&str, Change); 7] = [
        ("another issuer", |map| drop(map.insert("issuer".into(), json!(OTHER)))),
        ("a longer issuer", |map| drop(map.insert("issuer".into(), json!(format!("{ISSUER}/"))))),
        ("no token endpoint", |map| drop(map.remove("token_endpoint"))),
        ("a token endpoint in clear", |map| {
            drop(map.insert("token_endpoint".into(), json!("http://idp.test/token")));
        }),
        ("keys in clear", |map| drop(map.insert("jwks_uri".into(), json!("http://idp.test/jwks")))),
        ("keys of a file", |map| drop(map.insert("jwks_uri".into(), json!("file:///etc/passwd")))),
        ("a page in clear", |map| {
            drop(map.insert("authorization_endpoint".into(), json!("http://127.0.0.1/authorize")));
        }),
    ];
    for (what, change) in changes {
        place.idp.wish(|wishes| wishes.discovery = Box::new(change));
        assert_eq!(start(&place).await, Err(ErrorKind::Unavailable), "{what}");
        minute(&place);
    }
    place.idp.wish(|_| {});
    assert_eq!(start(&place).await, Ok(()));
}

#[tokio::test]
async fn providers_are_https_unless_they_are_on_this_machine_and_allowed() {
    let place = Place::new().await;
    let world = &place.world;
    for issuer in ["http://idp.test", "http://169.254.169.254", "http://10.0.0.1", "https://me:pass@idp.test"]
    {
        let moved = json!({"issuer": issuer, "client_secret": SECRET});
        let error = world.merge(&world.admin, "auths", place.provider, moved).await.unwrap_err();
        assert_eq!(error.violations()[0].pointer, "/attributes/issuer", "{issuer}");
        let new = json!({"name": "New", "issuer": issuer, "client_id": "x"});
        let error = world.create(&world.admin, "auths", new).await.unwrap_err();
        assert_eq!(error.violations()[0].pointer, "/attributes/issuer", "{issuer}");
    }
    for issuer in ["http://localhost:1", "http://127.0.0.1:1"] {
        world
            .merge(&world.admin, "auths", place.provider, json!({"issuer": issuer, "client_secret": SECRET}))
            .await
            .unwrap();
        assert_eq!(start(&place).await, Err(ErrorKind::Unavailable), "{issuer}");
    }
    assert_eq!(place.idp.asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_provider_that_is_away_is_asked_now_and_then() {
    let place = Place::new().await;
    let asked = || place.idp.asked.load(Ordering::SeqCst);
    for wish in [true, false] {
        place.idp.wish(|wishes| (wishes.is_down, wishes.is_huge) = (wish, !wish));
        let before = asked();
        for _ in 0..5 {
            assert_eq!(start(&place).await, Err(ErrorKind::Unavailable));
        }
        assert_eq!(asked() - before, 1);
        minute(&place);
    }
    place.idp.wish(|_| {});
    assert_eq!(start(&place).await, Ok(()));
    // What is known is not asked for again, and serves when the provider is away.
    let before = asked();
    place.idp.wish(|wishes| wishes.is_down = true);
    assert_eq!(start(&place).await, Ok(()));
    assert_eq!(asked(), before);
    place.world.clock.advance(3_600_000_000);
    assert_eq!(start(&place).await, Err(ErrorKind::Unavailable));
}

#[tokio::test]
async fn a_provider_that_goes_away_in_between_is_no_fault_of_who_signs_in() {
    let place = Place::new().await;
    let departed = place.start().await;
    let brought = place.idp.sign_in(&departed.location, &person("eve"));
    place.idp.wish(|wishes| wishes.is_down = true);
    assert_eq!(kind(place.come_back(&brought, Some(&departed.binding)).await), ErrorKind::Unavailable);
}

#[tokio::test]
async fn a_fault_of_the_provider_says_nothing_of_who_signs_in() {
    let place = Place::new().await;
    for fault in ["/token", "/userinfo"] {
        place.idp.wish(|wishes| (wishes.fault, wishes.tells_later) = (fault, true));
        assert_eq!(kind(place.try_sign_in(person("eve")).await), ErrorKind::Unavailable, "{fault}");
    }
    place.idp.wish(|wishes| wishes.tells_later = true);
    place.sign_in(person("eve")).await;
}

#[tokio::test]
async fn keys_may_change() {
    let place = Place::new().await;
    let keys = || place.idp.asked_for_keys.load(Ordering::SeqCst);
    place.sign_in(person("eve")).await;
    assert_eq!(keys(), 1);
    place.idp.rotate("two");
    // Not at once: whoever is lied to asks no more often than this.
    assert!(place.try_sign_in(person("eve")).await.is_err());
    assert_eq!(keys(), 1);
    minute(&place);
    place.sign_in(person("eve")).await;
    place.sign_in(person("eve")).await;
    assert_eq!(keys(), 2);
}

#[tokio::test]
async fn the_address_of_a_request_is_not_believed_without_a_setting() {
    let world = crate::world::World::new().await;
    let idp = super::Idp::new(ISSUER, &world.clock);
    world.accounts.reach_providers_by(idp);
    let item = json!({"name": "Example", "issuer": ISSUER, "client_id": "x"});
    let provider = crate::world::id_of(&world.create(&world.admin, "auths", item).await.unwrap());
    let [idp, other] = [ISSUER, OTHER].map(|issuer| super::Idp::new(issuer, &world.clock));
    let place = Place { world, idp, other, provider };
    assert_eq!(start(&place).await, Err(ErrorKind::Unavailable));
}

#[tokio::test]
async fn a_secret_does_not_follow_another_issuer_or_client() {
    let place = Place::new().await;
    let world = &place.world;
    for moved in [json!({"issuer": super::OTHER}), json!({"client_id": "another"})] {
        let error = world.merge(&world.admin, "auths", place.provider, moved.clone()).await.unwrap_err();
        assert_eq!(error.violations()[0].pointer, "/attributes/client_secret", "{moved}");
        let mut whole = moved.clone();
        whole["client_secret"] = json!("a secret of the new one");
        world.merge(&world.admin, "auths", place.provider, whole).await.unwrap();
    }
    // Without one there is nothing to follow, and all else changes as before.
    world.merge(&world.admin, "auths", place.provider, json!({"create_accounts": false})).await.unwrap();
    world.merge(&world.admin, "auths", place.provider, json!({"client_secret": null})).await.unwrap();
    world.merge(&world.admin, "auths", place.provider, json!({"issuer": super::ISSUER})).await.unwrap();
}

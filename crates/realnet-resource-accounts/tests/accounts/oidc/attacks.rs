//! What a browser, a network, a provider or a stranger may try. Each of these is let in when its defence is taken away: the same
//! sign-in without the attack goes through, at the end of each test.

use realnet_core::resource::{Arrived, Authenticator, Departure, ListRequest};
use realnet_core::{ErrorKind, Result, Uuid};
use serde_json::{Map, Value, json};

use super::idp::{Key, Signature, Wishes};
use super::{OTHER, Place, SECRET, person, set};
use crate::world::kind;

fn kind_of(result: Result<Arrived>) -> ErrorKind {
    kind(result)
}

/// Signs in while the provider does as it is told, and once more when it behaves.
async fn refused(place: &Place, what: &str, wish: impl FnOnce(&mut Wishes)) {
    place.idp.wish(wish);
    let outcome = place.try_sign_in(person("eve")).await;
    assert_eq!(outcome.map(|_| ()).map_err(|error| error.kind()), Err(ErrorKind::Unauthenticated), "{what}");
    place.idp.wish(|_| {});
    place.sign_in(person("eve")).await;
}

fn claims(change: impl Fn(&mut Map<String, Value>) + Send + Sync + 'static) -> impl FnOnce(&mut Wishes) {
    move |wishes| wishes.claims = Box::new(change)
}

fn claim(key: &'static str, value: Value) -> impl FnOnce(&mut Wishes) {
    claims(move |map| {
        map.insert(key.to_owned(), value.clone());
    })
}

#[tokio::test]
async fn a_callback_serves_once() {
    let place = Place::new().await;
    let departed = place.start().await;
    let brought = place.idp.sign_in(&departed.location, &person("eve"));
    place.come_back(&brought, Some(&departed.binding)).await.unwrap();
    assert_eq!(kind_of(place.come_back(&brought, Some(&departed.binding)).await), ErrorKind::Malformed);
}

#[tokio::test]
async fn a_code_serves_once_whatever_state_it_comes_with() {
    let place = Place::new().await;
    let departed = place.start().await;
    let brought = place.idp.sign_in(&departed.location, &person("eve"));
    place.come_back(&brought, Some(&departed.binding)).await.unwrap();
    let again = place.start().await;
    let mut replayed = place.idp.sign_in(&again.location, &person("eve"));
    set(&mut replayed, "code", &brought[0].1);
    assert_eq!(kind_of(place.come_back(&replayed, Some(&again.binding)).await), ErrorKind::Unauthenticated);
}

#[tokio::test]
async fn a_code_of_another_sign_in_is_of_no_use() {
    // Put into one's own browser, the code of somebody else would sign in as them: PKCE and the nonce stand against it.
    let place = Place::new().await;
    let (theirs, mine) = (place.start().await, place.start().await);
    let stolen = place.idp.sign_in(&theirs.location, &person("ann"));
    let mut brought = place.idp.sign_in(&mine.location, &person("eve"));
    set(&mut brought, "code", &stolen[0].1);
    assert_eq!(kind_of(place.come_back(&brought, Some(&mine.binding)).await), ErrorKind::Unauthenticated);
}

#[tokio::test]
async fn a_code_needs_the_verifier_of_its_sign_in() {
    // As above, at a provider that repeats the nonce of whoever redeems the code: the verifier stands alone.
    let place = Place::new().await;
    let (theirs, mine) = (place.start().await, place.start().await);
    let stolen = place.idp.sign_in(&theirs.location, &person("ann"));
    let mut brought = place.idp.sign_in(&mine.location, &person("eve"));
    let asked = url::Url::parse(&mine.location).unwrap();
    let nonce = asked.query_pairs().find(|(name, _)| name == "nonce").unwrap().1.into_owned();
    place.idp.wish(claim("nonce", json!(nonce)));
    set(&mut brought, "code", &stolen[0].1);
    assert_eq!(kind_of(place.come_back(&brought, Some(&mine.binding)).await), ErrorKind::Unauthenticated);
}

#[tokio::test]
async fn a_sign_in_ends_in_the_browser_that_began_it() {
    let place = Place::new().await;
    let mine = place.start().await;
    for binding in [None, Some(String::new()), Some(mine.binding.clone())] {
        // Somebody is led to the callback of a sign-in that is not theirs.
        let departed = place.start().await;
        let brought = place.idp.sign_in(&departed.location, &person("eve"));
        let outcome = place.come_back(&brought, binding.as_deref()).await;
        assert_eq!(kind_of(outcome), ErrorKind::Malformed, "{binding:?}");
        // It is over for the other browser, too.
        assert_eq!(kind_of(place.come_back(&brought, Some(&departed.binding)).await), ErrorKind::Malformed);
    }
    let details = place.world.details("sign_in_failed").await;
    assert_eq!((details.len(), &details[0]["method"]), (3, &json!("oidc")));
}

#[tokio::test]
async fn a_sign_in_ends_in_time() {
    let place = Place::new().await;
    for (seconds, good) in [(599, true), (600, false)] {
        let departed = place.start().await;
        let brought = place.idp.sign_in(&departed.location, &person("eve"));
        place.world.clock.advance(seconds * 1_000_000);
        let outcome = place.come_back(&brought, Some(&departed.binding)).await;
        assert_eq!(outcome.is_ok(), good, "{seconds}");
    }
}

#[tokio::test]
async fn states_that_were_made_up_are_refused() {
    let place = Place::new().await;
    let departed = place.start().await;
    let good = place.idp.sign_in(&departed.location, &person("eve"));
    for state in ["", "x", &"a".repeat(43), &"a".repeat(10_000)] {
        let mut brought = good.clone();
        set(&mut brought, "state", state);
        assert_eq!(kind_of(place.come_back(&brought, Some(&departed.binding)).await), ErrorKind::Malformed);
    }
    let mut twice = good.clone();
    twice.push(good[1].clone());
    assert_eq!(kind_of(place.come_back(&twice, Some(&departed.binding)).await), ErrorKind::Malformed);
    place.come_back(&good, Some(&departed.binding)).await.unwrap();
}

#[tokio::test]
async fn tokens_of_other_sign_ins_are_refused() {
    let place = Place::new().await;
    refused(&place, "another nonce", claim("nonce", json!("another"))).await;
    refused(&place, "no nonce", claims(|map| drop(map.remove("nonce")))).await;
    refused(&place, "another access token", claim("at_hash", json!("AAAAAAAAAAAAAAAAAAAAAA"))).await;
}

#[tokio::test]
async fn tokens_that_do_not_count_yet_or_are_no_bearers_are_refused() {
    let place = Place::new().await;
    let now = place.world.services.clock.now().as_micros() / 1_000_000;
    refused(&place, "later", claim("nbf", json!(now + 61))).await;
    refused(&place, "later by a fraction", claim("nbf", json!(now as f64 + 60.5))).await;
    refused(&place, "no time", claim("nbf", json!("soon"))).await;
    for nbf in [json!(0), json!(now), json!(now + 60)] {
        place.idp.wish(claim("nbf", nbf));
        place.sign_in(person("eve")).await;
    }
    for token_type in ["mac", "DPoP"] {
        refused(&place, token_type, |wishes| wishes.token_type = token_type).await;
    }
    place.idp.wish(|wishes| wishes.token_type = "bearer");
    place.sign_in(person("eve")).await;
}

#[tokio::test]
async fn tokens_for_others_are_refused() {
    let place = Place::new().await;
    refused(&place, "another audience", claim("aud", json!("another client"))).await;
    refused(&place, "no audience", claims(|map| drop(map.remove("aud")))).await;
    refused(&place, "one more audience", claim("aud", json!([super::CLIENT, "another client"]))).await;
    refused(&place, "another party", claim("azp", json!("another client"))).await;
}

#[tokio::test]
async fn tokens_of_other_issuers_are_refused() {
    let place = Place::new().await;
    refused(&place, "another issuer", claim("iss", json!(OTHER))).await;
    refused(&place, "a longer issuer", claim("iss", json!(format!("{}/", super::ISSUER)))).await;
    refused(&place, "no issuer", claims(|map| drop(map.remove("iss")))).await;
}

#[tokio::test]
async fn tokens_out_of_time_are_refused() {
    let place = Place::new().await;
    let now = 1_800_000_000;
    refused(&place, "expired", claim("exp", json!(now))).await;
    refused(&place, "no expiry", claims(|map| drop(map.remove("exp")))).await;
    refused(&place, "of the future", claim("iat", json!(now + 61))).await;
    place.idp.wish(claim("iat", json!(now + 60)));
    place.sign_in(person("eve")).await;
}

#[tokio::test]
async fn tokens_that_the_issuer_has_not_signed_are_refused() {
    let place = Place::new().await;
    // Without what could be missed otherwise: nothing but the signature is wrong.
    let bare = |signature| {
        move |wishes: &mut Wishes| {
            wishes.signature = signature;
            wishes.claims = Box::new(|map| drop(map.remove("at_hash")));
        }
    };
    refused(&place, "alg none", bare(Signature::None)).await;
    refused(&place, "the client's secret", bare(Signature::Shared)).await;
    refused(&place, "another key of the same name", |wishes| {
        wishes.signature = Signature::Forged(Key::new("one"));
    })
    .await;
    refused(&place, "other claims", |wishes| wishes.signature = Signature::Tampered).await;
    refused(&place, "no subject", claims(|map| drop(map.remove("sub")))).await;
    refused(&place, "an empty subject", claim("sub", json!(""))).await;
    refused(&place, "a subject of two", claim("sub", json!("a\u{0}b"))).await;
}

#[tokio::test]
async fn issuers_that_were_mixed_up_are_noticed() {
    let place = Place::new().await;
    for issuer in [Some(OTHER), None] {
        let departed = place.start().await;
        let mut brought = place.idp.sign_in(&departed.location, &person("eve"));
        brought.retain(|(name, _)| name != "iss");
        brought.extend(issuer.map(|issuer| ("iss".to_owned(), issuer.to_owned())));
        let before = place.idp.asked.load(std::sync::atomic::Ordering::SeqCst);
        let outcome = place.come_back(&brought, Some(&departed.binding)).await;
        assert_eq!(kind_of(outcome), ErrorKind::Unauthenticated, "{issuer:?}");
        // The code is shown to nobody.
        assert_eq!(place.idp.asked.load(std::sync::atomic::Ordering::SeqCst), before);
    }
    place.sign_in(person("eve")).await;
}

#[tokio::test]
async fn a_provider_with_an_address_of_its_own_answers_there_and_nowhere_else() {
    let place = Place::new().await;
    for (own_callback, came_to, is_good) in [
        (true, Some(place.provider), true),
        (true, None, false),
        (true, Some(Uuid::from_u128(7)), false),
        (false, None, true),
        (false, Some(place.provider), false),
    ] {
        let departure = Departure { own_callback, ..place.departure() };
        let departed = place.depart(&place.world.stranger(), departure).await.unwrap();
        let path = if own_callback { place.provider.to_string() } else { "oidc".to_owned() };
        let callback = format!("https://app.test/api/auth/{path}/callback");
        let url = url::Url::parse(&departed.location).unwrap();
        assert!(url.query_pairs().any(|(name, value)| name == "redirect_uri" && value == callback), "{url}");
        let brought = place.idp.sign_in(&departed.location, &person("eve"));
        let outcome = place.come_back_to(came_to, &brought, Some(&departed.binding)).await;
        assert_eq!(outcome.is_ok(), is_good, "{own_callback} {came_to:?}");
        assert!(is_good || kind_of(outcome) == ErrorKind::Unauthenticated);
    }
}

#[tokio::test]
async fn what_else_is_told_is_of_the_same_subject() {
    let place = Place::new().await;
    refused(&place, "another subject", |wishes| {
        wishes.tells_later = true;
        wishes.info = Box::new(|map| drop(map.insert("sub".to_owned(), json!("somebody else"))));
    })
    .await;
    place.idp.wish(|wishes| wishes.tells_later = true);
    let id = place.sign_in(person("fay")).await.account;
    assert_eq!(place.account(id).await["email"], "fay@first.test");
}

#[tokio::test]
async fn nothing_is_told_in_clear() {
    let place = Place::new().await;
    place.idp.wish(|wishes| {
        wishes.tells_later = true;
        wishes.discovery = Box::new(|map| {
            drop(map.insert("userinfo_endpoint".to_owned(), json!("http://idp.test/userinfo")));
        });
    });
    let asked_in_clear = place.try_sign_in(person("eve")).await;
    let kind = asked_in_clear.map(|_| ()).map_err(|error| error.kind());
    assert_eq!(kind, Err(ErrorKind::Unavailable), "a provider that is set up wrongly has a fault");
    place.idp.wish(|_| {});
    place.sign_in(person("eve")).await;
}

#[tokio::test]
async fn providers_send_back_to_where_the_server_is_known_to_be() {
    let place = Place::new().await;
    let departure = Departure {
        provider: place.provider,
        parameters: ListRequest::default(),
        links: false,
        current_password: None,
        code: None,
        base: Some("https://evil.test".to_owned()),
        own_callback: false,
    };
    let context = place.context(&place.world.stranger());
    let departed = Authenticator::depart(&*place.world.accounts, &context, departure).await.unwrap();
    let asked = url::Url::parse(&departed.location).unwrap();
    let (_, callback) = asked.query_pairs().find(|(name, _)| name == "redirect_uri").unwrap();
    assert_eq!(callback, "https://app.test/api/auth/oidc/callback");
}

#[tokio::test]
async fn a_provider_that_is_changed_meanwhile_is_another() {
    let place = Place::new().await;
    let departed = place.start().await;
    let brought = place.idp.sign_in(&departed.location, &person("eve"));
    let client = |id: &str| json!({"client_id": id, "client_secret": super::SECRET});
    place.world.merge(&place.world.admin, "auths", place.provider, client("another")).await.unwrap();
    assert_eq!(kind_of(place.come_back(&brought, Some(&departed.binding)).await), ErrorKind::Unauthenticated);
    place.world.merge(&place.world.admin, "auths", place.provider, client(super::CLIENT)).await.unwrap();
    let departed = place.start().await;
    let brought = place.idp.sign_in(&departed.location, &person("eve"));
    let world = &place.world;
    world
        .merge(&world.admin, "auths", place.provider, json!({"issuer": OTHER, "client_secret": SECRET}))
        .await
        .unwrap();
    assert_eq!(kind_of(place.come_back(&brought, Some(&departed.binding)).await), ErrorKind::Unauthenticated);
    world
        .merge(
            &world.admin,
            "auths",
            place.provider,
            json!({"issuer": super::ISSUER, "client_secret": SECRET}),
        )
        .await
        .unwrap();
    let departed = place.start().await;
    let brought = place.idp.sign_in(&departed.location, &person("eve"));
    world.merge(&world.admin, "auths", place.provider, json!({"enabled": false})).await.unwrap();
    assert_eq!(kind_of(place.come_back(&brought, Some(&departed.binding)).await), ErrorKind::NotFound);
}

#[tokio::test]
async fn nobody_is_sent_elsewhere() {
    let place = Place::new().await;
    for bad in [
        "//evil.test",
        "https://evil.test",
        "/\\evil.test",
        "/%2F/evil.test",
        "/%5Cevil.test",
        "/a\nb",
        "javascript:x",
    ] {
        let outcome = place.leave(&place.world.stranger(), false, &[("return_to", bad)]).await;
        assert_eq!(kind(outcome), ErrorKind::Malformed, "{bad:?}");
        let challenge = "a".repeat(43);
        let pairs = [("redirect_uri", bad), ("code_challenge", challenge.as_str())];
        assert_eq!(
            kind(place.leave(&place.world.stranger(), false, &pairs).await),
            ErrorKind::Malformed,
            "{bad:?}"
        );
    }
    let arrived = place.try_sign_in(person("eve")).await.unwrap();
    assert_eq!(arrived.location, "/home?x=1");
}

#[tokio::test]
async fn what_the_provider_refuses_is_told_in_its_words_only() {
    let place = Place::new().await;
    for (said, shown) in [("access_denied", "access_denied"), ("<script>alert(1)</script>", "an error")] {
        let departed = place.start().await;
        let mut brought = place.idp.sign_in(&departed.location, &person("eve"));
        brought.retain(|(name, _)| name != "code");
        set(&mut brought, "error", said);
        let error = place.come_back(&brought, Some(&departed.binding)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated);
        assert!(error.message().contains(shown) && !error.message().contains("script"), "{error}");
    }
}

#[tokio::test]
async fn one_network_begins_so_many() {
    let place = Place::new().await;
    for _ in 0..60 {
        place.start().await;
    }
    assert_eq!(kind(place.leave(&place.world.stranger(), false, &[]).await), ErrorKind::RateLimited);
}

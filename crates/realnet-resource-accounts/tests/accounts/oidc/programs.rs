//! Programs without cookies: the browser brings them a code, for which they fetch the session.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use realnet_core::resource::{Authenticator, SignedIn, Tokens};
use realnet_core::{ErrorKind, Result};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::links::link;
use super::{Place, app, person, set};
use crate::between::{Between, Step};
use crate::factor::{answer, enroll};
use crate::world::{from, id, kind};

const VERIFIER: &str = "a verifier that has forty-three letters, no more";
const LISTENS: &str = "http://127.0.0.1:7000/done?state=s";

/// What the program gets to hear.
async fn heard(place: &Place, refuse: bool) -> String {
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
    let pairs = [
        ("redirect_uri", LISTENS),
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
    ];
    let departed = place.leave(&place.world.stranger(), false, &pairs).await.unwrap();
    let mut brought = place.idp.sign_in(&departed.location, &person("eve"));
    if refuse {
        brought.retain(|(name, _)| name != "code");
        set(&mut brought, "error", "access_denied");
    }
    let arrived = place.come_back(&brought, Some(&departed.binding)).await.unwrap();
    assert!(arrived.tokens.is_none(), "the browser gets no session");
    arrived.location
}

async fn code(place: &Place) -> String {
    let location = heard(place, false).await;
    location.strip_prefix(&format!("{LISTENS}&code=")).unwrap().to_owned()
}

/// What the program is given for it.
async fn redeem(place: &Place, code: &str, verifier: &str) -> Result<SignedIn> {
    Authenticator::redeem(&*place.world.accounts, code, verifier, &from("192.0.2.1")).await
}

async fn fetch(place: &Place, code: &str, verifier: &str) -> Result<Tokens> {
    redeem(place, code, verifier).await?.tokens()
}

#[tokio::test]
async fn a_code_gives_the_session_once_to_who_began() {
    let place = Place::new().await;
    let good = code(&place).await;
    let tokens = fetch(&place, &good, VERIFIER).await.unwrap();
    assert!(place.world.token_works(&tokens.token).await);
    assert_eq!(kind(fetch(&place, &good, VERIFIER).await.map(drop)), ErrorKind::InvalidInput);
    // Who has seen the code does not know the verifier, and has one guess.
    let seen = code(&place).await;
    assert_eq!(kind(fetch(&place, &seen, "another").await.map(drop)), ErrorKind::InvalidInput);
    assert_eq!(kind(fetch(&place, &seen, VERIFIER).await.map(drop)), ErrorKind::InvalidInput);
    assert_eq!(kind(fetch(&place, "made up", VERIFIER).await.map(drop)), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn a_code_ends_in_time_and_with_the_sessions_of_its_account() {
    let place = Place::new().await;
    let world = &place.world;
    let late = code(&place).await;
    world.clock.advance(60_000_000);
    assert_eq!(kind(fetch(&place, &late, VERIFIER).await.map(drop)), ErrorKind::InvalidInput);
    let silently = code(&place).await;
    let eve = place.sign_in(person("eve")).await.account;
    world.set_silently(eve, "disabled", json!(true)).await;
    assert_eq!(kind(fetch(&place, &silently, VERIFIER).await.map(drop)), ErrorKind::InvalidInput);
    world.set_silently(eve, "disabled", json!(false)).await;
    for change in [json!({"password": "another long one"}), json!({"disabled": true})] {
        let code = code(&place).await;
        let eve = place.sign_in(person("eve")).await.account;
        world.merge(&world.admin, "accounts", eve, change).await.unwrap();
        assert_eq!(kind(fetch(&place, &code, VERIFIER).await.map(drop)), ErrorKind::InvalidInput);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ends_the_sessions_ends_a_code_that_is_being_redeemed() {
    let (store, between) = Between::empty_store().await;
    let place = Place::on(store, app(), json!({"create_accounts": true})).await;
    let code = code(&place).await;
    let (accounts, ended) = (Arc::clone(&place.world.accounts), Arc::new(AtomicBool::new(false)));
    let has_ended = Arc::clone(&ended);
    // Behind the look at what the code stands for.
    between.before_number(2, Step::Password, async move {
        accounts.set_lost_password(None, "eve", "another password", false).await.unwrap();
        has_ended.store(true, Ordering::SeqCst);
    });
    let fetched = fetch(&place, &code, VERIFIER).await;
    between.look_away();
    let works = match fetched {
        Ok(tokens) => place.world.token_works(&tokens.token).await,
        Err(_) => false,
    };
    assert_eq!(works, !ended.load(Ordering::SeqCst), "what was opened as of before is over");
}

#[tokio::test]
async fn a_code_ends_with_its_provider() {
    let place = Place::new().await;
    let world = &place.world;
    let set = async |on: bool| {
        world.merge(&world.admin, "auths", place.provider, json!({"enabled": on})).await.unwrap();
    };
    let given = code(&place).await;
    set(false).await;
    assert_eq!(kind(fetch(&place, &given, VERIFIER).await.map(drop)), ErrorKind::InvalidInput);
    set(true).await;
    assert_eq!(kind(fetch(&place, &given, VERIFIER).await.map(drop)), ErrorKind::InvalidInput, "it was used");
    let given = code(&place).await;
    assert!(fetch(&place, &given, VERIFIER).await.is_ok());
}

#[tokio::test]
async fn a_state_is_no_code() {
    let place = Place::new().await;
    let departed = place.start().await;
    let url = url::Url::parse(&departed.location).unwrap();
    let (_, state) = url.query_pairs().find(|(name, _)| name == "state").unwrap();
    assert_eq!(kind(fetch(&place, &state, VERIFIER).await.map(drop)), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn a_program_hears_of_failures() {
    let place = Place::new().await;
    let location = heard(&place, true).await;
    assert!(location.starts_with(&format!("{LISTENS}&error=access_denied&")), "{location}");
}

#[tokio::test]
async fn a_program_is_asked_for_the_second_factor() {
    let place = Place::with(json!({})).await;
    let world = &place.world;
    link(&place, &world.ann, "eve").await.unwrap();
    let (phone, _) = enroll(world).await;
    let code = code(&place).await;
    let SignedIn::Challenge(asked) = redeem(&place, &code, VERIFIER).await.unwrap() else {
        panic!("a session without the second factor")
    };
    let tokens = answer(world, &asked.token, &phone.code(world, 0)).await.unwrap();
    assert!(world.token_works(&tokens.token).await && tokens.account == id(&world.ann));
}

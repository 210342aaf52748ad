//! The second factor of accounts that are linked with an identity.

use realnet_core::resource::Verb;
use realnet_core::{ErrorKind, Result};
use serde_json::{Value, json};

use super::links::link;
use super::{Place, person};
use crate::factor::{answer, enroll, step};
use crate::world::{PASSWORD, id, kind};

/// What the browser is left with where a code is asked for.
async fn challenge(place: &Place, name: &str) -> String {
    let arrived = place.try_sign_in(person(name)).await.unwrap();
    assert!(arrived.tokens.is_none(), "the provider's word alone opens no session");
    let (rest, fragment) = arrived.location.split_once('#').unwrap();
    assert_eq!(rest, "/home?x=1");
    let asked = url::form_urlencoded::parse(fragment.as_bytes()).find(|(name, _)| name == "challenge");
    asked.unwrap().1.into_owned()
}

#[tokio::test]
async fn a_sign_in_elsewhere_asks_for_it() {
    let place = Place::with(json!({})).await;
    let world = &place.world;
    link(&place, &world.ann, "ann").await.unwrap();
    assert!(place.try_sign_in(person("ann")).await.unwrap().tokens.is_some(), "there is none yet");
    let (phone, codes) = enroll(world).await;
    let asked = challenge(&place, "ann").await;
    assert!(!world.token_works(&asked).await);
    assert_eq!(kind(answer(world, &asked, &phone.wrong(world)).await.map(drop)), ErrorKind::Unauthenticated);
    let tokens = answer(world, &asked, &phone.code(world, 0)).await.unwrap();
    assert_eq!(tokens.account, id(&world.ann));
    let sessions = world.auth(&tokens.caller, Verb::Get, "sessions", Value::Null).await.unwrap();
    let current = sessions.as_array().unwrap().iter().find(|session| session["current"] == true).unwrap();
    assert_eq!((&current["method"], &current["factor"]), (&json!("oidc"), &json!(true)));
    assert!(answer(world, &asked, &codes[0]).await.is_err(), "it is used up");
    assert!(answer(world, &challenge(&place, "ann").await, &codes[0]).await.is_ok());
    // What ends the sessions of an account ends a sign-in that is under way.
    let asked = challenge(&place, "ann").await;
    world
        .merge(&world.admin, "accounts", id(&world.ann), json!({"password": "another long one"}))
        .await
        .unwrap();
    assert_eq!(kind(answer(world, &asked, &codes[1]).await.map(drop)), ErrorKind::Unauthenticated);
}

/// Begins and ends linking, with these proofs.
async fn link_by(place: &Place, proofs: [Option<&str>; 2]) -> Result<()> {
    let departed = place.leave_proving(&place.world.ann, true, &[], proofs).await?;
    let brought = place.idp.sign_in(&departed.location, &person("eve"));
    place.come_back(&brought, Some(&departed.binding)).await.map(drop)
}

#[tokio::test]
async fn who_links_an_identity_shows_it_too() {
    let place = Place::with(json!({})).await;
    let world = &place.world;
    let (phone, _) = enroll(world).await;
    let wrong = phone.wrong(world);
    // Ann has signed in a moment ago, and by password alone.
    for proofs in
        [[None, None], [Some(PASSWORD), None], [Some(PASSWORD), Some(&*wrong)], [None, Some(&*wrong)]]
    {
        let error = link_by(&place, proofs).await.unwrap_err();
        assert_eq!(
            (error.kind(), &*error.violations()[0].pointer),
            (ErrorKind::InvalidInput, "/code"),
            "{proofs:?}"
        );
    }
    let code = phone.code(world, 0);
    let error = link_by(&place, [Some("not the password"), Some(&code)]).await.unwrap_err();
    assert_eq!(error.violations()[0].pointer, "/current_password");
    assert_eq!(kind(place.try_sign_in(person("eve")).await), ErrorKind::Forbidden, "nothing is linked");
    link_by(&place, [Some(PASSWORD), Some(&code)]).await.unwrap();
    step(world);
    // Who has just signed in with it has shown it.
    let asked = challenge(&place, "eve").await;
    let ann = answer(world, &asked, &phone.code(world, 0)).await.unwrap().caller;
    link(&place, &ann, "somebody").await.unwrap();
    world.clock.advance(601_000_000);
    assert_eq!(kind(link(&place, &ann, "another").await), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn an_address_makes_no_way_into_an_account_that_has_one() {
    let place = Place::with(json!({"link_by_email": true})).await;
    let world = &place.world;
    let proved = json!({"email": "ann@first.test", "email_verified": true});
    world.merge(&world.admin, "accounts", id(&world.ann), proved).await.unwrap();
    enroll(world).await;
    assert_eq!(kind(place.try_sign_in(person("ann")).await), ErrorKind::Conflict);
    let links = world.auth(&world.ann, Verb::Get, "links", Value::Null).await.unwrap();
    assert_eq!(links, json!([]));
}

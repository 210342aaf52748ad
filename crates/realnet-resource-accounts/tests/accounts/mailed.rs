//! Lost passwords and proofs of addresses, with a mail server.

use realnet_core::ErrorKind;
use realnet_core::resource::Verb;
use realnet_resource_accounts::AccountsConfig;
use serde_json::{Value, json};

use crate::mail::MailServer;
use crate::world::{PASSWORD, World, config, id, id_of, kind};

const NEXT: &str = "battery staple";
const MINUTE: i64 = 60_000_000;

async fn world() -> (World, MailServer) {
    let server = MailServer::start();
    let world = World::with(AccountsConfig { mail: server.config(), ..config() }).await;
    (world, server)
}

async fn ask(world: &World, email: &str) -> realnet_core::Result<Value> {
    world.auth(&world.stranger(), Verb::Post, "password-reset", json!({"email": email})).await
}

async fn confirm(world: &World, token: &str, password: &str) -> realnet_core::Result<Value> {
    let body = json!({"token": token, "password": password});
    world.auth(&world.stranger(), Verb::Post, "password-reset/confirm", body).await
}

#[tokio::test]
async fn a_lost_password_is_replaced_once() {
    let (world, server) = world().await;
    let tokens = world.sign_in("ann").await;
    assert_eq!(ask(&world, "ann@first.test").await.unwrap(), Value::Null);
    let letter = server.next().await;
    assert_eq!(letter.to, "ann@first.test");
    assert!(letter.text.contains("https://app.test/reset-password#token="), "{}", letter.text);
    let token = letter.token();
    assert!(world.token_works(&tokens.token).await, "asking changes nothing");
    for weak in ["short", "password1", "ann@first.test"] {
        assert_eq!(confirm(&world, &token, weak).await.unwrap_err().violations()[0].pointer, "/password");
    }
    confirm(&world, &token, NEXT).await.unwrap();
    assert!(!world.token_works(&tokens.token).await);
    assert!(world.try_sign_in("ann", PASSWORD).await.is_err());
    assert!(world.try_sign_in("ann", NEXT).await.is_ok());
    assert_eq!(confirm(&world, &token, PASSWORD).await.unwrap_err().violations()[0].pointer, "/token");
    assert!(world.try_sign_in("ann", NEXT).await.is_ok());
    let told = world.events(Some(id(&world.ann))).await;
    assert!(told.contains(&"password_reset_asked") && told.contains(&"password_reset"), "{told:?}");
}

#[tokio::test]
async fn of_several_who_use_a_token_one_succeeds() {
    let (world, server) = world().await;
    ask(&world, "ann@first.test").await.unwrap();
    ask(&world, "Ann@First.test").await.unwrap();
    let (first, second) = (server.next().await.token(), server.next().await.token());
    let (one, two) = tokio::join!(confirm(&world, &first, NEXT), confirm(&world, &first, "another one"));
    assert!(one.is_ok() != two.is_ok());
    assert!(confirm(&world, &second, NEXT).await.is_err(), "the others are void");
}

#[tokio::test]
async fn a_token_is_void_when_things_have_changed() {
    let (world, server) = world().await;
    let token = async || {
        ask(&world, "ann@first.test").await.unwrap();
        server.next().await.token()
    };
    let late = token().await;
    world.clock.advance(30 * MINUTE);
    assert!(confirm(&world, &late, NEXT).await.is_err());
    let disabled = token().await;
    let set = async |body: Value| world.merge(&world.admin, "accounts", id(&world.ann), body).await.unwrap();
    set(json!({"disabled": true})).await;
    assert!(confirm(&world, &disabled, NEXT).await.is_err());
    set(json!({"disabled": false})).await;
    let moved = token().await;
    set(json!({"email": "new@first.test"})).await;
    assert!(confirm(&world, &moved, NEXT).await.is_err());
    for forged in ["", "x", &"x".repeat(4000)] {
        assert_eq!(kind(confirm(&world, forged, NEXT).await), ErrorKind::InvalidInput);
    }
    let words = |error: realnet_core::Error| error.message().to_owned();
    let (a, b) =
        (confirm(&world, &moved, NEXT).await.unwrap_err(), confirm(&world, "x", NEXT).await.unwrap_err());
    assert_eq!(words(a), words(b));
    assert!(world.try_sign_in("ann", PASSWORD).await.is_ok());
}

#[tokio::test]
async fn nobody_learns_who_has_an_account() {
    let (world, server) = world().await;
    let gone = world.person("gone", "user").await;
    world.merge(&world.admin, "accounts", gone, json!({"disabled": true})).await.unwrap();
    for nobody in ["nobody@first.test", "gone@first.test", "", "ann", "ann@first.test\r\nBcc: x@evil.test"] {
        assert_eq!(ask(&world, nobody).await.unwrap(), Value::Null);
    }
    ask(&world, "ann@first.test").await.unwrap();
    assert_eq!(server.next().await.to, "ann@first.test");
    assert!(server.is_empty());
    let elsewhere = json!({"email": "ann@first.test", "org": "Nowhere"});
    let asked = world.auth(&world.stranger(), Verb::Post, "password-reset", elsewhere).await;
    assert_eq!(asked.unwrap(), Value::Null);
    let malformed = world.auth(&world.stranger(), Verb::Post, "password-reset", json!({"mail": "x"})).await;
    assert_eq!(kind(malformed), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn nobody_is_flooded_with_mail() {
    let (world, server) = world().await;
    for _ in 0..8 {
        ask(&world, "ann@first.test").await.unwrap();
    }
    for _ in 0..5 {
        server.next().await;
    }
    ask(&world, "bob@first.test").await.unwrap();
    assert_eq!(server.next().await.to, "bob@first.test", "the answers before were given without mail");
    for _ in 0..11 {
        ask(&world, "nobody@first.test").await.unwrap();
    }
    assert_eq!(kind(ask(&world, "nobody@first.test").await), ErrorKind::RateLimited);
}

#[tokio::test]
async fn a_reset_lets_a_locked_owner_in() {
    let (world, server) = world().await;
    while world.try_sign_in("ann", "wrong password").await.err().unwrap().kind() != ErrorKind::RateLimited {}
    ask(&world, "ann@first.test").await.unwrap();
    confirm(&world, &server.next().await.token(), NEXT).await.unwrap();
    assert!(world.try_sign_in("ann", NEXT).await.is_ok());
}

#[tokio::test]
async fn an_address_is_proved_by_what_was_sent_to_it() {
    let (world, server) = world().await;
    let ann = id(&world.ann);
    let ask = async || world.auth(&world.ann, Verb::Post, "verify-email", Value::Null).await;
    let prove = async |token: &str| {
        world.auth(&world.stranger(), Verb::Post, "verify-email/confirm", json!({"token": token})).await
    };
    let verified = async || {
        world.get(&world.ann, "accounts", ann).await.unwrap()["attributes"]["email_verified"].clone()
    };
    let stranger = world.auth(&world.stranger(), Verb::Post, "verify-email", Value::Null).await;
    assert_eq!(kind(stranger), ErrorKind::Unauthenticated);
    ask().await.unwrap();
    let token = server.next().await.token();
    assert_eq!(verified().await, json!(false));
    assert_eq!(kind(confirm(&world, &token, NEXT).await), ErrorKind::InvalidInput, "it sets no password");
    prove(&token).await.unwrap();
    assert_eq!(verified().await, json!(true));
    assert!(prove(&token).await.is_err());
    // A token of an address that the account has no more.
    ask().await.unwrap();
    let old = server.next().await.token();
    world.merge(&world.ann, "accounts", ann, json!({"email": "new@first.test"})).await.unwrap();
    assert_eq!(kind(prove(&old).await), ErrorKind::InvalidInput);
    assert_eq!(verified().await, json!(false));
    ask().await.unwrap();
    let letter = server.next().await;
    assert_eq!(letter.to, "new@first.test");
    world.clock.advance(24 * 60 * MINUTE);
    assert!(prove(&letter.token()).await.is_err());
    let bare = id_of(
        &world
            .create(&world.root, "accounts", json!({"username": "bare", "password": PASSWORD}))
            .await
            .unwrap(),
    );
    let bare_caller = world.sign_in("bare").await.caller;
    assert_eq!(id(&bare_caller), bare);
    let asked = world.auth(&bare_caller, Verb::Post, "verify-email", Value::Null).await;
    assert_eq!(kind(asked), ErrorKind::Conflict);
}

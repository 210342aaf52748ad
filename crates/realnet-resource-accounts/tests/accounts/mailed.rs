//! Lost passwords and proofs of addresses, with a mail server.

use std::sync::Arc;
use std::time::Duration;

use realnet_core::ErrorKind;
use realnet_core::acl::Caller;
use realnet_core::provider::RecordKind;
use realnet_core::resource::Verb;
use realnet_resource_accounts::AccountsConfig;
use serde_json::{Value, json};

use crate::mail::MailServer;
use crate::world::{PASSWORD, World, config, id, json_patch, kind};

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
        loop {
            // Notices of earlier changes come in between.
            let letter = server.next().await;
            if letter.text.contains("#token=") {
                return letter.token();
            }
        }
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
    // The owner has set another password meanwhile, or an administrator has, or has ended all sessions.
    set(json!({"email": "ann@first.test"})).await;
    for change in [json!({"password": NEXT}), json!({"password": PASSWORD}), json!({"role": "visitor"})] {
        let before = token().await;
        set(change.clone()).await;
        assert!(confirm(&world, &before, "another one").await.is_err(), "{change}");
        world.clock.advance(60 * MINUTE);
    }
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
async fn the_store_is_written_alike_whether_somebody_has_the_address() {
    let (world, server) = world().await;
    ask(&world, "ann@first.test").await.unwrap();
    ask(&world, "nobody@first.test").await.unwrap();
    server.next().await;
    let asked = async || world.details("password_reset_asked").await.len() == 2;
    world.until("both are told", asked).await;
    let now = world.services.clock.now();
    let records = world.services.credentials.records_in(world.org, RecordKind::Reset, None, 10, now).await;
    assert_eq!(records.unwrap().len(), 2);
    assert!(server.is_empty());
}

#[tokio::test]
async fn a_server_that_stops_hands_over_what_is_under_way() {
    let (world, server) = world().await;
    ask(&world, "ann@first.test").await.unwrap();
    world.accounts.finish_mails(Duration::from_secs(20)).await;
    // The mail server of the test has it and keeps it when it sees the end of the connection.
    let sent = async || !world.details("password_reset_asked").await.is_empty();
    assert!(sent().await, "it is done, and not only begun");
    assert_eq!(server.next().await.to, "ann@first.test");
}

#[tokio::test]
async fn a_limit_that_is_met_is_told_once() {
    let (world, _server) = world().await;
    for number in 0..25 {
        let asked = ask(&world, &format!("nobody{number}@first.test")).await;
        assert_eq!(asked.is_ok(), number < 20, "{number}");
    }
    assert_eq!(world.details("rate_limited").await, [json!({"limit": "password-reset"})]);
}

#[tokio::test]
async fn strangers_do_not_lock_out_who_has_set_a_new_password_by_mail() {
    let (world, server) = world().await;
    ask(&world, "ann@first.test").await.unwrap();
    let body = json!({"token": server.next().await.token(), "password": NEXT});
    world.auth(&world.stranger(), Verb::Post, "password-reset/confirm", body).await.unwrap();
    while world.sign_in_from("198.51.100.1", "ann", "wrong").await.err().unwrap().kind()
        != ErrorKind::RateLimited
    {}
    assert!(world.sign_in_from("198.51.100.1", "ann", NEXT).await.is_err());
    assert!(world.sign_in_from("192.0.2.1", "ann", NEXT).await.is_ok(), "from where it was set");
}

/// Signed in as ann, a moment ago.
async fn ann(world: &World) -> Arc<Caller> {
    world.sign_in("ann").await.caller
}

async fn ask_proof(world: &World, caller: &Arc<Caller>) -> realnet_core::Result<Value> {
    world.auth(caller, Verb::Post, "verify-email", Value::Null).await
}

async fn prove(world: &World, caller: &Arc<Caller>, token: &str) -> realnet_core::Result<Value> {
    world.auth(caller, Verb::Post, "verify-email/confirm", json!({"token": token})).await
}

/// The address of ann, and whether it is proved.
async fn address(world: &World) -> (Value, Value) {
    let mut shown = world.get(&world.root, "accounts", id(&world.ann)).await.unwrap();
    (shown["attributes"]["email"].take(), shown["attributes"]["email_verified"].take())
}

#[tokio::test]
async fn an_address_is_proved_by_what_was_sent_to_it() {
    let (world, server) = world().await;
    assert_eq!(kind(ask_proof(&world, &world.stranger()).await), ErrorKind::Unauthenticated);
    ask_proof(&world, &world.ann).await.unwrap();
    let token = server.next().await.token();
    assert_eq!(address(&world).await, (json!("ann@first.test"), json!(false)));
    assert_eq!(kind(confirm(&world, &token, NEXT).await), ErrorKind::InvalidInput, "it sets no password");
    // By who reads the mail and has the account: not by one of the two.
    assert_eq!(kind(prove(&world, &world.stranger(), &token).await), ErrorKind::Unauthenticated);
    for other in [&world.bob, &world.admin, &world.root] {
        assert_eq!(kind(prove(&world, other, &token).await), ErrorKind::InvalidInput);
    }
    assert_eq!(address(&world).await.1, json!(false));
    prove(&world, &world.ann, &token).await.unwrap();
    assert_eq!(address(&world).await, (json!("ann@first.test"), json!(true)));
    assert!(prove(&world, &world.ann, &token).await.is_err());
    ask_proof(&world, &world.ann).await.unwrap();
    let late = server.next().await.token();
    world.clock.advance(24 * 60 * MINUTE);
    assert!(prove(&world, &world.ann, &late).await.is_err());
    world.create(&world.root, "accounts", json!({"username": "bare", "password": PASSWORD})).await.unwrap();
    let bare = world.sign_in("bare").await.caller;
    assert_eq!(kind(ask_proof(&world, &bare).await), ErrorKind::Conflict);
}

#[tokio::test]
async fn a_new_address_waits_for_its_proof() {
    let (world, server) = world().await;
    let me = id(&world.ann);
    let change = async |email: &str| {
        world.merge(&ann(&world).await, "accounts", me, json!({"email": email})).await.unwrap();
    };
    change("New@First.test").await;
    assert_eq!(address(&world).await, (json!("ann@first.test"), json!(false)));
    let letter = server.next().await;
    assert_eq!(letter.to, "new@first.test");
    // It can be asked for again, and the first mail stays good.
    ask_proof(&world, &world.ann).await.unwrap();
    assert_eq!(server.next().await.to, "new@first.test");
    prove(&world, &world.ann, &letter.token()).await.unwrap();
    assert_eq!(address(&world).await, (json!("new@first.test"), json!(true)));
    let notice = server.next().await;
    assert_eq!(notice.to, "ann@first.test", "the old one is told");
    assert!(notice.text.contains("has another address"), "{}", notice.text);
    assert!(world.events(Some(me)).await.contains(&"email_changed"));
    // One that somebody else has: its owner is told, and the answers are the same.
    change("bob@first.test").await;
    let letter = server.next().await;
    assert_eq!(letter.to, "bob@first.test");
    assert!(letter.text.contains("There is an account") && !letter.text.contains("token"), "{}", letter.text);
    assert_eq!(address(&world).await.0, json!("new@first.test"));
}

#[tokio::test]
async fn a_proof_is_void_when_things_have_changed() {
    let (world, server) = world().await;
    let me = id(&world.ann);
    let pending = async |email: &str| {
        world.clock.advance(60 * MINUTE);
        world.merge(&ann(&world).await, "accounts", me, json!({"email": email})).await.unwrap();
        loop {
            // Notices of earlier changes come in between.
            let letter = server.next().await;
            if letter.to == email {
                return letter.token();
            }
        }
    };
    // Another address was given since; an administrator has set one, or taken it away; the password is another.
    let first = pending("one@first.test").await;
    let second = pending("two@first.test").await;
    assert!(prove(&world, &world.ann, &first).await.is_err());
    for change in [json!({"email": "set@first.test"}), json!({"email": null}), json!({"password": PASSWORD})]
    {
        let token = pending("three@first.test").await;
        world.merge(&world.admin, "accounts", me, change.clone()).await.unwrap();
        assert!(prove(&world, &world.ann, &token).await.is_err(), "{change}");
    }
    assert!(prove(&world, &world.ann, &second).await.is_err());
    // Somebody else has proved it first.
    let token = pending("four@first.test").await;
    world.merge(&world.admin, "accounts", id(&world.bob), json!({"email": "four@first.test"})).await.unwrap();
    assert_eq!(kind(prove(&world, &world.ann, &token).await), ErrorKind::Conflict);
}

#[tokio::test]
async fn owners_are_told_of_new_passwords() {
    let (world, server) = world().await;
    let both = json!({"password": NEXT, "display_name": 7});
    assert!(world.merge(&world.ann, "accounts", id(&world.ann), both).await.is_err());
    world.merge(&world.ann, "accounts", id(&world.ann), json!({"password": NEXT})).await.unwrap();
    let notice = server.next().await;
    assert_eq!(notice.to, "ann@first.test");
    assert!(notice.text.contains("ann has a new password"), "{}", notice.text);
    assert!(server.is_empty(), "of what came true only");
}

#[tokio::test]
async fn owners_are_told_of_new_addresses_that_administrators_set() {
    let (world, server) = world().await;
    let me = id(&world.ann);
    let patch = async |value: Value| {
        let operations = json!([{"op": "replace", "path": "/attributes/email", "value": value}]);
        world.call(&world.admin, "items", json_patch(me, operations)).await.unwrap();
    };
    world.merge(&world.admin, "accounts", me, json!({"email": "two@first.test"})).await.unwrap();
    assert_eq!(server.next().await.to, "ann@first.test");
    patch(json!("three@first.test")).await;
    assert_eq!(server.next().await.to, "two@first.test");
    assert_eq!(world.details("email_changed").await, vec![json!({"by": world.admin.account}); 2]);
    patch(json!("three@first.test")).await;
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert!(server.is_empty(), "nothing of what did not change");
    assert_eq!(world.details("email_changed").await.len(), 2);
}

#[tokio::test]
async fn nobody_is_flooded_by_proofs_of_strangers() {
    let (world, server) = world().await;
    // Several accounts claim one address.
    for number in 0..8 {
        let name = format!("eve{number}");
        world.create(&world.root, "accounts", json!({"username": name, "password": PASSWORD})).await.unwrap();
        let eve = world.sign_in(&name).await.caller;
        world.merge(&eve, "accounts", id(&eve), json!({"email": "Victim@elsewhere.test"})).await.unwrap();
    }
    for _ in 0..5 {
        assert_eq!(server.next().await.to, "victim@elsewhere.test");
    }
    world.until("the limit is told", async || world.details("rate_limited").await.len() == 1).await;
    assert!(server.is_empty());
    // One account that claims many.
    let eve = world.sign_in("eve0").await.caller;
    for number in 0..6 {
        let claimed =
            world.merge(&eve, "accounts", id(&eve), json!({"email": format!("x{number}@first.test")}));
        assert_eq!(claimed.await.is_ok(), number < 4, "{number}");
    }
    // Resets have room of their own.
    ask(&world, "ann@first.test").await.unwrap();
    while server.next().await.to != "ann@first.test" {}
}

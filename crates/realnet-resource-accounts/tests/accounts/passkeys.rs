//! Passkeys: adding one, signing in by it, losing it; and everything that can be done to either ceremony.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use realnet_core::acl::Caller;
use realnet_core::provider::RecordKind;
use realnet_core::resource::{Authenticator as _, Tokens, Verb};
use realnet_core::{ErrorKind, Result};
use realnet_resource_accounts::{AccountsConfig, MailConfig};
use realnet_testkit::passkey::{Device, Says};
use serde_json::{Value, json};

use crate::between::{Between, Step};
use crate::factor::{answer, enroll};
use crate::mail::MailServer;
use crate::world::{PASSWORD, World, config, from, id, kind};

const ORIGIN: &str = "https://app.test";

pub(crate) fn honest() -> Says {
    Says::at(ORIGIN)
}

async fn mailing(mail: MailConfig) -> World {
    World::with(AccountsConfig { mail, ..config() }).await
}

pub(crate) async fn world() -> World {
    mailing(MailConfig { public_url: Some("https://app.test/".parse().unwrap()), ..Default::default() }).await
}

/// One with a test between its steps.
pub(crate) async fn between() -> (World, Arc<Between>) {
    let (store, between) = Between::empty_store().await;
    let mail = MailConfig { public_url: Some("https://app.test/".parse().unwrap()), ..Default::default() };
    (World::on(store, AccountsConfig { mail, ..config() }).await, between)
}

/// Options for a new passkey.
pub(crate) async fn begin(world: &World, caller: &Arc<Caller>, proofs: Value) -> Result<Value> {
    Ok(world.auth(caller, Verb::Post, "passkeys", proofs).await?["publicKey"].take())
}

pub(crate) async fn confirm(world: &World, caller: &Arc<Caller>, credential: Value) -> Result<Value> {
    let body = json!({"credential": credential, "name": "My phone"});
    world.auth(caller, Verb::Post, "passkeys/confirm", body).await
}

/// Adds a passkey, with what authenticator and browser say.
async fn add_saying(world: &World, caller: &Arc<Caller>, device: &mut Device, says: &Says) -> Result<Value> {
    let options = begin(world, caller, Value::Null).await?;
    confirm(world, caller, device.register(&options, says)).await
}

pub(crate) async fn add(world: &World, caller: &Arc<Caller>) -> Device {
    let mut device = Device::new(1);
    add_saying(world, caller, &mut device, &honest()).await.unwrap();
    device
}

/// Options for a sign-in.
pub(crate) async fn options(world: &World) -> Value {
    let asked = world.auth(&world.stranger(), Verb::Post, "passkeys/options", Value::Null).await;
    asked.unwrap()["publicKey"].take()
}

async fn assert(world: &World, credential: Value) -> Result<Tokens> {
    world.accounts.sign_in_by_passkey(credential, &from("192.0.2.9")).await
}

async fn sign_in_saying(world: &World, device: &mut Device, says: &Says) -> Result<Tokens> {
    assert(world, device.sign(&options(world).await, says)).await
}

pub(crate) async fn sign_in(world: &World, device: &mut Device) -> Result<Tokens> {
    sign_in_saying(world, device, &honest()).await
}

pub(crate) async fn listed(world: &World, caller: &Arc<Caller>) -> Vec<Value> {
    world.auth(caller, Verb::Get, "passkeys", Value::Null).await.unwrap().as_array().unwrap().clone()
}

#[tokio::test]
async fn a_passkey_signs_in_its_owner() {
    let world = world().await;
    let mut device = add(&world, &world.ann).await;
    let tokens = sign_in(&world, &mut device).await.unwrap();
    assert_eq!(tokens.account, id(&world.ann));
    assert!(world.token_works(&tokens.token).await);
    let shown = &listed(&world, &world.ann).await[0];
    assert_eq!((&shown["name"], &shown["synced"]), (&json!("My phone"), &json!(false)));
    assert!(shown["used_at"].is_string() && shown.get("passkey").is_none(), "{shown}");
    let sessions = world.auth(&tokens.caller, Verb::Get, "sessions", Value::Null).await.unwrap();
    let current = sessions.as_array().unwrap().iter().find(|session| session["current"] == true).unwrap();
    assert_eq!((&current["method"], &current["factor"]), (&json!("passkey"), &json!(true)));
    let of_ann = world.events(Some(id(&world.ann))).await;
    assert_eq!(of_ann, ["sign_in", "factor_added", "sign_in"]);
    // The owner has shown the device who they are: no code is asked for, and it counts as one.
    let (phone, codes) = enroll(&world).await;
    let ann = sign_in(&world, &mut device).await.unwrap().caller;
    begin(&world, &ann, Value::Null).await.unwrap();
    // Who has signed in by password alone shows the second factor as well.
    assert_eq!(
        kind(begin(&world, &world.ann, json!({"current_password": PASSWORD})).await),
        ErrorKind::InvalidInput
    );
    let code = phone.code(&world, 0);
    begin(&world, &world.ann, json!({"current_password": PASSWORD, "code": code})).await.unwrap();
    assert!(answer(&world, "nothing", &codes[0]).await.is_err());
}

#[tokio::test]
async fn options_name_nobody_and_ask_for_the_owner() {
    let world = world().await;
    let new = begin(&world, &world.ann, Value::Null).await.unwrap();
    assert_eq!((&new["rp"]["id"], &new["user"]["name"]), (&json!("app.test"), &json!("ann")));
    let selection = &new["authenticatorSelection"];
    assert_eq!(
        (&selection["residentKey"], &selection["userVerification"]),
        (&json!("required"), &json!("required"))
    );
    assert_eq!((&new["attestation"], &new["excludeCredentials"]), (&json!("none"), &json!([])));
    add(&world, &world.ann).await;
    let next = begin(&world, &world.ann, Value::Null).await.unwrap();
    assert_eq!(next["excludeCredentials"].as_array().unwrap().len(), 1, "a device has one for an account");
    assert_ne!(next["challenge"], new["challenge"]);
    let asked = options(&world).await;
    assert_eq!((&asked["allowCredentials"], &asked["userVerification"]), (&json!([]), &json!("required")));
    assert_eq!(asked["rpId"], "app.test");
}

#[tokio::test]
async fn what_is_not_as_it_should_be_signs_nobody_in() {
    let world = world().await;
    let mut device = add(&world, &world.ann).await;
    let bob = id(&world.bob).as_bytes().to_vec();
    for says in [
        Says::at("https://evil.test"),
        Says::at("http://app.test"),
        Says { framed: true, ..honest() },
        Says { rp_id: Some("evil.test".to_owned()), ..honest() },
        Says { present: false, ..honest() },
        Says { verified: false, ..honest() },
        Says { ceremony: Some("webauthn.create"), ..honest() },
        Says { user: Some(bob), ..honest() },
        Says { user: Some(Vec::new()), ..honest() },
    ] {
        assert_eq!(
            kind(sign_in_saying(&world, &mut device, &says).await.map(drop)),
            ErrorKind::Unauthenticated
        );
    }
    // Signed by another key, or something else than what is shown.
    let mut other = add(&world, &world.bob).await;
    let asked = options(&world).await;
    let mut credential = device.sign(&asked, &honest());
    credential["response"]["signature"] = other.sign(&asked, &honest())["response"]["signature"].take();
    assert_eq!(kind(assert(&world, credential).await.map(drop)), ErrorKind::Unauthenticated);
    let mut unknown = Device::new(1);
    unknown.register(&begin(&world, &world.bob, Value::Null).await.unwrap(), &honest());
    assert_eq!(kind(sign_in(&world, &mut unknown).await.map(drop)), ErrorKind::Unauthenticated);
    for garbage in [Value::Null, json!({}), json!([]), json!({"rawId": "x", "response": {}})] {
        assert_eq!(kind(assert(&world, garbage).await.map(drop)), ErrorKind::Malformed);
    }
    assert!(sign_in(&world, &mut device).await.is_ok());
    let failed =
        world.events(Some(id(&world.ann))).await.iter().filter(|kind| **kind == "sign_in_failed").count();
    assert!(failed >= 6, "{failed}");
}

#[tokio::test]
async fn a_ceremony_serves_once_and_in_time() {
    let world = world().await;
    let mut device = add(&world, &world.ann).await;
    let asked = options(&world).await;
    let credential = device.sign(&asked, &honest());
    let both = tokio::join!(assert(&world, credential.clone()), assert(&world, credential));
    assert!(both.0.is_ok() != both.1.is_ok(), "of two who bring the same, one gets in");
    assert_eq!(
        kind(assert(&world, device.sign(&asked, &honest())).await.map(drop)),
        ErrorKind::Unauthenticated
    );
    // What has failed is used up as well.
    let asked = options(&world).await;
    let refused = device.sign(&asked, &Says { verified: false, ..honest() });
    assert!(assert(&world, refused).await.is_err());
    assert!(assert(&world, device.sign(&asked, &honest())).await.is_err());
    let late = options(&world).await;
    let new = begin(&world, &world.ann, Value::Null).await.unwrap();
    world.clock.advance(301_000_000);
    assert_eq!(
        kind(assert(&world, device.sign(&late, &honest())).await.map(drop)),
        ErrorKind::Unauthenticated
    );
    let made = Device::new(0).register(&new, &honest());
    assert_eq!(kind(confirm(&world, &world.ann, made).await), ErrorKind::Conflict);
    // The options of one ceremony are none of the other.
    let asked = options(&world).await;
    let new = begin(&world, &world.sign_in("ann").await.caller, Value::Null).await.unwrap();
    let crossed = json!({"challenge": new["challenge"], "rpId": "app.test"});
    assert!(assert(&world, device.sign(&crossed, &honest())).await.is_err());
    let crossed = json!({"challenge": asked["challenge"], "rp": {"id": "app.test"}, "user": new["user"]});
    let made = Device::new(0).register(&crossed, &honest());
    assert_eq!(kind(confirm(&world, &world.ann, made).await), ErrorKind::Conflict);
}

#[tokio::test]
async fn what_is_not_as_it_should_be_is_not_kept() {
    let world = world().await;
    for says in [
        Says::at("https://evil.test"),
        Says { framed: true, ..honest() },
        Says { rp_id: Some("evil.test".to_owned()), ..honest() },
        Says { present: false, ..honest() },
        Says { verified: false, ..honest() },
        Says { ceremony: Some("webauthn.get"), ..honest() },
        Says { algorithm: -9, ..honest() },
    ] {
        let refused = add_saying(&world, &world.ann, &mut Device::new(1), &says).await;
        assert_eq!(refused.unwrap_err().violations()[0].pointer, "/credential", "{says:?}");
    }
    // One that somebody else began, or somebody who has been signed out meanwhile.
    let options = begin(&world, &world.bob, Value::Null).await.unwrap();
    let made = Device::new(1).register(&options, &honest());
    assert_eq!(kind(confirm(&world, &world.ann, made.clone()).await), ErrorKind::Conflict);
    assert_eq!(kind(confirm(&world, &world.bob, made).await), ErrorKind::Conflict, "and it is used up");
    let options = begin(&world, &world.bob, Value::Null).await.unwrap();
    let again = world.sign_in("bob").await.caller;
    assert_eq!(
        kind(confirm(&world, &again, Device::new(1).register(&options, &honest())).await),
        ErrorKind::Conflict
    );
    assert!(listed(&world, &world.ann).await.is_empty() && listed(&world, &world.bob).await.is_empty());
    // A credential is one account's.
    let mut device = add(&world, &world.ann).await;
    let refused = add_saying(&world, &world.bob, &mut device, &honest()).await;
    assert_eq!(kind(refused), ErrorKind::Conflict);
    for name in ["", "a\u{1}b", &"x".repeat(65)] {
        let options = begin(&world, &world.ann, Value::Null).await.unwrap();
        let body = json!({"credential": Device::new(1).register(&options, &honest()), "name": name});
        let refused = world.auth(&world.ann, Verb::Post, "passkeys/confirm", body).await;
        assert_eq!(refused.unwrap_err().violations()[0].pointer, "/name");
    }
}

#[tokio::test]
async fn a_passkey_that_exists_twice_is_noticed() {
    let server = MailServer::start();
    let world = mailing(server.config()).await;
    let mut device = add(&world, &world.ann).await;
    assert!(server.next().await.text.contains("one more passkey"));
    for _ in 0..3 {
        sign_in(&world, &mut device).await.unwrap();
    }
    let counted = device.counter;
    device.counter = 1;
    let error = sign_in(&world, &mut device).await.map(drop).unwrap_err();
    assert!(
        error.kind() == ErrorKind::Unauthenticated && error.message().contains("two places"),
        "{error:?}"
    );
    let letter = server.next().await;
    assert!(letter.to == "ann@first.test" && letter.text.contains("exists twice"), "{}", letter.text);
    // Whoever can not sign says nothing of the kind.
    device.counter = 1;
    let mut credential = device.sign(&options(&world).await, &honest());
    credential["response"]["signature"] = json!("AAAA");
    let error = assert(&world, credential).await.map(drop).unwrap_err();
    assert!(!error.message().contains("two places"), "{error:?}");
    device.counter = counted;
    assert!(sign_in(&world, &mut device).await.is_ok());
    // Those that are synced between devices do not count.
    let mut synced = Device::new(0);
    add_saying(&world, &world.bob, &mut synced, &honest()).await.unwrap();
    for _ in 0..2 {
        assert!(sign_in(&world, &mut synced).await.is_ok());
    }
}

#[tokio::test]
async fn passkeys_are_their_owners_to_add_and_to_remove() {
    let world = world().await;
    let mut device = add(&world, &world.ann).await;
    let path = format!("passkeys/{}", listed(&world, &world.ann).await[0]["id"].as_str().unwrap());
    for other in [&world.bob, &world.admin, &world.root] {
        assert_eq!(kind(world.auth(other, Verb::Delete, &path, Value::Null).await), ErrorKind::NotFound);
        assert!(listed(&world, other).await.is_empty());
    }
    assert_eq!(kind(begin(&world, &world.stranger(), Value::Null).await), ErrorKind::Unauthenticated);
    world.clock.advance(601_000_000);
    // A token that was stolen later is enough for neither.
    assert_eq!(kind(begin(&world, &world.ann, Value::Null).await), ErrorKind::InvalidInput);
    assert_eq!(kind(world.auth(&world.ann, Verb::Delete, &path, Value::Null).await), ErrorKind::InvalidInput);
    let proof = json!({"current_password": PASSWORD});
    world.auth(&world.ann, Verb::Delete, &path, proof).await.unwrap();
    assert_eq!(kind(sign_in(&world, &mut device).await.map(drop)), ErrorKind::Unauthenticated);
    assert!(listed(&world, &world.ann).await.is_empty());
    assert!(world.events(Some(id(&world.ann))).await.contains(&"factor_removed"));
}

#[tokio::test]
async fn accounts_that_may_not_sign_in_do_not_by_passkey() {
    let world = world().await;
    let mut device = add(&world, &world.ann).await;
    world.merge(&world.admin, "accounts", id(&world.ann), json!({"disabled": true})).await.unwrap();
    assert_eq!(kind(sign_in(&world, &mut device).await.map(drop)), ErrorKind::Forbidden);
    // Only who has proved that it is theirs is told so.
    let refused = sign_in_saying(&world, &mut device, &Says { verified: false, ..honest() }).await;
    assert_eq!(kind(refused.map(drop)), ErrorKind::Unauthenticated);
    world.delete(&world.admin, "accounts", id(&world.ann)).await.unwrap();
    assert_eq!(kind(sign_in(&world, &mut device).await.map(drop)), ErrorKind::Unauthenticated);
}

#[tokio::test]
async fn an_account_has_so_many_and_a_network_asks_so_often() {
    let world = world().await;
    let mut begun = Vec::new();
    for _ in 0..21 {
        let options = begin(&world, &world.ann, Value::Null).await.unwrap();
        begun.push(Device::new(1).register(&options, &honest()));
    }
    for (number, credential) in begun.into_iter().enumerate() {
        assert_eq!(confirm(&world, &world.ann, credential).await.is_ok(), number < 20);
    }
    assert_eq!(kind(begin(&world, &world.ann, Value::Null).await), ErrorKind::Conflict);
    assert_eq!(listed(&world, &world.ann).await.len(), 20);
    for _ in 0..60 {
        options(&world).await;
    }
    let refused = world.auth(&world.stranger(), Verb::Post, "passkeys/options", Value::Null).await;
    assert_eq!(kind(refused), ErrorKind::RateLimited);
}

#[tokio::test]
async fn without_a_name_there_are_none() {
    for public_url in [None, Some("https://192.0.2.1/".parse().unwrap())] {
        let world = mailing(MailConfig { public_url, ..Default::default() }).await;
        assert_eq!(kind(begin(&world, &world.ann, Value::Null).await), ErrorKind::Unavailable);
        let asked = world.auth(&world.stranger(), Verb::Post, "passkeys/options", Value::Null).await;
        assert_eq!(kind(asked), ErrorKind::Unavailable);
    }
}

#[tokio::test]
async fn those_of_a_lost_device_are_taken_away() {
    let world = world().await;
    let lost = || format!("totp?account={}", id(&world.ann));
    let mut device = add(&world, &world.ann).await;
    let refused = world.auth(&world.bob, Verb::Delete, &lost(), Value::Null).await;
    assert!(refused.is_err(), "by nobody but an administrator");
    assert!(sign_in(&world, &mut device).await.is_ok());
    world.auth(&world.admin, Verb::Delete, &lost(), Value::Null).await.unwrap();
    assert!(sign_in(&world, &mut device).await.is_err());
    assert!(listed(&world, &world.ann).await.is_empty());
    // By the operator too.
    let ann = world.sign_in("ann").await.caller;
    let mut device = add(&world, &ann).await;
    world.accounts.set_lost_password(None, "ann", "another password", true).await.unwrap();
    assert!(sign_in(&world, &mut device).await.is_err());
}

#[tokio::test]
async fn nothing_that_is_confirmed_behind_the_end_of_its_session_stays() {
    let world = world().await;
    let mut lost = add(&world, &world.ann).await;
    let options = begin(&world, &world.ann, Value::Null).await.unwrap();
    let mut planted = Device::new(1);
    let credential = planted.register(&options, &honest());
    let drop_factors = format!("totp?account={}", id(&world.ann));
    world.auth(&world.admin, Verb::Delete, &drop_factors, Value::Null).await.unwrap();
    // Another server still remembers the caller.
    let refused = confirm(&world, &world.ann, credential).await;
    assert_eq!(kind(refused), ErrorKind::Unauthenticated);
    for device in [&mut lost, &mut planted] {
        assert!(sign_in(&world, device).await.is_err());
    }
    let now = world.sign_in("ann").await.caller;
    assert!(listed(&world, &now).await.is_empty());
    // Nor a key, nor an authenticator.
    let begun = world.auth(&now, Verb::Post, "totp", Value::Null).await.unwrap();
    let phone = crate::factor::Phone::new(&begun["secret"]);
    world.merge(&world.admin, "accounts", id(&now), json!({"password": "another long one"})).await.unwrap();
    let code = json!({"code": phone.code(&world, 0)});
    assert_eq!(kind(world.auth(&now, Verb::Post, "totp/confirm", code).await), ErrorKind::Unauthenticated);
    let key = json!({"name": "k", "scopes": [{"resource": "*", "permissions": ["read"]}]});
    assert_eq!(kind(world.auth(&now, Verb::Post, "keys", key).await), ErrorKind::Unauthenticated);
    let now = world.try_sign_in("ann", "another long one").await.unwrap().caller;
    assert_eq!(world.auth(&now, Verb::Get, "totp", Value::Null).await.unwrap(), json!({"enabled": false}));
    assert_eq!(world.auth(&now, Verb::Get, "keys", Value::Null).await.unwrap(), json!([]));
}

#[tokio::test]
async fn one_of_before_the_raise_opens_no_superuser() {
    let world = world().await;
    let mut device = add(&world, &world.ann).await;
    let of_ann = format!("passkeys?account={}", id(&world.ann));
    let seen = async |caller| world.auth(caller, Verb::Get, &of_ann, Value::Null).await;
    assert_eq!(seen(&world.admin).await.unwrap().as_array().unwrap().len(), 1);
    assert_eq!(kind(seen(&world.bob).await), ErrorKind::NotFound);
    let raise = json!({"role": "superuser", "password": "only root knows it"});
    world.merge(&world.root, "accounts", id(&world.ann), raise).await.unwrap();
    assert_eq!(kind(seen(&world.admin).await), ErrorKind::Forbidden, "of a superuser, superusers see them");
    assert_eq!(seen(&world.root).await.unwrap().as_array().unwrap().len(), 1);
    let error = sign_in(&world, &mut device).await.map(drop).unwrap_err();
    assert!(error.kind() == ErrorKind::Unauthenticated && error.message().contains("before"), "{error:?}");
    let ann = world.try_sign_in("ann", "only root knows it").await.unwrap().caller;
    let path = format!("passkeys/{}", listed(&world, &ann).await[0]["id"].as_str().unwrap());
    world.auth(&ann, Verb::Delete, &path, Value::Null).await.unwrap();
    let mut device = add(&world, &ann).await;
    assert!(sign_in(&world, &mut device).await.unwrap().caller.is_superuser());
}

#[tokio::test]
async fn sign_ins_that_overtake_each_other_are_no_copies() {
    let server = MailServer::start();
    let world = mailing(server.config()).await;
    let mut device = add(&world, &world.ann).await;
    assert!(server.next().await.text.contains("one more passkey"));
    let [early, late] =
        [options(&world).await, options(&world).await].map(|asked| device.sign(&asked, &honest()));
    world.clock.advance(1_000_000);
    assert!(assert(&world, late).await.is_ok());
    let error = assert(&world, early).await.map(drop).unwrap_err();
    assert!(error.kind() == ErrorKind::Conflict && error.message().contains("faster"), "{error:?}");
    assert!(sign_in(&world, &mut device).await.is_ok());
    // What was begun behind the last use and counts less is a copy.
    world.clock.advance(1_000_000);
    device.counter = 1;
    assert_eq!(kind(sign_in(&world, &mut device).await.map(drop)), ErrorKind::Unauthenticated);
    assert!(server.next().await.text.contains("exists twice"));
}

#[tokio::test]
async fn one_is_put_back_when_nobody_knows_whether_there_is_another_way_in() {
    let (world, between) = between().await;
    let mut device = add(&world, &world.ann).await;
    let path = format!("passkeys/{}", listed(&world, &world.ann).await[0]["id"].as_str().unwrap());
    let is_gone = AtomicBool::new(false);
    between.watch(move |step| {
        is_gone.fetch_or(step == Step::Remove(RecordKind::Passkey), Ordering::SeqCst);
        step != Step::Password || !is_gone.load(Ordering::SeqCst)
    });
    let removed = world.auth(&world.ann, Verb::Delete, &path, Value::Null).await;
    assert_eq!(kind(removed), ErrorKind::Unavailable);
    between.look_away();
    assert!(sign_in(&world, &mut device).await.is_ok());
}

#[tokio::test]
async fn one_that_is_removed_takes_its_sessions_out_of_an_org_that_requires_a_factor() {
    let world = world().await;
    let mut device = add(&world, &world.ann).await;
    crate::required::require(&world).await;
    let tokens = sign_in(&world, &mut device).await.unwrap();
    let path = format!("passkeys/{}", listed(&world, &tokens.caller).await[0]["id"].as_str().unwrap());
    world.auth(&tokens.caller, Verb::Delete, &path, Value::Null).await.unwrap();
    let now = world.accounts.authenticate(Some(&tokens.token), None).await.unwrap();
    assert!(now.awaits_factor());
}

#[tokio::test]
async fn a_password_alone_is_no_way_round_one_where_a_factor_is_required() {
    let world = world().await;
    let mut device = add(&world, &world.ann).await;
    let [key] = listed(&world, &world.ann).await.try_into().unwrap();
    crate::required::require(&world).await;
    let thief = world.sign_in("ann").await.caller;
    assert!(thief.awaits_factor());
    let of_ann = format!("passkeys/{}", key["id"].as_str().unwrap());
    for (verb, path) in [
        (Verb::Post, "totp"),
        (Verb::Post, "totp/confirm"),
        (Verb::Post, "passkeys"),
        (Verb::Post, "passkeys/confirm"),
        (Verb::Delete, of_ann.as_str()),
    ] {
        let credential = Device::new(2).register(
            &json!({"challenge": "AAAA", "rp": {"id": "app.test"}, "user": {"id": "AAAA"}}),
            &honest(),
        );
        let body = match path {
            "totp/confirm" => json!({"code": "123456"}),
            "passkeys/confirm" => json!({"credential": credential, "name": "mine"}),
            _ => json!({"current_password": PASSWORD}),
        };
        assert_eq!(kind(world.auth(&thief, verb, path, body).await), ErrorKind::Forbidden, "{path}");
    }
    // The owner does all of it, signed in by the passkey.
    let ann = sign_in(&world, &mut device).await.unwrap().caller;
    assert!(!ann.awaits_factor());
    assert!(begin(&world, &ann, Value::Null).await.is_ok());
}

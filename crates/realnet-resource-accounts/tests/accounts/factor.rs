//! The second factor: turning it on, signing in with it, losing it; and each of its defences.

use realnet_core::acl::Origin;
use realnet_core::provider::{AuthRecord, Expected, RecordKind};
use realnet_core::resource::{Authenticator as _, Challenge, SignIn, SignedIn, Tokens, Verb};
use realnet_core::secret::{Keyring, unlock};
use realnet_core::{ErrorKind, Result};
use realnet_resource_accounts::reseal;
use realnet_testkit::authenticator::Authenticator;
use serde_json::{Value, json};

use crate::world::{PASSWORD, World, from, id, kind};

const SECOND: i64 = 1_000_000;

/// An authenticator beside the clock of the world.
pub struct Phone(Authenticator);

impl Phone {
    pub fn new(secret: &Value) -> Self {
        Self(Authenticator::new(secret.as_str().unwrap()))
    }

    /// The code so many steps from now.
    pub fn code(&self, world: &World, steps: i64) -> String {
        self.0.code(world.services.clock.now().as_micros() / SECOND + 30 * steps)
    }

    pub fn wrong(&self, world: &World) -> String {
        self.0.wrong_code(world.services.clock.now().as_micros() / SECOND)
    }
}

/// Goes on until the next codes.
pub fn step(world: &World) {
    world.clock.advance(30 * SECOND);
}

/// Turns the factor of ann on; answers her phone and her recovery codes.
pub async fn enroll(world: &World) -> (Phone, Vec<String>) {
    let begun = world.auth(&world.ann, Verb::Post, "totp", Value::Null).await.unwrap();
    let phone = Phone::new(&begun["secret"]);
    let body = json!({"code": phone.code(world, 0)});
    let confirmed = world.auth(&world.ann, Verb::Post, "totp/confirm", body).await.unwrap();
    let codes = confirmed["recovery_codes"].as_array().unwrap();
    let codes = codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect();
    step(world);
    (phone, codes)
}

async fn try_with(world: &World, username: &str, password: &str, code: Option<&str>) -> Result<SignedIn> {
    let request = SignIn {
        username: username.to_owned(),
        password: password.to_owned(),
        org: None,
        code: code.map(str::to_owned),
    };
    world.accounts.sign_in(request, &from("192.0.2.9")).await
}

async fn challenge(world: &World) -> Challenge {
    match try_with(world, "ann", PASSWORD, None).await.unwrap() {
        SignedIn::Challenge(challenge) => challenge,
        SignedIn::Tokens(_) => panic!("no second factor was asked for"),
    }
}

pub async fn answer(world: &World, challenge: &str, code: &str) -> Result<Tokens> {
    world.accounts.answer(challenge, code, &from("192.0.2.9")).await
}

fn refused<T>(result: Result<T>) -> (ErrorKind, String) {
    let error = result.map(drop).unwrap_err();
    (error.kind(), error.message().to_owned())
}

#[tokio::test]
async fn a_right_password_alone_opens_no_session() {
    let world = World::new().await;
    let shown = world.auth(&world.ann, Verb::Get, "totp", Value::Null).await.unwrap();
    assert_eq!(shown, json!({"enabled": false}));
    let (phone, codes) = enroll(&world).await;
    assert_eq!(codes.len(), 10);
    let shown = world.auth(&world.ann, Verb::Get, "totp", Value::Null).await.unwrap();
    assert_eq!((&shown["enabled"], &shown["recovery_codes"]), (&json!(true), &json!(10)));
    let asked = challenge(&world).await;
    assert!(!world.token_works(&asked.token).await, "a challenge is no token");
    assert!(world.accounts.refresh(&asked.token, &Origin::default()).await.is_err());
    let tokens = answer(&world, &asked.token, &phone.code(&world, 0)).await.unwrap();
    assert!(world.token_works(&tokens.token).await);
    let sessions = world.auth(&tokens.caller, Verb::Get, "sessions", Value::Null).await.unwrap();
    let current = sessions.as_array().unwrap().iter().find(|session| session["current"] == true).unwrap();
    assert_eq!((&current["factor"], &current["method"]), (&json!(true), &json!("password")));
    // In one step, for those who know that they have one; the session goes on by its refresh tokens.
    step(&world);
    let signed_in = try_with(&world, "ann", PASSWORD, Some(&phone.code(&world, 0))).await.unwrap();
    let tokens = signed_in.tokens().unwrap();
    assert!(world.accounts.refresh(&tokens.refresh_token, &Origin::default()).await.is_ok());
    let of_ann = world.events(Some(id(&world.ann))).await;
    assert_eq!(of_ann, ["sign_in", "factor_added", "sign_in", "sign_in", "refresh"]);
    // Whoever has none is asked for none, whatever code is given.
    assert!(try_with(&world, "bob", PASSWORD, Some("000000")).await.unwrap().tokens().is_ok());
}

#[tokio::test]
async fn who_does_not_know_the_password_learns_nothing() {
    let world = World::new().await;
    let (phone, _) = enroll(&world).await;
    let code = phone.code(&world, 0);
    let of_nobody = refused(try_with(&world, "nobody", "wrong password", Some(&code)).await);
    for code in [None, Some(code.as_str()), Some("000000")] {
        assert_eq!(refused(try_with(&world, "ann", "wrong password", code).await), of_nobody);
    }
    assert!(try_with(&world, "ann", PASSWORD, Some(&code)).await.is_ok(), "and no code was used up");
}

#[tokio::test]
async fn a_code_serves_once() {
    let world = World::new().await;
    let (phone, _) = enroll(&world).await;
    let code = phone.code(&world, 0);
    assert!(answer(&world, &challenge(&world).await.token, &code).await.is_ok());
    let again = answer(&world, &challenge(&world).await.token, &code).await;
    let (kind_of, words) = refused(again);
    assert!(
        kind_of == ErrorKind::Unauthenticated && words.contains("was used: wait for the next"),
        "{words}"
    );
    let unproved = try_with(&world, "ann", "wrong password", Some(&code)).await;
    assert_eq!(refused(unproved).1, "username or password is not right", "for who has proved the rest only");
    assert!(try_with(&world, "ann", PASSWORD, Some(&code)).await.is_err());
    let before = phone.code(&world, -1);
    assert!(try_with(&world, "ann", PASSWORD, Some(&before)).await.is_err(), "nor one of before");
    // The code that has turned it on is used up as well.
    let world = World::new().await;
    let begun = world.auth(&world.ann, Verb::Post, "totp", Value::Null).await.unwrap();
    let phone = Phone::new(&begun["secret"]);
    let code = phone.code(&world, 0);
    world.auth(&world.ann, Verb::Post, "totp/confirm", json!({"code": code})).await.unwrap();
    assert!(try_with(&world, "ann", PASSWORD, Some(&code)).await.is_err());
    let next = phone.code(&world, 1);
    assert!(try_with(&world, "ann", PASSWORD, Some(&next)).await.is_ok(), "a clock may be a step ahead");
}

#[tokio::test]
async fn of_two_who_give_the_same_code_one_gets_in() {
    let world = World::new().await;
    let (phone, codes) = enroll(&world).await;
    for code in [phone.code(&world, 0), codes[0].clone()] {
        let (one, other) = (challenge(&world).await.token, challenge(&world).await.token);
        let both = tokio::join!(answer(&world, &one, &code), answer(&world, &other, &code));
        assert!(both.0.is_ok() != both.1.is_ok(), "{code}");
    }
    // Nor do two right answers to one challenge open two sessions.
    let asked = challenge(&world).await.token;
    let both = tokio::join!(answer(&world, &asked, &codes[1]), answer(&world, &asked, &codes[2]));
    assert!(both.0.is_ok() != both.1.is_ok());
}

#[tokio::test]
async fn a_challenge_is_for_one_account_one_session_and_five_minutes() {
    let world = World::new().await;
    let (phone, _) = enroll(&world).await;
    let asked = challenge(&world).await;
    let void = refused(answer(&world, "made up", &phone.code(&world, 0)).await);
    assert_eq!(void.0, ErrorKind::Unauthenticated);
    assert!(answer(&world, &asked.token, &phone.code(&world, 0)).await.is_ok());
    step(&world);
    assert_eq!(refused(answer(&world, &asked.token, &phone.code(&world, 0)).await), void, "used");
    let asked = challenge(&world).await;
    world.clock.advance(300 * SECOND);
    assert_eq!(refused(answer(&world, &asked.token, &phone.code(&world, 0)).await), void, "expired");
    // Neither outlives the password that it was given for, nor the account's being enabled.
    let asked = challenge(&world).await;
    let ann = id(&world.ann);
    world.merge(&world.admin, "accounts", ann, json!({"password": "another good one"})).await.unwrap();
    assert_eq!(refused(answer(&world, &asked.token, &phone.code(&world, 0)).await), void, "another password");
    let request = |code: Option<String>| SignIn {
        username: "ann".into(),
        password: "another good one".into(),
        org: None,
        code,
    };
    let signed_in = world.accounts.sign_in(request(None), &from("192.0.2.9")).await.unwrap();
    let SignedIn::Challenge(asked) = signed_in else { panic!("a new password turns the factor off") };
    world.merge(&world.admin, "accounts", ann, json!({"disabled": true})).await.unwrap();
    assert_eq!(refused(answer(&world, &asked.token, &phone.code(&world, 0)).await), void, "disabled");
}

#[tokio::test]
async fn a_challenge_takes_five_answers() {
    let world = World::new().await;
    let (phone, _) = enroll(&world).await;
    let asked = challenge(&world).await;
    for _ in 0..5 {
        let wrong = answer(&world, &asked.token, &phone.wrong(&world)).await;
        assert_eq!(refused(wrong), (ErrorKind::Unauthenticated, "the code is not right".to_owned()));
    }
    assert!(answer(&world, &asked.token, &phone.code(&world, 0)).await.is_err());
    assert!(answer(&world, &challenge(&world).await.token, &phone.code(&world, 0)).await.is_ok());
}

#[tokio::test]
async fn guesses_are_limited_whatever_else_is_right() {
    let world = World::new().await;
    let (phone, codes) = enroll(&world).await;
    let mut wrong = 0;
    let wait = loop {
        // Each guess begins with the right password, from a network of its own, and the password is proved in between.
        let address = format!("198.51.100.{wrong}");
        let request = SignIn {
            username: "ann".into(),
            password: PASSWORD.into(),
            org: None,
            code: Some(phone.wrong(&world)),
        };
        let error = world.accounts.sign_in(request, &from(&address)).await.map(drop).unwrap_err();
        if error.kind() == ErrorKind::RateLimited {
            break error.retry_after().unwrap();
        }
        let proof = json!({"display_name": format!("Ann {wrong}"), "current_password": PASSWORD});
        world.merge(&world.ann, "accounts", id(&world.ann), proof).await.unwrap();
        wrong += 1;
        assert!(wrong <= 10, "there is no limit");
    };
    assert_eq!(wrong, 10);
    let right = try_with(&world, "ann", PASSWORD, Some(&phone.code(&world, 0))).await;
    assert_eq!(refused(right).0, ErrorKind::RateLimited, "the right one has to wait as well");
    let recovery = try_with(&world, "ann", PASSWORD, Some(&codes[0])).await;
    assert!(recovery.is_ok(), "nobody finds those by trying: who guesses keeps the owner from none");
    assert!(world.events(Some(id(&world.ann))).await.contains(&"locked"));
    world.clock.advance(i64::try_from(wait.as_micros()).unwrap());
    assert!(try_with(&world, "ann", PASSWORD, Some(&phone.code(&world, 0))).await.is_ok());
    // An administrator lifts the lock.
    for _ in 0..20 {
        let _ = try_with(&world, "ann", PASSWORD, Some(&phone.wrong(&world))).await;
    }
    step(&world);
    assert!(try_with(&world, "ann", PASSWORD, Some(&phone.code(&world, 0))).await.is_err());
    let body = json!({"account": id(&world.ann)});
    world.auth(&world.admin, Verb::Post, "unlock", body).await.unwrap();
    assert!(try_with(&world, "ann", PASSWORD, Some(&phone.code(&world, 0))).await.is_ok());
}

#[tokio::test]
async fn recovery_codes_stand_in_once_and_are_not_kept_as_they_are() {
    let world = World::new().await;
    let (phone, codes) = enroll(&world).await;
    let kept = world
        .services
        .credentials
        .records_of(id(&world.ann), RecordKind::Recovery, world.services.clock.now())
        .await
        .unwrap();
    for record in &kept {
        let text = format!("{} {}", record.key, String::from_utf8_lossy(&record.value));
        for code in &codes {
            assert!(!text.contains(&code.replace('-', "")) && !text.contains(code.as_str()), "{text}");
        }
    }
    let typed = codes[0].replace('-', " ").to_lowercase();
    assert!(try_with(&world, "ann", PASSWORD, Some(&typed)).await.is_ok(), "however it is typed");
    assert!(try_with(&world, "ann", PASSWORD, Some(&codes[0])).await.is_err(), "once");
    assert_eq!(world.details("recovery_used").await, [json!({"left": 9})]);
    // Codes of another account are none.
    assert!(try_with(&world, "bob", PASSWORD, Some(&codes[1])).await.unwrap().tokens().is_ok());
    assert!(try_with(&world, "ann", PASSWORD, Some(&codes[1])).await.is_ok());
    let missing = world.auth(&world.ann, Verb::Post, "totp/recovery", json!({})).await.unwrap_err();
    assert_eq!(missing.violations().len(), 2, "{missing}");
    step(&world);
    let body = json!({"current_password": PASSWORD, "code": phone.code(&world, 0)});
    let renewed = world.auth(&world.ann, Verb::Post, "totp/recovery", body).await.unwrap();
    assert!(try_with(&world, "ann", PASSWORD, Some(&codes[2])).await.is_err(), "the old ones are void");
    let code = renewed["recovery_codes"][0].as_str().unwrap();
    assert!(try_with(&world, "ann", PASSWORD, Some(code)).await.is_ok());
}

#[tokio::test]
async fn turning_it_on_needs_a_proof_and_a_code() {
    let world = World::new().await;
    assert_eq!(
        kind(world.auth(&world.stranger(), Verb::Post, "totp", Value::Null).await),
        ErrorKind::Unauthenticated
    );
    world.clock.advance(601 * SECOND);
    let stale = world.auth(&world.ann, Verb::Post, "totp", Value::Null).await;
    assert_eq!(kind(stale), ErrorKind::InvalidInput, "a stolen session is not enough");
    let body = json!({"current_password": "wrong password"});
    assert_eq!(kind(world.auth(&world.ann, Verb::Post, "totp", body).await), ErrorKind::InvalidInput);
    let confirm = |code: String| json!({"code": code});
    let nothing = world.auth(&world.ann, Verb::Post, "totp/confirm", confirm("000000".into())).await;
    assert_eq!(kind(nothing), ErrorKind::Conflict);
    let body = || json!({"current_password": PASSWORD});
    let begun = world.auth(&world.ann, Verb::Post, "totp", body()).await.unwrap();
    assert!(begun["uri"].as_str().unwrap().starts_with("otpauth://totp/RealNet:ann?secret="), "{begun}");
    let first = Phone::new(&begun["secret"]);
    assert!(try_with(&world, "ann", PASSWORD, None).await.unwrap().tokens().is_ok(), "not on yet");
    let wrong = world.auth(&world.ann, Verb::Post, "totp/confirm", confirm(first.wrong(&world))).await;
    assert_eq!(kind(wrong), ErrorKind::InvalidInput);
    let begun = world.auth(&world.ann, Verb::Post, "totp", body()).await.unwrap();
    let second = Phone::new(&begun["secret"]);
    let of_first = world.auth(&world.ann, Verb::Post, "totp/confirm", confirm(first.code(&world, 0))).await;
    assert!(of_first.is_err() || first.code(&world, 0) == second.code(&world, 0), "the later secret counts");
    world.clock.advance(601 * SECOND);
    let late = world.auth(&world.ann, Verb::Post, "totp/confirm", confirm(second.code(&world, 0))).await;
    assert_eq!(kind(late), ErrorKind::Conflict, "a secret waits for ten minutes");
    let begun = world.auth(&world.ann, Verb::Post, "totp", body()).await.unwrap();
    let phone = Phone::new(&begun["secret"]);
    world.auth(&world.ann, Verb::Post, "totp/confirm", confirm(phone.code(&world, 0))).await.unwrap();
    let again = world.auth(&world.ann, Verb::Post, "totp", body()).await;
    assert_eq!(kind(again), ErrorKind::Conflict, "it is not replaced by who has a session");
}

#[tokio::test]
async fn turning_it_off_needs_password_and_code() {
    let world = World::new().await;
    assert_eq!(kind(world.auth(&world.ann, Verb::Delete, "totp", Value::Null).await), ErrorKind::Conflict);
    let (phone, _) = enroll(&world).await;
    let code = phone.code(&world, 0);
    for body in [
        Value::Null,
        json!({"current_password": PASSWORD}),
        json!({"code": code}),
        json!({"current_password": "wrong password", "code": code}),
        json!({"current_password": PASSWORD, "code": phone.wrong(&world)}),
    ] {
        let refused = world.auth(&world.ann, Verb::Delete, "totp", body.clone()).await;
        assert_eq!(kind(refused), ErrorKind::InvalidInput, "{body}");
    }
    // Naming oneself is no way round.
    let own = format!("totp?account={}", id(&world.ann));
    assert_eq!(kind(world.auth(&world.ann, Verb::Delete, &own, Value::Null).await), ErrorKind::InvalidInput);
    let body = json!({"current_password": PASSWORD, "code": phone.code(&world, 0)});
    world.auth(&world.ann, Verb::Delete, "totp", body).await.unwrap();
    assert!(try_with(&world, "ann", PASSWORD, None).await.unwrap().tokens().is_ok());
    assert!(world.events(Some(id(&world.ann))).await.contains(&"factor_removed"));
    let left = world.services.credentials.records_of(
        id(&world.ann),
        RecordKind::Recovery,
        world.services.clock.now(),
    );
    assert!(left.await.unwrap().is_empty());
}

#[tokio::test]
async fn administrators_take_it_from_members_and_not_from_superusers() {
    let world = World::new().await;
    enroll(&world).await;
    let of = |caller: &realnet_core::acl::Caller| format!("totp?account={}", id(caller));
    let by_bob = world.auth(&world.bob, Verb::Delete, &of(&world.ann), Value::Null).await;
    assert_eq!(kind(by_bob), ErrorKind::NotFound);
    let by_nobody = world.auth(&world.stranger(), Verb::Delete, &of(&world.ann), Value::Null).await;
    assert_eq!(kind(by_nobody), ErrorKind::Unauthenticated);
    let of_root = world.auth(&world.admin, Verb::Delete, &of(&world.root), Value::Null).await;
    assert_eq!(kind(of_root), ErrorKind::Forbidden);
    assert!(matches!(try_with(&world, "ann", PASSWORD, None).await.unwrap(), SignedIn::Challenge(_)));
    let open = world.services.credentials.sessions_of(id(&world.ann), world.services.clock.now());
    assert!(!open.await.unwrap().is_empty());
    world.auth(&world.admin, Verb::Delete, &of(&world.ann), Value::Null).await.unwrap();
    let open = world.services.credentials.sessions_of(id(&world.ann), world.services.clock.now());
    assert!(open.await.unwrap().is_empty(), "whoever has found the device may be signed in with it");
    assert!(try_with(&world, "ann", PASSWORD, None).await.unwrap().tokens().is_ok());
    assert_eq!(world.details("factor_removed").await, [json!({"by": id(&world.admin)})]);
}

#[tokio::test]
async fn a_new_password_leaves_it_on_and_the_operator_can_drop_it() {
    let world = World::new().await;
    enroll(&world).await;
    let lost = |drop| world.accounts.set_lost_password(None, "ann", "a lost one found", drop);
    lost(false).await.unwrap();
    let asked = try_with(&world, "ann", "a lost one found", None).await.unwrap();
    assert!(matches!(asked, SignedIn::Challenge(_)));
    lost(true).await.unwrap();
    assert!(try_with(&world, "ann", "a lost one found", None).await.unwrap().tokens().is_ok());
}

#[tokio::test]
async fn the_secret_is_sealed_for_its_account_and_sealed_anew() {
    let world = World::new().await;
    let (phone, _) = enroll(&world).await;
    let (records, now) = (&world.services.credentials, world.services.clock.now());
    let (ann, bob) = (id(&world.ann), id(&world.bob));
    let record = records.record(RecordKind::Factor, &ann.to_string(), now).await.unwrap().unwrap();
    assert!(String::from_utf8(record.value.clone()).unwrap().contains("sealed:k"), "not plain");
    // A record that is moved to another account opens nothing there.
    let moved = AuthRecord { key: bob.to_string(), account: Some(bob), ..record.clone() };
    records.put_record(moved, Expected::Absent, now).await.unwrap();
    let as_bob = try_with(&world, "bob", PASSWORD, Some(&phone.code(&world, 0))).await;
    assert_eq!(refused(as_bob).0, ErrorKind::Internal);
    records.remove_record(RecordKind::Factor, &bob.to_string()).await.unwrap();

    let both = world.services.secrets.keyring().behind(&Keyring::generate().unwrap());
    let mut services = world.services.clone();
    services.secrets = unlock(&**records, both.clone()).await.unwrap();
    reseal(&services).await.unwrap();
    let resealed = records.record(RecordKind::Factor, &ann.to_string(), now).await.unwrap().unwrap();
    let text = String::from_utf8(resealed.value).unwrap();
    assert!(text.contains(&format!("sealed:{}:", both.primary().unwrap())), "{text}");
    assert!(
        refused(try_with(&world, "ann", PASSWORD, Some(&phone.code(&world, 0))).await).0
            == ErrorKind::Internal
    );
    let accounts = realnet_resource_accounts::Accounts::new(&services, crate::world::config()).await.unwrap();
    let request = SignIn {
        username: "ann".into(),
        password: PASSWORD.into(),
        org: None,
        code: Some(phone.code(&world, 0)),
    };
    assert!(accounts.sign_in(request, &from("192.0.2.9")).await.unwrap().tokens().is_ok());
}

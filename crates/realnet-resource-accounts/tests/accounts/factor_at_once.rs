//! The second factor while others do the same, while steps fail, and while somebody else has a session of the account.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use realnet_core::provider::{RecordKind, RecordProvider as _};
use realnet_core::resource::{Authenticator as _, SignIn, Verb};
use realnet_core::{ErrorKind, Result};
use realnet_testkit::passkey::Device;
use serde_json::{Value, json};

use crate::between::{Between, Step};
use crate::factor::{Phone, enroll, step};
use crate::passkeys;
use crate::world::{PASSWORD, World, from, id, kind};

async fn gets_in(world: &World, code: &str) -> bool {
    let request = SignIn {
        username: "ann".to_owned(),
        password: PASSWORD.to_owned(),
        org: None,
        code: Some(code.to_owned()),
    };
    world.accounts.sign_in(request, &from("192.0.2.9")).await.is_ok()
}

/// How many recovery codes are kept, whether they count or not.
async fn kept(world: &World, between: &Between) -> usize {
    let now = world.services.clock.now();
    between.records_of(id(&world.ann), RecordKind::Recovery, now).await.unwrap().len()
}

fn codes(answer: &Value) -> Vec<String> {
    let codes = answer["recovery_codes"].as_array().unwrap();
    codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn of_two_confirmations_at_once_the_codes_of_one_count() {
    let (world, between) = Between::world().await;
    let begun = world.auth(&world.ann, Verb::Post, "totp", Value::Null).await.unwrap();
    let phone = Phone::new(&begun["secret"]);
    let confirm = async || {
        let body = json!({"code": phone.code(&world, 0)});
        world.auth(&world.ann, Verb::Post, "totp/confirm", body).await
    };
    let both = <[Result<Value>; 2]>::from(tokio::join!(confirm(), confirm()));
    let shown: Vec<&Value> = both.iter().flatten().collect();
    assert_eq!(shown.len(), 1, "{both:?}");
    assert_eq!(kept(&world, &between).await, 10, "nothing is left of the other");
    let left = world.auth(&world.ann, Verb::Get, "totp", Value::Null).await.unwrap();
    assert_eq!(left["recovery_codes"], 10);
    for code in codes(shown[0]) {
        assert!(gets_in(&world, &code).await, "{code}");
    }
}

#[tokio::test]
async fn of_two_renewals_at_once_the_later_one_counts_as_a_whole() {
    let (world, between) = Between::world().await;
    let (phone, old) = enroll(&world).await;
    let renew = async |code: String| {
        let body = json!({"current_password": PASSWORD, "code": code});
        world.auth(&world.ann, Verb::Post, "totp/recovery", body).await.unwrap()
    };
    let (one, other) = tokio::join!(renew(phone.code(&world, 0)), renew(old[0].clone()));
    assert_eq!(kept(&world, &between).await, 10);
    let mut counting = Vec::new();
    for set in [codes(&one), codes(&other)] {
        counting.push(gets_in(&world, &set[0]).await);
    }
    counting.sort_unstable();
    assert_eq!(counting, [false, true], "one set, and neither none nor both");
    assert!(!gets_in(&world, &old[1]).await);
}

#[tokio::test]
async fn codes_that_can_not_be_renewed_go_on() {
    let (world, between) = Between::world().await;
    let (phone, old) = enroll(&world).await;
    let put = AtomicUsize::new(0);
    between
        .watch(move |step| step != Step::Put(RecordKind::Recovery) || put.fetch_add(1, Ordering::SeqCst) < 4);
    let body = json!({"current_password": PASSWORD, "code": phone.code(&world, 0)});
    let renewed = world.auth(&world.ann, Verb::Post, "totp/recovery", body).await;
    assert_eq!(kind(renewed), ErrorKind::Unavailable);
    between.look_away();
    let left = world.auth(&world.ann, Verb::Get, "totp", Value::Null).await.unwrap();
    assert_eq!(left["recovery_codes"], 10, "{left}");
    assert!(gets_in(&world, &old[0]).await);
    // Those that were put away unseen go with the factor.
    step(&world);
    let body = json!({"current_password": PASSWORD, "code": phone.code(&world, 0)});
    world.auth(&world.ann, Verb::Delete, "totp", body).await.unwrap();
    assert_eq!(kept(&world, &between).await, 0);
}

#[tokio::test]
async fn codes_of_before_that_stay_behind_count_no_more() {
    let (world, between) = Between::world().await;
    let (phone, old) = enroll(&world).await;
    between.watch(|step| step != Step::Remove(RecordKind::Recovery));
    let body = json!({"current_password": PASSWORD, "code": phone.code(&world, 0)});
    let renewed = world.auth(&world.ann, Verb::Post, "totp/recovery", body).await.unwrap();
    between.look_away();
    assert_eq!(kept(&world, &between).await, 20, "they could not be removed");
    let left = world.auth(&world.ann, Verb::Get, "totp", Value::Null).await.unwrap();
    assert_eq!(left["recovery_codes"], 10, "{left}");
    assert!(!gets_in(&world, &old[0]).await);
    assert!(gets_in(&world, &codes(&renewed)[0]).await);
}

#[tokio::test]
async fn the_first_code_is_for_who_was_shown_the_secret() {
    let world = World::new().await;
    let stolen = world.sign_in("ann").await.caller;
    let begun = world.auth(&world.ann, Verb::Post, "totp", Value::Null).await.unwrap();
    let phone = Phone::new(&begun["secret"]);
    let confirm = async |caller, code: String| {
        world.auth(caller, Verb::Post, "totp/confirm", json!({"code": code})).await
    };
    let elsewhere = confirm(&stolen, phone.code(&world, 0)).await;
    assert_eq!(kind(elsewhere), ErrorKind::Conflict, "not even a right one");
    // Whoever has got hold of that very session guesses as seldom as at signing in, and no more often for knowing the password.
    let mut guesses = 0;
    while kind(confirm(&world.ann, phone.wrong(&world)).await) == ErrorKind::InvalidInput {
        world.sign_in("ann").await;
        guesses += 1;
        assert!(guesses <= 10, "there is no limit");
    }
    assert_eq!(guesses, 10);
    assert_eq!(kind(confirm(&world.ann, phone.code(&world, 0)).await), ErrorKind::RateLimited);
    assert!(world.events(Some(id(&world.ann))).await.contains(&"factor_failed"));
}

/// Has a device sign in right before a passkey is removed for the first time; answers where the token will be that it opens.
async fn late_sign_in(world: &World, between: &Between, device: &mut Device) -> Arc<Mutex<Option<String>>> {
    let credential = device.sign(&passkeys::options(world).await, &passkeys::honest());
    let (accounts, opened) = (Arc::clone(&world.accounts), Arc::new(Mutex::new(None)));
    let place = Arc::clone(&opened);
    between.before(Step::Remove(RecordKind::Passkey), async move {
        let tokens = accounts.sign_in_by_passkey(credential, &from("192.0.2.9")).await;
        *place.lock() = tokens.ok().map(|tokens| tokens.token);
    });
    opened
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_lost_passkey_opens_while_it_is_taken_away_ends_with_it() {
    let (world, between) = passkeys::between().await;
    let mut device = passkeys::add(&world, &world.ann).await;
    let opened = late_sign_in(&world, &between, &mut device).await;
    let of_ann = format!("totp?account={}", id(&world.ann));
    world.auth(&world.admin, Verb::Delete, &of_ann, Value::Null).await.unwrap();
    between.look_away();
    let token = opened.lock().take().unwrap();
    assert!(!world.token_works(&token).await, "by an administrator");
    // And by the operator.
    let ann = world.sign_in("ann").await.caller;
    let mut device = passkeys::add(&world, &ann).await;
    let opened = late_sign_in(&world, &between, &mut device).await;
    world.accounts.set_lost_password(None, "ann", "another password", true).await.unwrap();
    between.look_away();
    let token = opened.lock().take().unwrap();
    assert!(!world.token_works(&token).await, "by the operator");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_planted_passkey_opens_before_it_is_taken_back_ends_with_it() {
    let (world, between) = passkeys::between().await;
    passkeys::add(&world, &world.ann).await;
    let options = passkeys::begin(&world, &world.ann, Value::Null).await.unwrap();
    let mut planted = Device::new(1);
    let credential = planted.register(&options, &passkeys::honest());
    let of_ann = format!("totp?account={}", id(&world.ann));
    world.auth(&world.admin, Verb::Delete, &of_ann, Value::Null).await.unwrap();
    // Another server still remembers the caller. What it makes there signs in at once, behind all that an administrator has done.
    let opened = late_sign_in(&world, &between, &mut planted).await;
    assert_eq!(kind(passkeys::confirm(&world, &world.ann, credential).await), ErrorKind::Unauthenticated);
    between.look_away();
    let token = opened.lock().take().expect("it could sign in");
    assert!(!world.token_works(&token).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_that_is_taken_away_while_it_signs_in_opens_nothing() {
    let (world, between) = passkeys::between().await;
    let mut device = passkeys::add(&world, &world.ann).await;
    let ann = id(&world.ann);
    let world = Arc::new(world);
    let elsewhere = Arc::clone(&world);
    // Who it is has been proved by then, and nothing opened yet.
    between.before(Step::Password, async move {
        let of_ann = format!("totp?account={ann}");
        elsewhere.auth(&elsewhere.admin, Verb::Delete, &of_ann, Value::Null).await.unwrap();
    });
    let signed_in = passkeys::sign_in(&world, &mut device).await;
    between.look_away();
    assert_eq!(kind(signed_in.map(drop)), ErrorKind::Unauthenticated);
}

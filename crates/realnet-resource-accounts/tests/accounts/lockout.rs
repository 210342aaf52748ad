//! Guessing passwords: limits by name and by address.

use std::sync::Arc;
use std::time::Duration;

use realnet_core::acl::Caller;
use realnet_core::resource::{Authenticator, SignIn, Verb};
use realnet_core::{ErrorKind, Uuid};
use realnet_resource_accounts::{Accounts, AccountsConfig};
use serde_json::json;

use crate::world::{PASSWORD, World, config, id, id_of, json_patch, kind};

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;

/// Guesses until there is a limit; answers how often.
async fn guess(world: &World, username: &str, address: &str) -> usize {
    for times in 0..1000 {
        let error = world.sign_in_from(address, username, "wrong password").await.err().unwrap();
        if error.kind() == ErrorKind::RateLimited {
            return times;
        }
        assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    }
    panic!("there is no limit")
}

#[tokio::test]
async fn ten_failures_lock_a_name_whether_it_exists_or_not() {
    let world = World::new().await;
    let mut refused = Vec::new();
    for (name, address) in [("ann", "192.0.2.1"), ("nobody", "192.0.2.2")] {
        assert_eq!(guess(&world, name, address).await, 10, "{name}");
        for password in [PASSWORD, "wrong password"] {
            // From anywhere, and with the right password as well.
            let error = world.sign_in_from("192.0.2.99", name, password).await.err().unwrap();
            refused.push((error.kind(), error.message().to_owned(), error.retry_after()));
        }
    }
    refused.dedup();
    let words = "too many attempts: try again later".to_owned();
    assert_eq!(refused, [(ErrorKind::RateLimited, words, Some(Duration::from_secs(90)))]);
    assert!(world.sign_in_from("192.0.2.99", "bob", PASSWORD).await.is_ok(), "others sign in");
    let ann = Some(id(&world.ann));
    assert_eq!(world.events(ann).await.iter().filter(|kind| **kind == "sign_in_failed").count(), 10);
    assert_eq!(world.events(ann).await.iter().filter(|kind| **kind == "locked").count(), 1);
    let told = world.events(None).await;
    assert_eq!(told.iter().filter(|kind| **kind == "locked").count(), 2, "equal for names that do not exist");
    assert_eq!(told.iter().filter(|kind| **kind == "sign_in_failed").count(), 20);
}

#[tokio::test]
async fn a_name_in_any_case_is_one_account_and_one_count() {
    let world = World::new().await;
    for username in ["ANN", "Ann"] {
        let body = json!({"username": username, "password": PASSWORD});
        assert_eq!(kind(world.create(&world.root, "accounts", body).await), ErrorKind::Conflict);
    }
    let shown = world.person("Eve", "user").await;
    let shown = world.get(&world.root, "accounts", shown).await.unwrap();
    assert_eq!(
        (&shown["attributes"]["username"], &shown["attributes"]["email"]),
        (&json!("eve"), &json!("eve@first.test"))
    );
    assert!(world.try_sign_in("EVE", PASSWORD).await.is_ok());
    let renamed = json!([{"op": "replace", "path": "/attributes/username", "value": "Evelyn"}]);
    let renamed = world.call(&world.admin, "items", json_patch(id_of(&shown), renamed)).await.unwrap();
    assert_eq!(renamed["attributes"]["username"], "evelyn");
    for times in 0..10 {
        let name = if times % 2 == 0 { "ann" } else { "aNN" };
        assert_eq!(guess_times(&world, name, 1).await, 1);
    }
    assert_eq!(guess(&world, "ANN", "192.0.2.8").await, 0);
}

#[tokio::test]
async fn a_name_that_can_not_be_fails_like_any_other_and_is_kept_nowhere() {
    let world = World::new().await;
    let long = "x".repeat(129);
    assert_eq!(guess_times(&world, &long, 60).await, 50, "limited by network");
    assert_eq!(guess(&world, &"x".repeat(128), "192.0.2.8").await, 10);
}

#[tokio::test]
async fn strangers_do_not_lock_the_owner_out() {
    let world = World::new().await;
    world.sign_in_from("198.51.100.7", "ann", PASSWORD).await.unwrap();
    for address in ["192.0.2.1", "192.0.2.2"] {
        guess(&world, "ann", address).await;
        assert_eq!(
            kind(world.sign_in_from(address, "ann", PASSWORD).await.map(|_| ())),
            ErrorKind::RateLimited
        );
    }
    // The same line, with another address; and from there guesses are limited as well, and lock that line only.
    assert!(world.sign_in_from("198.51.100.9", "ann", PASSWORD).await.is_ok());
    assert_eq!(guess(&world, "ann", "192.0.2.3").await, 0, "nothing is forgiven to strangers by that");
    assert_eq!(guess(&world, "ann", "198.51.100.7").await, 10);
    assert_eq!(guess(&world, "ann", "198.51.100.8").await, 0);
    // What is known is known to all replicas.
    world.clock.advance(7 * 24 * 60 * MINUTE);
    guess(&world, "ann", "192.0.2.1").await;
    let replica = Accounts::new(&world.services, config()).await.unwrap();
    let request = SignIn { username: "ann".into(), password: PASSWORD.into(), org: None, code: None };
    let origin = crate::world::from("198.51.100.7");
    assert!(Authenticator::sign_in(&*replica, request.clone(), &origin).await.is_ok());
    world.clock.advance(181 * 24 * 60 * MINUTE);
    guess(&world, "ann", "192.0.2.1").await;
    assert!(Authenticator::sign_in(&*replica, request, &origin).await.is_err(), "that was long ago");
}

#[tokio::test]
async fn only_the_latest_networks_are_remembered() {
    let world = World::new().await;
    for number in 0..20 {
        world.sign_in_from(&format!("198.51.{number}.1"), "ann", PASSWORD).await.unwrap();
        world.clock.advance(SECOND);
    }
    guess(&world, "ann", "192.0.2.1").await;
    for (number, is_known) in [(3, false), (4, true), (19, true)] {
        let signed_in = world.sign_in_from(&format!("198.51.{number}.2"), "ann", PASSWORD).await;
        assert_eq!(signed_in.is_ok(), is_known, "{number}");
    }
}

#[tokio::test]
async fn administrators_unlock() {
    let world = World::new().await;
    let unlock = async |caller: &Arc<Caller>, account: Uuid| {
        world.auth(caller, Verb::Post, "unlock", json!({"account": account})).await
    };
    let ann = id(&world.ann);
    world.sign_in_from("198.51.100.7", "ann", PASSWORD).await.unwrap();
    for address in ["192.0.2.1", "198.51.100.7"] {
        assert_eq!(guess(&world, "ann", address).await, 10);
    }
    assert_eq!(kind(unlock(&world.stranger(), ann).await), ErrorKind::Unauthenticated);
    for caller in [&world.ann, &world.bob] {
        assert_eq!(kind(unlock(caller, ann).await), ErrorKind::Forbidden);
    }
    assert_eq!(kind(unlock(&world.admin, id(&world.root)).await), ErrorKind::Forbidden);
    assert_eq!(kind(unlock(&world.admin, world.org).await), ErrorKind::NotFound);
    assert_eq!(unlock(&world.admin, ann).await.unwrap(), json!(null));
    for address in ["192.0.2.1", "198.51.100.7"] {
        assert!(world.sign_in_from(address, "ann", PASSWORD).await.is_ok());
    }
    assert_eq!(world.events(Some(ann)).await.iter().filter(|kind| **kind == "unlocked").count(), 1);
    // A new password from an administrator unlocks as well.
    guess(&world, "bob", "192.0.2.1").await;
    let next = json!({"password": "battery staple"});
    world.merge(&world.admin, "accounts", id(&world.bob), next).await.unwrap();
    assert!(world.sign_in_from("192.0.2.1", "bob", "battery staple").await.is_ok());
}

#[tokio::test]
async fn a_site_counts_as_a_whole() {
    let world = World::new().await;
    let mut failures = 0;
    for number in 0..20 {
        for name in 0..50 {
            let address = format!("2001:db8:1:{number:x}::1");
            let refused = world.sign_in_from(&address, &format!("name{number}x{name}"), "wrong").await;
            failures += usize::from(refused.err().unwrap().kind() == ErrorKind::Unauthenticated);
        }
    }
    assert_eq!(failures, 400);
    let elsewhere = world.sign_in_from("2001:db8:2::1", "ann", PASSWORD).await;
    assert!(elsewhere.is_ok());
    let told = world.details("locked").await;
    assert_eq!(
        told.iter().filter(|detail| detail["by"] == "address").count(),
        9,
        "eight parts and the whole"
    );
}

#[tokio::test]
async fn it_is_told_once_that_a_network_is_locked() {
    let world = World::new().await;
    for name in 0..70 {
        guess_times(&world, &format!("name{name}"), 1).await;
    }
    assert_eq!(world.details("locked").await, [json!({"by": "address"})]);
    // One may fail again, which is no news before the window has passed.
    world.clock.advance(18 * SECOND);
    assert_eq!(guess_times(&world, "another", 2).await, 1);
    assert_eq!(world.details("locked").await.len(), 1);
    world.clock.advance(15 * MINUTE);
    for name in 0..70 {
        guess_times(&world, &format!("more{name}"), 1).await;
    }
    assert_eq!(world.details("locked").await.len(), 2);
}

#[tokio::test]
async fn the_wait_grows_with_the_failures() {
    let world = World::new().await;
    assert_eq!(guess(&world, "ann", "192.0.2.1").await, 10);
    world.clock.advance(89 * SECOND);
    assert_eq!(guess(&world, "ann", "192.0.2.2").await, 0);
    world.clock.advance(SECOND);
    assert_eq!(guess(&world, "ann", "192.0.2.2").await, 1);
    world.clock.advance(15 * MINUTE);
    assert_eq!(guess(&world, "ann", "192.0.2.3").await, 10);
    world.clock.advance(15 * MINUTE);
    // 30 in six hours, and some of that is over.
    let third = guess(&world, "ann", "192.0.2.4").await;
    assert!((9..=12).contains(&third), "{third}");
    world.clock.advance(15 * MINUTE);
    let fourth = guess(&world, "ann", "192.0.2.5").await;
    assert!(fourth < 5, "{fourth}");
    world.clock.advance(24 * 60 * MINUTE);
    assert_eq!(guess(&world, "ann", "192.0.2.6").await, 10);
}

#[tokio::test]
async fn one_address_does_not_guess_at_many_names() {
    let world = World::new().await;
    let mut failures = 0;
    for name in 0..20 {
        failures += guess_times(&world, &format!("name{name}"), 5).await;
    }
    assert_eq!(failures, 50);
    assert_eq!(
        kind(world.sign_in_from("192.0.2.7", "ann", PASSWORD).await.map(|_| ())),
        ErrorKind::RateLimited
    );
    assert!(world.sign_in_from("192.0.2.8", "ann", PASSWORD).await.is_ok());
    world.clock.advance(18 * SECOND);
    assert!(world.sign_in_from("192.0.2.7", "ann", PASSWORD).await.is_ok());
    assert!(world.sign_in_from("192.0.2.7", "ann", PASSWORD).await.is_ok(), "success costs nothing");
}

async fn guess_times(world: &World, username: &str, times: usize) -> usize {
    let mut failures = 0;
    for _ in 0..times {
        let error = world.sign_in_from("192.0.2.7", username, "wrong password").await.err().unwrap();
        failures += usize::from(error.kind() == ErrorKind::Unauthenticated);
    }
    failures
}

#[tokio::test]
async fn a_locked_name_loses_no_session() {
    let world = World::new().await;
    let tokens = world.sign_in("ann").await;
    assert_eq!(guess(&world, "ann", "192.0.2.1").await, 10);
    assert!(world.token_works(&tokens.token).await);
    let origin = crate::world::from("192.0.2.1");
    let next =
        realnet_core::resource::Authenticator::refresh(&*world.accounts, &tokens.refresh_token, &origin)
            .await;
    assert!(world.token_works(&next.unwrap().token).await);
}

#[tokio::test]
async fn success_forgets_the_failures_before() {
    let world = World::new().await;
    for _ in 0..5 {
        assert_eq!(guess_times(&world, "ann", 9).await, 9);
        assert!(world.sign_in_from("192.0.2.8", "ann", PASSWORD).await.is_ok());
        world.clock.advance(15 * MINUTE);
    }
}

#[tokio::test]
async fn guesses_side_by_side_are_counted_and_right_ones_are_not() {
    let world = World::new().await;
    let right = (0..40).map(|_| world.sign_in_from("192.0.2.1", "ann", PASSWORD));
    assert!(futures_all(right).await.iter().all(Result::is_ok));
    let wrong = (0..40).map(|_| world.sign_in_from("192.0.2.1", "bob", "wrong password"));
    let kinds: Vec<_> = futures_all(wrong).await.into_iter().map(|one| one.err().unwrap().kind()).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == ErrorKind::Unauthenticated).count(), 10);
}

async fn futures_all<T>(all: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut waiting: Vec<_> = all.map(Box::pin).collect();
    let mut done: Vec<Option<T>> = waiting.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (future, place) in waiting.iter_mut().zip(&mut done) {
            if place.is_none()
                && let std::task::Poll::Ready(value) = future.as_mut().poll(context)
            {
                *place = Some(value);
            }
        }
        if done.iter().all(Option::is_some) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done.into_iter().flatten().collect()
}

#[tokio::test]
async fn limits_can_be_switched_off() {
    let world =
        World::with(AccountsConfig { attempts_per_account: 0, attempts_per_address: 0, ..config() }).await;
    assert_eq!(guess_times(&world, "ann", 120).await, 120);
    assert!(world.sign_in_from("192.0.2.7", "ann", PASSWORD).await.is_ok());
}

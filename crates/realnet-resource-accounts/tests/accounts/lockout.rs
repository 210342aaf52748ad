//! Guessing passwords: limits by name and by address.

use std::time::Duration;

use realnet_core::ErrorKind;
use realnet_resource_accounts::AccountsConfig;

use crate::world::{PASSWORD, World, config, id, kind};

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
async fn signing_in_to_a_name_alike_forgets_no_failures() {
    let world = World::new().await;
    world.person("ANN", "user").await;
    assert_eq!(guess(&world, "ann", "192.0.2.1").await, 10);
    assert!(world.sign_in_from("192.0.2.1", "ANN", PASSWORD).await.is_ok(), "another account");
    assert_eq!(guess(&world, "ann", "192.0.2.1").await, 0);
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

//! Limits: no more than the rate allows, whoever asks at the same time; and what was taken comes back with time.
//!
//! A store may go by a clock of its own, so the cases wait where time must pass.

use std::time::Duration;

use realnet_core::limit::{Allowance, Rate};

use crate::conformance::{World, race};

const DAY: Duration = Duration::from_hours(24);
/// So much may come back while a case runs.
const SLACK: Duration = Duration::from_mins(2);

fn rate(capacity: u32, per: Duration) -> Rate {
    Rate::new(capacity, per).expect("a proper rate")
}

async fn take(world: &World, bucket: &str, rate: Rate, cost: u32) -> Allowance {
    let now = world.now();
    world.stores.credentials.take(bucket, rate, cost, now).await.expect("limits work")
}

/// A bucket gives what it holds and no more; what is told about it is right; buckets are apart.
pub async fn a_bucket_gives_what_it_holds(world: World) {
    let rate = rate(5, DAY);
    let remaining = async |cost: u32| {
        let allowance = take(&world, "a", rate, cost).await;
        assert!(allowance.allowed && allowance.retry_after == Duration::ZERO);
        allowance.remaining
    };
    assert_eq!(remaining(0).await, 5);
    assert_eq!(remaining(1).await, 4);
    assert_eq!(remaining(3).await, 1);
    assert_eq!(remaining(0).await, 1);
    let refused = take(&world, "a", rate, 2).await;
    assert!(!refused.allowed);
    assert_eq!(refused.remaining, 1);
    let token = DAY / 5;
    assert!(refused.retry_after <= token && refused.retry_after + SLACK > token, "{refused:?}");
    let full = token * 4;
    assert!(refused.reset_after <= full && refused.reset_after + SLACK > full, "{refused:?}");
    assert_eq!(remaining(1).await, 0);
    assert!(!take(&world, "a", rate, 1).await.allowed);
    assert_eq!(take(&world, "b", rate, 5).await.remaining, 0);
    let never = take(&world, "c", rate, 6).await;
    assert_eq!((never.allowed, never.remaining, never.retry_after), (false, 5, DAY));
    // A lower rate counts what was taken under a higher one.
    assert!(!take(&world, "b", self::rate(4, DAY), 1).await.allowed);
    assert_eq!(take(&world, "b", self::rate(8, DAY), 0).await.remaining, 3);
}

/// However many take at once, they get what the bucket holds together.
pub async fn no_more_than_the_rate_allows(world: World) {
    let rate = rate(100, DAY);
    let given = race(32, |_| {
        let world = world.clone();
        async move {
            let mut given = 0;
            for _ in 0..10 {
                given += u32::from(take(&world, "crowd", rate, 1).await.allowed);
            }
            given
        }
    })
    .await;
    assert_eq!(given.iter().sum::<u32>(), 100, "{given:?}");
    let last = take(&world, "crowd", rate, 1).await;
    assert_eq!((last.allowed, last.remaining), (false, 0));
}

/// What was taken comes back with time, and not before.
pub async fn tokens_come_back(world: World) {
    let rate = rate(2, Duration::from_secs(4));
    assert!(take(&world, "a", rate, 2).await.allowed);
    let refused = take(&world, "a", rate, 1).await;
    assert!(!refused.allowed && refused.retry_after <= Duration::from_secs(2), "{refused:?}");
    tokio::time::sleep(refused.retry_after + Duration::from_millis(50)).await;
    let waited = (refused.retry_after + Duration::from_millis(50)).as_micros() as i64;
    let now = realnet_core::clock::Timestamp::from_micros(world.now().as_micros() + waited);
    let again = world.stores.credentials.take("a", rate, 1, now).await.unwrap();
    assert!(again.allowed, "{again:?}");
}

/// Tokens can be given back, and a bucket be made full; names are free.
pub async fn tokens_are_given_back(world: World) {
    let credentials = &world.stores.credentials;
    let rate = rate(10, DAY);
    let long = "\u{0}x".repeat(10_000);
    for name in ["", "sign-in:2001:db8::7", "name:é' \0", &long] {
        assert_eq!(take(&world, name, rate, 10).await.remaining, 0);
        assert!(!take(&world, name, rate, 1).await.allowed);
        credentials.refund(name, 4).await.unwrap();
        assert_eq!(take(&world, name, rate, 1).await.remaining, 3);
        credentials.refund(name, 1000).await.unwrap();
        assert_eq!(take(&world, name, rate, 0).await.remaining, 10);
        assert!(take(&world, name, rate, 10).await.allowed);
        credentials.forget(name).await.unwrap();
        assert!(take(&world, name, rate, 10).await.allowed);
    }
    credentials.refund("nobody", 1).await.unwrap();
    credentials.forget("nobody").await.unwrap();
    assert_eq!(take(&world, "nobody", rate, 0).await.remaining, 10);
}

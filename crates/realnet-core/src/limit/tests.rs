//! What holds for buckets at any rate.

use std::time::Duration;

use proptest::prelude::*;

use super::*;

fn rate(capacity: u32, per: Duration) -> Rate {
    Rate::new(capacity, per).unwrap()
}

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

/// Takes as exact fractions of a token, by the definition.
struct Exact {
    /// Missing tokens times `per`.
    spent: i128,
    at: i128,
}

impl Exact {
    fn take(&mut self, rate: Rate, cost: u32, now: i64) -> bool {
        let passed = (i128::from(now) - self.at).max(0);
        let per = i128::from(rate.per_micros());
        let spent = (self.spent - passed * i128::from(rate.capacity())).max(0);
        let allowed = spent + i128::from(cost) * per <= i128::from(rate.capacity()) * per;
        if allowed {
            self.spent = spent + i128::from(cost) * per;
            self.at = self.at.max(now.into());
        }
        allowed
    }
}

#[test]
fn a_burst_then_one_by_one() {
    let rate = rate(3, Duration::from_secs(30));
    let mut bucket = Bucket::default();
    let start = 1_700_000_000_000_000;
    let left: Vec<u32> = (0..3).map(|_| bucket.take(rate, 1, at(start)).remaining).collect();
    assert_eq!(left, [2, 1, 0]);
    let refused = bucket.take(rate, 1, at(start));
    let expected = Allowance {
        allowed: false,
        remaining: 0,
        retry_after: Duration::from_secs(10),
        reset_after: Duration::from_secs(30),
    };
    assert_eq!(refused, expected);
    assert!(!bucket.take(rate, 1, at(start + 9_999_999)).allowed);
    assert!(bucket.take(rate, 1, at(start + 10_000_000)).allowed);
    assert!(!bucket.take(rate, 1, at(start + 10_000_001)).allowed);
    assert_eq!(bucket.full_at(rate), at(start + 40_000_000));
}

#[test]
fn asking_often_does_not_stop_the_refill() {
    // A token of this rate takes a day; a refill between two looks is far below the unit.
    let rate = rate(1, Duration::from_hours(24));
    let mut bucket = Bucket::default();
    assert!(bucket.take(rate, 1, at(0)).allowed);
    for tenth in 1..864_000 {
        assert!(!bucket.take(rate, 1, at(tenth * 100_000)).allowed);
    }
    assert!(bucket.take(rate, 1, at(86_400_000_000)).allowed);
}

#[test]
fn what_can_never_be_is_refused() {
    let rate = rate(5, Duration::from_mins(1));
    let mut bucket = Bucket::default();
    let refused = bucket.take(rate, 6, at(1));
    assert_eq!((refused.allowed, refused.remaining, refused.retry_after), (false, 5, rate.per()));
    assert_eq!(bucket, Bucket::default());
}

#[test]
fn a_lower_rate_counts_at_once() {
    let (wide, narrow) = (rate(100, Duration::from_mins(1)), rate(5, Duration::from_mins(1)));
    let mut bucket = Bucket::default();
    assert!(bucket.take(wide, 80, at(0)).allowed);
    let refused = bucket.take(narrow, 1, at(0));
    assert_eq!((refused.allowed, refused.retry_after), (false, Duration::from_secs(12)));
}

#[test]
fn rates_are_bounded() {
    assert!(Rate::new(0, Duration::from_secs(1)).is_none());
    assert!(Rate::new(Rate::MAX_CAPACITY + 1, Duration::from_secs(1)).is_none());
    assert!(Rate::new(1, Duration::from_micros(999)).is_none());
    assert!(Rate::new(1, Rate::MAX_PER + Duration::from_micros(1)).is_none());
    assert!(Rate::new(Rate::MAX_CAPACITY, Rate::MAX_PER).is_some());
}

#[test]
fn names_of_strangers_are_bounded() {
    assert_eq!(bucket_key("login:192.0.2.7"), "login:192.0.2.7");
    let long = "x".repeat(201);
    assert_eq!(bucket_key(&long).len(), "sha256:".len() + 64);
    assert_ne!(bucket_key("a\0"), bucket_key("b\0"));
    assert!(!bucket_key("a\0").contains('\0'));
    let abc = "abc\0";
    assert_eq!(bucket_key(abc), "sha256:dc1114cd074914bd872cc1f9a23ec910ea2203bc79779ab2e17da25782a624fc");
}

#[test]
fn a_flood_of_names_does_not_free_the_one_who_has_used_up_most() {
    let mut buckets = Buckets::new(64);
    let rate = rate(10, Duration::from_mins(10));
    assert!(buckets.take("attacker", rate, 10, at(0)).allowed);
    for index in 0..10_000 {
        assert!(buckets.take(&format!("other {index}"), rate, 1, at(index)).allowed);
        assert!(buckets.len() <= 64);
    }
    assert!(!buckets.take("attacker", rate, 1, at(10_000)).allowed);
    // All of them are full after their time, and go when room is needed.
    for index in 0..64 {
        assert!(buckets.take(&format!("late {index}"), rate, 1, at(601_000_000)).allowed);
    }
    assert!(buckets.len() <= 64);
    assert!(buckets.take("attacker", rate, 10, at(601_000_000)).allowed);
}

#[test]
fn what_is_given_back_or_forgotten_can_be_taken_again() {
    let mut buckets = Buckets::default();
    let rate = rate(4, Duration::from_secs(4000));
    assert!(buckets.take("a", rate, 4, at(0)).allowed);
    buckets.refund("a", 3);
    assert_eq!(buckets.take("a", rate, 1, at(0)).remaining, 2);
    buckets.refund("a", 100);
    assert_eq!(buckets.take("a", rate, 0, at(0)).remaining, 4);
    assert!(buckets.take("a", rate, 4, at(0)).allowed);
    buckets.forget("a");
    assert!(buckets.is_empty());
    assert!(buckets.take("a", rate, 4, at(0)).allowed);
    buckets.refund("nobody", 1);
    assert_eq!(buckets.len(), 1);
}

/// Steps: how much later, how much to take.
fn steps() -> impl Strategy<Value = Vec<(i64, u32)>> {
    prop::collection::vec(
        (prop_oneof![0_i64..5, 0_i64..2_000_000, 0_i64..200_000_000_000], 0_u32..12),
        1..200,
    )
}

proptest! {
    /// Never more than the exact rule allows, and the waiting time that is told is the right one.
    #[test]
    fn never_exceeded_and_never_late(
        capacity in 1_u32..1000,
        micros in 1000_u64..100_000_000_000,
        steps in steps(),
    ) {
        let rate = rate(capacity, Duration::from_micros(micros));
        let mut bucket = Bucket::default();
        let mut exact = Exact { spent: 0, at: 0 };
        let mut now = 1_700_000_000_000_000_i64;
        // Tokens in the present window, by the definition of the limit: capacity + what comes in.
        let (begin, mut taken) = (now, 0_i128);
        for (later, cost) in steps {
            now += later;
            let allowance = bucket.take(rate, cost, at(now));
            if allowance.allowed {
                taken += i128::from(cost);
            }
            let most = i128::from(capacity) * i128::from(micros) + i128::from(now - begin) * i128::from(capacity);
            prop_assert!(taken * i128::from(micros) <= most, "more was taken than the rate gives");
            if allowance.allowed {
                prop_assert!(exact.take(rate, cost, now), "the exact rule refuses what was allowed");
            } else {
                // Wait as told: then it must be allowed, unless it can never be.
                let later = now + allowance.retry_after.as_micros() as i64;
                let mut patient = bucket;
                let again = patient.take(rate, cost, at(later));
                prop_assert!(again.allowed || cost > capacity, "told to wait {:?}", allowance.retry_after);
                let mut hasty = bucket;
                let slack = 2 + rate.per_micros() / rate.units();
                let early = later - slack;
                prop_assert!(
                    early < now || cost > capacity || !hasty.take(rate, cost, at(early)).allowed,
                    "told to wait longer than needed: {:?}", allowance.retry_after
                );
            }
        }
    }

    /// A clock that goes back never gives tokens.
    #[test]
    fn time_that_goes_back_gives_nothing(moments in prop::collection::vec(0_i64..1000, 1..100)) {
        let rate = rate(5, Duration::from_hours(24));
        let mut bucket = Bucket::default();
        let allowed = moments.iter().filter(|moment| bucket.take(rate, 1, at(1_000_000 + **moment)).allowed);
        prop_assert_eq!(allowed.count(), moments.len().min(5));
    }
}

//! Token buckets: how often something may be done. Pure arithmetic on whole numbers, the same for every store. Beside them
//! ([`Memory`]): how much may be in memory at a time.
//!
//! A bucket holds up to `capacity` tokens and gets as many again over `per`, evenly. Whoever does something takes tokens;
//! when there are too few, nothing is taken and the answer says how long to wait.

mod buckets;
mod memory;

use std::borrow::Cow;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::clock::Timestamp;

pub use buckets::Buckets;
pub use memory::{Memory, Room};

/// A token in the unit that buckets count in, so that a refill by parts of a token is not lost.
pub const TOKEN: i64 = 1_000_000;

/// How many tokens a bucket holds, and over which time an empty one becomes full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rate {
    capacity: u32,
    micros: i64,
}

impl Rate {
    /// The largest capacity.
    pub const MAX_CAPACITY: u32 = 1_000_000;
    /// The longest time: 31 days.
    pub const MAX_PER: Duration = Duration::from_hours(31 * 24);

    /// A rate; `None` when the capacity is not 1 to [`Self::MAX_CAPACITY`], or the time not one millisecond to
    /// [`Self::MAX_PER`].
    pub const fn new(capacity: u32, per: Duration) -> Option<Self> {
        let micros = per.as_micros();
        if capacity == 0
            || capacity > Self::MAX_CAPACITY
            || micros < 1000
            || micros > Self::MAX_PER.as_micros()
        {
            return None;
        }
        Some(Self { capacity, micros: micros as i64 })
    }

    /// How many tokens a full bucket holds.
    pub const fn capacity(&self) -> u32 {
        self.capacity
    }

    /// Over which time an empty bucket becomes full.
    pub const fn per(&self) -> Duration {
        Duration::from_micros(self.micros as u64)
    }

    /// The same in microseconds.
    pub const fn per_micros(&self) -> i64 {
        self.micros
    }

    /// The capacity in the unit of buckets.
    pub const fn units(&self) -> i64 {
        self.capacity as i64 * TOKEN
    }

    /// The time after which `units` have come back, rounded up.
    fn time_for(&self, units: i64) -> Duration {
        let full = i128::from(self.units());
        let micros = (i128::from(units) * i128::from(self.micros) + full - 1) / full;
        Duration::from_micros(micros as u64)
    }
}

/// What somebody who took tokens is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Whether there were enough, and they were taken.
    pub allowed: bool,
    /// How many whole tokens are left.
    pub remaining: u32,
    /// After which time there will be enough; zero when it was allowed. For more than the bucket ever holds: its whole time.
    pub retry_after: Duration,
    /// After which time the bucket is full, if nobody takes any.
    pub reset_after: Duration,
}

/// The state of a bucket. A new one is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bucket {
    /// What is missing, in [`TOKEN`]s, as of `at`. It does not depend on the rate, which may change between two takes.
    pub spent: i64,
    /// When tokens were last taken.
    pub at: Timestamp,
}

impl Bucket {
    /// Takes `cost` tokens if there are enough. A refusal leaves the bucket as it is, so asking often delays nothing; so does
    /// a cost of nothing, which only looks.
    pub fn take(&mut self, rate: Rate, cost: u32, now: Timestamp) -> Allowance {
        let spent = self.spent_at(rate, now);
        let allowed = spent + i64::from(cost) * TOKEN <= rate.units();
        if allowed && cost > 0 {
            self.spent = spent + i64::from(cost) * TOKEN;
            self.at = self.at.max(now);
        }
        self.allowance(rate, cost, allowed, now)
    }

    /// Gives tokens back.
    pub fn refund(&mut self, cost: u32) {
        self.spent = (self.spent - i64::from(cost) * TOKEN).max(0);
    }

    /// What to tell somebody who asked for `cost` tokens and was `allowed` or refused them. For stores that take in their own
    /// language; the bucket is as it stands after that.
    pub fn allowance(&self, rate: Rate, cost: u32, allowed: bool, now: Timestamp) -> Allowance {
        let spent = self.spent_at(rate, now);
        let wanted = i64::from(cost) * TOKEN;
        let retry_after = if allowed {
            Duration::ZERO
        } else if wanted > rate.units() {
            rate.per()
        } else {
            rate.time_for((spent + wanted - rate.units()).max(1))
        };
        Allowance {
            allowed,
            remaining: ((rate.units() - spent) / TOKEN) as u32,
            retry_after,
            reset_after: rate.time_for(spent),
        }
    }

    /// When the bucket is full again: it can be forgotten then.
    pub fn full_at(&self, rate: Rate) -> Timestamp {
        let wait = rate.time_for(self.spent.min(rate.units()));
        Timestamp::from_micros(self.at.as_micros().saturating_add(wait.as_micros() as i64))
    }

    /// What is missing at `now`. A clock that goes back gives nothing.
    fn spent_at(&self, rate: Rate, now: Timestamp) -> i64 {
        let passed = now.as_micros().saturating_sub(self.at.as_micros()).clamp(0, rate.micros);
        let refill = i128::from(passed) * i128::from(rate.units()) / i128::from(rate.micros);
        (self.spent.min(rate.units()) - refill as i64).max(0)
    }
}

/// The longest name of a bucket, in bytes, that is kept as it is.
const MAX_NAME: usize = 200;

/// The name that a store keeps a bucket by: names are made of what strangers send, so a long one, or one with a NUL, is
/// replaced by its SHA-256.
pub fn bucket_key(name: &str) -> Cow<'_, str> {
    if name.len() <= MAX_NAME && !name.contains('\0') {
        return Cow::Borrowed(name);
    }
    let digest = Sha256::digest(name.as_bytes());
    Cow::Owned(digest.iter().fold(String::from("sha256:"), |mut text, byte| {
        text.extend([byte >> 4, byte & 15].map(|half| char::from_digit(u32::from(half), 16).unwrap_or('0')));
        text
    }))
}

#[cfg(test)]
mod tests;

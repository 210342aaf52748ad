//! Buckets in the memory of one process, bounded: names come from strangers.

use std::collections::HashMap;

use super::{Allowance, Bucket, Rate, bucket_key};
use crate::clock::Timestamp;

/// A bounded map of buckets. When it is full, those go first that are full themselves (which changes nothing), then those
/// that are so soonest: what somebody has used up is remembered longest.
#[derive(Debug)]
pub struct Buckets {
    held: HashMap<Box<str>, Held>,
    max: usize,
}

#[derive(Debug)]
struct Held {
    bucket: Bucket,
    full_at: Timestamp,
}

impl Buckets {
    /// How many buckets a store keeps.
    pub const MANY: usize = 100_000;

    /// Room for `max` buckets, at least 8.
    pub fn new(max: usize) -> Self {
        Self { held: HashMap::new(), max: max.max(8) }
    }

    /// Takes `cost` tokens from the bucket of that name if there are enough.
    pub fn take(&mut self, name: &str, rate: Rate, cost: u32, now: Timestamp) -> Allowance {
        let key = bucket_key(name);
        if let Some(held) = self.held.get_mut(&*key) {
            let allowance = held.bucket.take(rate, cost, now);
            held.full_at = held.bucket.full_at(rate);
            return allowance;
        }
        let mut bucket = Bucket::default();
        let allowance = bucket.take(rate, cost, now);
        if bucket.spent > 0 {
            self.make_room(now);
            self.held.insert(key.into(), Held { full_at: bucket.full_at(rate), bucket });
        }
        allowance
    }

    /// Gives tokens back.
    pub fn refund(&mut self, name: &str, cost: u32) {
        if let Some(held) = self.held.get_mut(&*bucket_key(name)) {
            held.bucket.refund(cost);
        }
    }

    /// Makes a bucket full.
    pub fn forget(&mut self, name: &str) {
        self.held.remove(&*bucket_key(name));
    }

    /// How many buckets are not known to be full.
    pub fn len(&self) -> usize {
        self.held.len()
    }

    /// Whether all buckets are full.
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// An eighth at a time, so that the search for what may go is rare.
    fn make_room(&mut self, now: Timestamp) {
        if self.held.len() < self.max {
            return;
        }
        self.held.retain(|_, held| held.full_at > now);
        let mut surplus = self.held.len().saturating_sub(self.max - self.max / 8);
        if surplus == 0 {
            return;
        }
        let mut ends: Vec<Timestamp> = self.held.values().map(|held| held.full_at).collect();
        let (_, last, _) = ends.select_nth_unstable(surplus - 1);
        let last = *last;
        self.held.retain(|_, held| {
            let goes = surplus > 0 && held.full_at <= last;
            surplus -= usize::from(goes);
            !goes
        });
    }
}

impl Default for Buckets {
    fn default() -> Self {
        Self::new(Self::MANY)
    }
}

//! What is kept in memory around limits, by hashes of names: who waits for whom, who was refused, what was told.

use std::hash::{BuildHasher as _, Hash, RandomState};
use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use realnet_core::clock::Timestamp;
use realnet_core::{Error, Result};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The longest wait for those before.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a refusal is remembered before the store is asked again, in microseconds: another replica may have lifted it.
const REFUSED: i64 = 5_000_000;
/// The most entries of each kind. A name that strangers choose takes no more room than any other.
const CAPACITY: u64 = 100_000;

/// Those who wait for each other, those who wait for a limit, and those of whom it was told.
pub(crate) struct Gates {
    hasher: RandomState,
    waiting: Cache<u64, Arc<Semaphore>>,
    /// Since when, and until when.
    refused: Cache<u64, (Timestamp, Timestamp)>,
    told: Cache<u64, Timestamp>,
}

impl Default for Gates {
    fn default() -> Self {
        let idle = Duration::from_mins(1);
        Self {
            hasher: RandomState::new(),
            waiting: Cache::builder().max_capacity(CAPACITY).time_to_idle(idle).build(),
            refused: Cache::builder().max_capacity(CAPACITY).time_to_live(idle).build(),
            told: Cache::new(CAPACITY),
        }
    }
}

impl Gates {
    /// Waits until less than `at_once` of a name are under way. Two names may share a gate by chance, which costs a wait.
    pub(crate) async fn pass(&self, name: impl Hash, at_once: usize) -> Result<OwnedSemaphorePermit> {
        let key = self.hasher.hash_one(name);
        let gate = self.waiting.get_with(key, || Arc::new(Semaphore::new(at_once)));
        match tokio::time::timeout(PATIENCE, gate.acquire_owned()).await {
            Ok(permit) => permit.map_err(|_| Error::internal("a gate was closed")),
            Err(_) => Err(Error::unavailable("too many sign-ins at once: try again in a moment")),
        }
    }

    /// Remembers that a name has to wait, so that it costs the store nothing to tell it so again.
    pub(crate) fn refuse(&self, name: impl Hash, now: Timestamp, wait: Duration) {
        let wait = i64::try_from(wait.as_micros()).unwrap_or(i64::MAX);
        let until = Timestamp::from_micros(now.as_micros().saturating_add(wait));
        self.refused.insert(self.hasher.hash_one(name), (now, until));
    }

    /// How long a name has to wait still, as far as is remembered.
    pub(crate) fn refused(&self, name: impl Hash, now: Timestamp) -> Option<Duration> {
        let (since, until) = self.refused.get(&self.hasher.hash_one(name))?;
        let fresh = (0..REFUSED).contains(&(now.as_micros() - since.as_micros()));
        let left = u64::try_from(until.as_micros() - now.as_micros()).ok().filter(|left| *left > 0)?;
        fresh.then(|| Duration::from_micros(left))
    }

    /// Forgets a refusal.
    pub(crate) fn readmit(&self, name: impl Hash) {
        self.refused.invalidate(&self.hasher.hash_one(name));
    }

    /// Forgets all refusals.
    pub(crate) fn readmit_all(&self) {
        self.refused.invalidate_all();
    }

    /// Whether something is to be told: the first time within `window`.
    pub(crate) fn is_news(&self, what: impl Hash, now: Timestamp, window: Duration) -> bool {
        let key = self.hasher.hash_one(what);
        let window = i64::try_from(window.as_micros()).unwrap_or(i64::MAX);
        let is_news = |at: Timestamp| now.as_micros().saturating_sub(at.as_micros()) >= window;
        let first = self.told.get(&key).is_none_or(is_news);
        if first {
            self.told.insert(key, now);
        }
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn a_refusal_is_remembered_for_a_moment_and_no_longer_than_it_lasts() {
        let gates = Gates::default();
        gates.refuse("long", at(100), Duration::from_secs(90));
        gates.refuse("short", at(100), Duration::from_secs(2));
        assert_eq!(gates.refused("long", at(101)), Some(Duration::from_secs(89)));
        assert_eq!(gates.refused("short", at(101)), Some(Duration::from_secs(1)));
        assert_eq!((gates.refused("short", at(102)), gates.refused("other", at(102))), (None, None));
        assert_eq!(gates.refused("long", at(105)), None, "the store is asked again");
        gates.refuse("long", at(110), Duration::from_secs(90));
        gates.readmit("long");
        assert_eq!(gates.refused("long", at(111)), None);
    }

    #[test]
    fn it_is_told_once_per_window() {
        let (gates, window) = (Gates::default(), Duration::from_mins(15));
        assert!(gates.is_news("one", at(0), window) && gates.is_news("two", at(0), window));
        assert!(!gates.is_news("one", at(899), window));
        assert!(gates.is_news("one", at(900), window));
    }

    #[tokio::test]
    async fn names_take_room_for_a_number_only() {
        let gates = Gates::default();
        drop(gates.pass("x".repeat(1 << 20), 1).await.unwrap());
        let key: u64 = gates.hasher.hash_one("x".repeat(1 << 20));
        gates.waiting.run_pending_tasks();
        assert!(gates.waiting.contains_key(&key));
    }
}

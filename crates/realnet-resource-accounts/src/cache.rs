//! A short memory of who is behind a session: one load at a time per key, forgotten after half a second.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use parking_lot::RwLock;
use realnet_core::clock::Timestamp;
use realnet_core::{Result, Uuid};

/// How long a value counts, in microseconds: a change made on another replica shows after this.
const LIFE: i64 = 500_000;
/// The most keys that are remembered.
const CAPACITY: u64 = 100_000;

/// Values by id, each fresh.
pub(crate) struct Fresh<T: Clone + Send + Sync + 'static> {
    slots: Cache<Uuid, Arc<Slot<T>>>,
}

struct Slot<T> {
    value: RwLock<Option<(Timestamp, T)>>,
    loading: tokio::sync::Mutex<()>,
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self { value: RwLock::new(None), loading: tokio::sync::Mutex::new(()) }
    }
}

impl<T: Clone> Slot<T> {
    fn fresh(&self, now: Timestamp) -> Option<T> {
        let value = self.value.read();
        let (at, value) = value.as_ref()?;
        let age = now.as_micros() - at.as_micros();
        (0..LIFE).contains(&age).then(|| value.clone())
    }
}

impl<T: Clone + Send + Sync + 'static> Default for Fresh<T> {
    fn default() -> Self {
        let idle = Duration::from_mins(1);
        Self { slots: Cache::builder().max_capacity(CAPACITY).time_to_idle(idle).build() }
    }
}

impl<T: Clone + Send + Sync + 'static> Fresh<T> {
    /// The value of a key, loaded unless a fresh one is there. Others who want it meanwhile wait for the same load.
    pub(crate) async fn get(
        &self,
        key: Uuid,
        now: impl Fn() -> Timestamp,
        load: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let slot = match self.slots.get(&key) {
            Some(slot) => slot,
            None => self.slots.get_with(key, Arc::default),
        };
        if let Some(value) = slot.fresh(now()) {
            return Ok(value);
        }
        let _one = slot.loading.lock().await;
        if let Some(value) = slot.fresh(now()) {
            return Ok(value);
        }
        // Of the moment before the load: what it sees may change right after.
        let at = now();
        let value = load.await?;
        *slot.value.write() = Some((at, value.clone()));
        Ok(value)
    }

    /// Forgets one value.
    pub(crate) fn forget(&self, key: Uuid) {
        self.slots.invalidate(&key);
    }

    /// Forgets everything. A load under way ends up in a slot that nobody finds any more.
    pub(crate) fn clear(&self) {
        self.slots.invalidate_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn loads_once_per_life() {
        let fresh: Fresh<usize> = Fresh::default();
        let loads = AtomicUsize::new(0);
        let key = Uuid::from_u128(1);
        let load = || async { Ok(loads.fetch_add(1, Ordering::Relaxed)) };
        let at = |micros: i64| move || Timestamp::from_micros(micros);
        assert_eq!(fresh.get(key, at(0), load()).await.unwrap(), 0);
        assert_eq!(fresh.get(key, at(LIFE - 1), load()).await.unwrap(), 0);
        assert_eq!(fresh.get(key, at(LIFE), load()).await.unwrap(), 1);
        fresh.forget(key);
        assert_eq!(fresh.get(key, at(LIFE), load()).await.unwrap(), 2);
        fresh.clear();
        assert_eq!(fresh.get(key, at(LIFE), load()).await.unwrap(), 3);
    }

    #[tokio::test]
    async fn those_who_wait_share_one_load() {
        let fresh: Fresh<usize> = Fresh::default();
        let loads = AtomicUsize::new(0);
        let now = || Timestamp::from_micros(0);
        let get = || {
            fresh.get(Uuid::from_u128(1), now, async {
                tokio::time::sleep(Duration::from_millis(5)).await;
                Ok(loads.fetch_add(1, Ordering::Relaxed))
            })
        };
        let (a, b, c) = tokio::join!(get(), get(), get());
        assert_eq!((a.unwrap(), b.unwrap(), c.unwrap()), (0, 0, 0));
    }
}

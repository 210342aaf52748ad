//! Memory for the parts of uploads, which all of them share: how many come at the same time is up to strangers.
//!
//! Nobody waits for it without an end, and nobody has it without doing anything while others wait.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use realnet_core::{Error, Result};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// So many bytes of all uploads are in memory; some of the largest parts.
const MOST: usize = 256 << 20;
/// So few bytes of an upload need no room: a small content does not wait behind large ones.
pub(super) const FREE: usize = 64 * 1024;

/// How long one waits for room: longer than those have it who send nothing.
const PATIENCE: Duration = Duration::from_secs(30);
/// For so long, and a second more for each MiB, a part may come while others wait.
const SLOW: Duration = Duration::from_secs(10);
/// How often it is looked whether others wait.
const LOOK: Duration = Duration::from_secs(1);

/// Room, which comes back when this is dropped.
pub(super) type Taken = OwnedSemaphorePermit;

/// Bytes on their way into the bucket, and the room that is theirs; few have none.
pub(super) struct Gathered {
    pub(super) bytes: Bytes,
    pub(super) room: Option<Taken>,
}

/// What is left of the memory.
#[derive(Clone)]
pub(super) struct Room {
    bytes: Arc<Semaphore>,
    /// How many wait for it.
    waiting: Arc<AtomicUsize>,
    patience: Duration,
}

/// Somebody who waits.
struct Waiting(Arc<AtomicUsize>);

impl Waiting {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Default for Room {
    fn default() -> Self {
        Self { bytes: Arc::new(Semaphore::new(MOST)), waiting: Arc::default(), patience: PATIENCE }
    }
}

impl Room {
    /// Waits for room for a whole part, before it is gathered: who had a half of one and waited for the rest of others in the same
    /// state would wait for ever. Who comes first gets it first.
    ///
    /// # Errors
    /// Unavailable when none comes back in time.
    pub(super) async fn take(&self, bytes: usize) -> Result<Taken> {
        let bytes = bytes.min(MOST) as u32;
        if let Ok(taken) = Arc::clone(&self.bytes).try_acquire_many_owned(bytes) {
            return Ok(taken);
        }
        let _waiting = Waiting::new(&self.waiting);
        let taken = timeout(self.patience, Arc::clone(&self.bytes).acquire_many_owned(bytes)).await;
        let taken = taken.map_err(|_| busy())?;
        taken.map_err(|error| Error::internal("there is no room for parts any more").with_source(error))
    }

    /// Until when a part of so many bytes, whose room has just been taken, may come while others wait.
    pub(super) fn deadline(bytes: usize) -> Instant {
        Instant::now() + SLOW + Duration::from_secs((bytes >> 20) as u64)
    }

    /// Waits for the next piece of a part that has room.
    ///
    /// # Errors
    /// Unavailable when its time is over and others wait.
    pub(super) async fn piece<T>(&self, deadline: Instant, next: impl Future<Output = T>) -> Result<T> {
        let mut next = pin!(next);
        loop {
            if Instant::now() >= deadline && self.waiting.load(Ordering::Relaxed) > 0 {
                return Err(busy());
            }
            if let Ok(piece) = timeout(LOOK, next.as_mut()).await {
                return Ok(piece);
            }
        }
    }
}

fn busy() -> Error {
    Error::unavailable("more uploads come than there is memory for: try again")
}

#[cfg(test)]
mod tests {
    use realnet_core::ErrorKind;

    use super::*;

    #[tokio::test]
    async fn who_is_slow_gives_way_to_those_who_wait() {
        let room = Room { patience: Duration::from_millis(300), ..Room::default() };
        let held = room.take(MOST).await.unwrap();
        let over = Instant::now();
        // Alone one may take any time.
        assert_eq!(room.piece(over, async { 7 }).await.unwrap(), 7);
        let (refused, slow) = tokio::join!(room.take(1), async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let in_time = room.piece(Room::deadline(0), async { 7 }).await.unwrap();
            (in_time, room.piece(over, std::future::pending::<()>()).await)
        });
        assert_eq!(refused.map(drop).unwrap_err().kind(), ErrorKind::Unavailable, "nobody waits for ever");
        assert_eq!((slow.0, slow.1.unwrap_err().kind()), (7, ErrorKind::Unavailable));
        // Who has gone does not count as waiting.
        assert_eq!(room.piece(over, async { 7 }).await.unwrap(), 7);
        drop(held);
    }

    #[tokio::test]
    async fn who_finds_no_room_waits_until_some_comes_back() {
        let room = Room::default();
        let (first, second) = (room.take(MOST - 100).await.unwrap(), room.take(50).await.unwrap());
        let waiting = tokio::spawn({
            let room = room.clone();
            async move { room.take(100).await.map(drop) }
        });
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(!waiting.is_finished());
        drop(second);
        waiting.await.unwrap().unwrap();
        drop(first);
        // More than there is, is all that there is.
        drop(room.take(usize::MAX).await.unwrap());
    }
}

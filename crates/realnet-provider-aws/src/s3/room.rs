//! Memory for the parts of uploads, which all of them share: how many come at the same time is up to strangers.

use std::sync::Arc;

use bytes::Bytes;
use realnet_core::{Error, Result};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// So many bytes of all uploads are in memory; some of the largest parts.
const MOST: usize = 256 << 20;
/// So few bytes of an upload need no room: a small content does not wait behind large ones.
pub(super) const FREE: usize = 64 * 1024;

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
}

impl Default for Room {
    fn default() -> Self {
        Self { bytes: Arc::new(Semaphore::new(MOST)) }
    }
}

impl Room {
    /// Waits for room for a whole part, before it is gathered: who had a half of one and waited for the rest of others in the same
    /// state would wait for ever. Who comes first gets it first.
    pub(super) async fn take(&self, bytes: usize) -> Result<Taken> {
        let taken = Arc::clone(&self.bytes).acquire_many_owned(bytes.min(MOST) as u32).await;
        taken.map_err(|error| Error::internal("there is no room for parts any more").with_source(error))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

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

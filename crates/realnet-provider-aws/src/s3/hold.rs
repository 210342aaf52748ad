//! Who works on what, within this process: one on each upload, the others being refused; one after the other on a content.

use std::collections::HashSet;
use std::sync::Arc;

use parking_lot::Mutex;
use realnet_core::provider::ContentId;
use realnet_core::{Error, Result};

/// How many contents can be decided on at the same time.
const TURNS: usize = 64;

/// The uploads that somebody works on.
#[derive(Default)]
pub(super) struct Holders(Mutex<HashSet<ContentId>>);

impl Holders {
    /// Holds an upload, whether or not it is there. Conflict when somebody else does.
    pub(super) fn hold(self: &Arc<Self>, id: ContentId) -> Result<Held> {
        if self.0.lock().insert(id) {
            return Ok(Held { holders: Arc::clone(self), id });
        }
        Err(Error::conflict("another request is working on this upload: try again when it ends"))
    }
}

/// Leave to work on an upload, given back when it is dropped.
pub(super) struct Held {
    holders: Arc<Holders>,
    id: ContentId,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.holders.0.lock().remove(&self.id);
    }
}

/// Turns at deciding on contents: servers that check a condition and write in two steps are given one request at a time.
pub(super) struct Turns([tokio::sync::Mutex<()>; TURNS]);

impl Default for Turns {
    fn default() -> Self {
        Self(std::array::from_fn(|_| tokio::sync::Mutex::default()))
    }
}

impl Turns {
    /// Waits for the turn of a content.
    pub(super) async fn wait(&self, id: ContentId) -> tokio::sync::MutexGuard<'_, ()> {
        let last = id.as_uuid().as_bytes()[15];
        self.0[usize::from(last) % TURNS].lock().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use realnet_core::Uuid;

    #[test]
    fn one_holds_an_upload() {
        let holders = Arc::new(Holders::default());
        let [one, other] = [1, 2].map(|id| ContentId::new(Uuid::from_u128(id)));
        let held = holders.hold(one).unwrap();
        assert!(holders.hold(one).is_err() && holders.hold(other).is_ok());
        drop(held);
        assert!(holders.hold(one).is_ok());
    }
}

//! One writer for each upload: who holds it, and the checksum of what it has so far.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use realnet_core::provider::{ContentId, Meter};
use realnet_core::{Error, Result};

/// The uploads that have been written to since the store was opened; `None` while somebody holds one.
#[derive(Default)]
pub(super) struct Holders(Mutex<HashMap<ContentId, Option<Meter>>>);

impl Holders {
    /// Holds an upload, whether or not it is there. Conflict when somebody else does.
    pub(super) fn hold(self: &Arc<Self>, id: ContentId) -> Result<Held> {
        let mut known = self.0.lock();
        let meter = match known.insert(id, None) {
            None => Meter::new(),
            Some(Some(meter)) => meter,
            Some(None) => {
                return Err(Error::conflict(
                    "another request is working on this upload: try again when it ends",
                ));
            }
        };
        Ok(Held { holders: Arc::clone(self), id, meter, is_there: false })
    }
}

/// Leave to work on an upload, given back when it is dropped.
pub(super) struct Held {
    holders: Arc<Holders>,
    id: ContentId,
    /// Of the first bytes of the upload: of all, unless some were written before the store was opened or in part only.
    pub(super) meter: Meter,
    /// Whether the upload goes on: then the meter is kept.
    pub(super) is_there: bool,
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut known = self.holders.0.lock();
        if self.is_there {
            known.insert(self.id, Some(std::mem::take(&mut self.meter)));
        } else {
            known.remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use realnet_core::Uuid;

    #[test]
    fn one_holds_an_upload_and_nothing_is_left_of_unknown_ones() {
        let holders = Arc::new(Holders::default());
        let id = ContentId::new(Uuid::from_u128(1));
        let mut held = holders.hold(id).unwrap();
        assert!(holders.hold(id).is_err());
        assert!(holders.hold(ContentId::new(Uuid::from_u128(2))).is_ok());
        held.meter.update(b"abc");
        held.is_there = true;
        drop(held);
        assert_eq!(holders.0.lock().len(), 1);
        assert_eq!(holders.hold(id).unwrap().meter.size(), 3);
        assert!(holders.0.lock().is_empty());
    }
}

//! The contents that a change set takes from items: the engine notes them, and whoever commits removes them afterwards.

use std::sync::{Arc, Mutex, PoisonError};

use uuid::Uuid;

/// Contents that no item names any more by the changes under way. Clones are the same list.
#[derive(Debug, Clone, Default)]
pub struct Freed(Arc<Mutex<Vec<Uuid>>>);

impl Freed {
    /// Adds one.
    pub(super) fn note(&self, content: Uuid) {
        self.list().push(content);
    }

    /// Gives all and is empty then. A set that is worked out anew begins with that.
    pub fn take(&self) -> Vec<Uuid> {
        std::mem::take(&mut *self.list())
    }

    fn list(&self) -> std::sync::MutexGuard<'_, Vec<Uuid>> {
        // The list is whole even when somebody panicked beside it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

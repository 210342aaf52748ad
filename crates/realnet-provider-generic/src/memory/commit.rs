//! Committing: the engine of the core runs on the locked state; an error takes everything back.

use futures::FutureExt as _;
use realnet_core::change::{self, ChangeSet, Outcome};
use realnet_core::error::{Error, Result};
use realnet_core::provider::Access;

use super::MemoryStore;

impl MemoryStore {
    pub(super) async fn apply(&self, access: &Access, changes: &ChangeSet) -> Result<Vec<Outcome>> {
        self.write(|transaction| {
            if access.registry.revision() != transaction.present_type_revision() {
                // Index entries made by other types than the present ones would be wrong.
                return Err(changes.stale_types());
            }
            // Nothing in this transaction waits, so the future is ready at once and the lock is never held across a wait.
            change::apply(transaction, access, changes)
                .now_or_never()
                .unwrap_or_else(|| Err(Error::internal("a transaction in memory has waited")))
        })
        .await
    }
}

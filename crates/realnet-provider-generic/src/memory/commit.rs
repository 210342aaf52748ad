//! Committing: the engine of the core runs on the locked state; an error takes everything back.

use futures::FutureExt as _;
use realnet_core::change::{self, ChangeSet, Outcome};
use realnet_core::error::{Error, Result};
use realnet_core::provider::Access;

use super::MemoryStore;
use super::transaction::MemoryTransaction;

impl MemoryStore {
    pub(super) fn apply(&self, access: &Access, changes: &ChangeSet) -> Result<Vec<Outcome>> {
        let mut state = self.state.write();
        let types_before = state.type_revision;
        if access.registry.revision() != types_before {
            // Index entries made by other types than the present ones would be wrong.
            return Err(changes.stale_types());
        }
        let mut transaction = MemoryTransaction::begin(&mut state);
        // Nothing in this transaction waits, so the future is ready at once and the lock is never held across a wait.
        let outcomes = change::apply(&mut transaction, access, changes)
            .now_or_never()
            .unwrap_or_else(|| Err(Error::internal("a transaction in memory has waited")))?;
        transaction.keep();
        if state.type_revision != types_before {
            self.types.send_replace(state.type_revision);
        }
        Ok(outcomes)
    }
}

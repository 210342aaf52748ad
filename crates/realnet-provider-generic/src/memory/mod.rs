//! The in-memory store: plain maps behind one lock, the core's evaluator for lists, an undo log for commits.

mod commit;
mod credentials;
mod data;
mod list;
mod read;
mod records;
mod state;
mod transaction;
mod transfer;
mod types;
mod undo;

pub use self::data::MemoryData;

use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use realnet_core::limit::Buckets;
use tokio::sync::watch;

use self::state::State;

/// A store in the memory of this process. Clones share their content.
#[derive(Clone)]
pub struct MemoryStore {
    state: Arc<RwLock<State>>,
    /// Tells of type revisions.
    types: watch::Sender<i64>,
    /// How often what may be done.
    buckets: Arc<Mutex<Buckets>>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self { state: Arc::default(), types: watch::Sender::new(0), buckets: Arc::default() }
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MemoryStore({} items)", self.state.read().items.len())
    }
}

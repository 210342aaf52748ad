//! The in-memory store: plain maps behind one lock, the core's evaluator for lists, an undo log for commits.

mod commit;
mod credentials;
mod data;
mod effects;
mod list;
mod outbox;
mod private;
mod read;
mod records;
mod state;
mod transaction;
mod transfer;
mod types;
mod undo;
mod values;

pub use self::data::MemoryData;

use std::fs::File;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use realnet_core::error::Result;
use realnet_core::limit::Buckets;
use realnet_core::provider::Capabilities;
use tokio::sync::watch;

pub(crate) use self::effects::{Effect, Touch};
pub(crate) use self::outbox::{Entry, Outbox};
use self::outbox::{Seen, refused};
pub(crate) use self::state::State;
use self::transaction::MemoryTransaction;

/// A store in the memory of this process. Clones share their content. What it holds goes when the process ends, unless it is the
/// state of a [`crate::DocumentStore`].
#[derive(Clone)]
pub struct MemoryStore {
    state: Arc<RwLock<State>>,
    /// Tells of type revisions.
    types: watch::Sender<i64>,
    /// How often what may be done.
    buckets: Arc<Mutex<Buckets>>,
    /// Where what was done goes to be kept.
    outbox: Option<Arc<Outbox>>,
    /// What it was read from is locked as long as this is open.
    _lock: Option<Arc<File>>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self {
            state: Arc::default(),
            types: watch::Sender::new(0),
            buckets: Arc::default(),
            outbox: None,
            _lock: None,
        }
    }

    /// A store that begins with a state.
    pub(crate) fn of(state: State) -> Self {
        let types = watch::Sender::new(state.type_revision);
        Self { state: Arc::new(RwLock::new(state)), types, ..Self::new() }
    }

    /// The same store, which keeps something locked as long as it is there.
    pub(crate) fn holding(self, lock: Option<File>) -> Self {
        Self { _lock: lock.map(Arc::new), ..self }
    }

    /// A store with what somebody has kept of it, and goes on keeping.
    pub(crate) fn kept(state: State, capabilities: Capabilities) -> (Self, Arc<Outbox>) {
        let types = watch::Sender::new(state.type_revision);
        let outbox = Arc::new(Outbox::new(capabilities, types.clone()));
        let state = Arc::new(RwLock::new(state));
        let kept = Some(Arc::clone(&outbox));
        (Self { state, types, buckets: Arc::default(), outbox: kept, _lock: None }, outbox)
    }

    /// Changes the state, or leaves it as it is when that fails; answers when what was done is kept.
    async fn write<T: Send>(
        &self,
        work: impl FnOnce(&mut MemoryTransaction<'_>) -> Result<T> + Send,
    ) -> Result<T> {
        let Some(outbox) = &self.outbox else { return self.change(work) };
        outbox.admit()?;
        let (done, ticket) = self.change_and_put(outbox, work);
        match ticket {
            Ok(ticket) => {
                let kept = ticket.await.unwrap_or_else(|_| Err("the store is closed".to_owned()));
                kept.map_err(|refusal| refused(&refusal))?;
            }
            // A refusal, too, tells of what others have done.
            Err(seen) => {
                let lost = outbox.settled(seen.applied).await;
                if lost != seen.lost && done.is_ok() {
                    return Err(refused("what this stands on could not be kept: try again"));
                }
            }
        }
        done
    }

    /// Changes a state that nobody keeps.
    fn change<T>(&self, work: impl FnOnce(&mut MemoryTransaction<'_>) -> Result<T>) -> Result<T> {
        let mut state = self.state.write();
        let mut transaction = MemoryTransaction::begin(&mut state);
        let done = work(&mut transaction)?;
        if transaction.keep().changes_types() {
            self.types.send_replace(state.type_revision);
        }
        Ok(done)
    }

    /// Changes the state and hands over what has to be kept; else answers what the state was that it found.
    fn change_and_put<T>(
        &self,
        outbox: &Outbox,
        work: impl FnOnce(&mut MemoryTransaction<'_>) -> Result<T>,
    ) -> (Result<T>, Result<outbox::Ticket, Seen>) {
        let mut state = self.state.write();
        let mut transaction = MemoryTransaction::begin(&mut state);
        let done = work(&mut transaction);
        if done.is_err() {
            drop(transaction);
            return (done, Err(outbox.seen()));
        }
        let mut log = transaction.keep();
        if log.is_clean() {
            return (done, Err(outbox.seen()));
        }
        let type_revision = log.changes_types().then_some(state.type_revision);
        let effects = log.effects(&state);
        (done, Ok(outbox.put(effects, log, type_revision)))
    }

    /// Looks at the state; answers when what was seen is kept.
    pub(crate) async fn read<T: Send>(&self, look: impl Fn(&State) -> T + Send) -> T {
        let Some(outbox) = &self.outbox else { return look(&self.state.read()) };
        loop {
            let lost = outbox.lost();
            let (found, seen) = {
                let state = self.state.read();
                (look(&state), outbox.applied())
            };
            // What was taken back meanwhile may be what was seen.
            if outbox.settled(seen).await == lost {
                return found;
            }
        }
    }

    /// Takes back what could not be kept.
    pub(crate) fn take_back(&self, entries: Vec<Entry>, refusal: &str) {
        if let Some(outbox) = &self.outbox {
            outbox.take_back(&self.state, entries, refusal);
        }
    }

    /// Looks at the state as it is, kept or not.
    pub(crate) fn peek<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.state.read())
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use realnet_core::ErrorKind;
    use realnet_core::provider::CredentialProvider as _;

    use super::*;

    fn kept() -> (MemoryStore, Arc<Outbox>) {
        let capabilities = Capabilities {
            name: "test",
            search: true,
            geography: true,
            durable: true,
            shared: false,
            builds_behind: false,
        };
        MemoryStore::kept(State::default(), capabilities)
    }

    #[tokio::test]
    async fn what_finds_nothing_to_change_stands_or_falls_with_what_it_found() {
        let (store, outbox) = kept();
        let insert = |value: u8| store.setting_or_insert("key", vec![value]);
        let take_back = async { store.take_back(outbox.next(Duration::ZERO).unwrap(), "full") };
        let (first, second, ()) = futures::future::join3(insert(1), insert(2), take_back).await;
        assert_eq!(first.unwrap_err().message(), "full");
        assert_eq!(second.unwrap_err().kind(), ErrorKind::Unavailable);

        let keep = async { outbox.keep(outbox.next(Duration::ZERO).unwrap()) };
        let (first, second, ()) = futures::future::join3(insert(3), insert(4), keep).await;
        assert_eq!((first.unwrap(), second.unwrap()), (vec![3], vec![3]));
    }
}

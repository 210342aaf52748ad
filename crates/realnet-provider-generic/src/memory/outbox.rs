//! What was done and is not durable yet: between the state in memory, where a change is seen by who comes after it, and
//! whoever keeps the state on a disk. Who changed or read something is answered when what it stands on is kept.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex, RwLock};
use realnet_core::error::{Error, Result};
use realnet_core::provider::Capabilities;
use tokio::sync::{oneshot, watch};

use super::effects::Effect;
use super::state::State;
use super::undo::UndoLog;

/// Why something was not kept, in words for anybody.
pub(crate) type Refusal = String;

/// One change, as it is to be kept.
pub(crate) struct Entry {
    /// What it did.
    pub(crate) effects: Vec<Effect>,
    undo: UndoLog,
    number: u64,
    type_revision: Option<i64>,
    done: oneshot::Sender<Result<(), Refusal>>,
}

/// How far everything is durable.
#[derive(Debug, Clone, Copy, Default)]
struct Progress {
    /// All changes up to this one are kept, or were taken back.
    settled: u64,
    /// How often changes were taken back.
    lost: u64,
}

/// The state that a change has found and left as it was.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    /// The number of the last change in it.
    pub(super) applied: u64,
    /// How often changes had been taken back.
    pub(super) lost: u64,
}

#[derive(Default)]
struct Queue {
    entries: Vec<Entry>,
    /// Why no more is taken.
    closed: Option<Refusal>,
}

/// Changes on their way to the disk.
pub(crate) struct Outbox {
    pub(super) capabilities: Capabilities,
    queue: Mutex<Queue>,
    filled: Condvar,
    /// The number of the last change, counted while the state is locked.
    applied: AtomicU64,
    progress: watch::Sender<Progress>,
    types: watch::Sender<i64>,
}

/// A change that waits for its being kept.
pub(super) type Ticket = oneshot::Receiver<Result<(), Refusal>>;

impl Outbox {
    pub(super) fn new(capabilities: Capabilities, types: watch::Sender<i64>) -> Self {
        Self {
            capabilities,
            queue: Mutex::default(),
            filled: Condvar::new(),
            applied: AtomicU64::new(0),
            progress: watch::Sender::new(Progress::default()),
            types,
        }
    }

    /// Refuses a change before it is made when nothing is kept any more.
    pub(super) fn admit(&self) -> Result<()> {
        self.queue.lock().closed.as_ref().map_or(Ok(()), |refusal| Err(refused(refusal)))
    }

    /// Takes a change; called while the state is locked, so that changes stand in the order in which they were made.
    pub(super) fn put(&self, effects: Vec<Effect>, undo: UndoLog, type_revision: Option<i64>) -> Ticket {
        let (done, ticket) = oneshot::channel();
        let number = self.applied.fetch_add(1, Ordering::SeqCst) + 1;
        self.queue.lock().entries.push(Entry { effects, undo, number, type_revision, done });
        self.filled.notify_one();
        ticket
    }

    /// The number of the last change; asked while the state is locked.
    pub(super) fn applied(&self) -> u64 {
        self.applied.load(Ordering::SeqCst)
    }

    /// What the state is; asked while it is locked.
    pub(super) fn seen(&self) -> Seen {
        Seen { applied: self.applied(), lost: self.lost() }
    }

    /// How often changes were taken back so far.
    pub(super) fn lost(&self) -> u64 {
        self.progress.borrow().lost
    }

    /// Waits until a change and all before it are kept or taken back; answers how often changes were taken back by then.
    pub(super) async fn settled(&self, number: u64) -> u64 {
        let present = *self.progress.borrow();
        if present.settled >= number {
            return present.lost;
        }
        let mut receiver = self.progress.subscribe();
        // The sender is in `self`, so it does not end before this does.
        let reached = receiver.wait_for(|progress| progress.settled >= number).await;
        reached.map_or(present.lost, |progress| progress.lost)
    }

    /// All changes that wait to be kept; waits for one as long as that. `None`: no more will come.
    pub(crate) fn next(&self, patience: Duration) -> Option<Vec<Entry>> {
        let mut queue = self.queue.lock();
        if queue.entries.is_empty() && queue.closed.is_none() {
            self.filled.wait_for(&mut queue, patience);
        }
        let entries = std::mem::take(&mut queue.entries);
        if entries.is_empty() && queue.closed.is_some() { None } else { Some(entries) }
    }

    /// Says of changes that they are kept.
    pub(crate) fn keep(&self, entries: Vec<Entry>) {
        let Some(last) = entries.last().map(|entry| entry.number) else { return };
        self.progress.send_modify(|progress| progress.settled = last);
        for entry in entries {
            if let Some(revision) = entry.type_revision {
                self.types.send_replace(revision);
            }
            // Who no longer waits for the answer has made the change all the same.
            let _ = entry.done.send(Ok(()));
        }
    }

    /// Takes changes back that could not be kept, with all that came after them and stands on them.
    pub(super) fn take_back(&self, state: &RwLock<State>, mut entries: Vec<Entry>, refusal: &str) {
        let mut state = state.write();
        entries.append(&mut self.queue.lock().entries);
        let mut waiting = Vec::with_capacity(entries.len());
        for entry in entries.into_iter().rev() {
            entry.undo.roll_back(&mut state);
            waiting.push(entry.done);
        }
        let applied = self.applied();
        self.progress.send_modify(|progress| {
            progress.settled = applied;
            progress.lost += 1;
        });
        drop(state);
        for done in waiting {
            let _ = done.send(Err(refusal.to_owned()));
        }
    }

    /// Takes no more changes from here on.
    pub(crate) fn close(&self, refusal: &str) {
        self.queue.lock().closed.get_or_insert_with(|| refusal.to_owned());
        self.filled.notify_all();
    }
}

/// The answer to a change that is not kept.
pub(super) fn refused(refusal: &str) -> Error {
    Error::unavailable(refusal)
}

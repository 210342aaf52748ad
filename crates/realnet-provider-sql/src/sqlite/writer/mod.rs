//! The one writer: a thread that groups concurrent change sets into durable transactions.
//!
//! Answers go out after COMMIT has put everything on the disk; when COMMIT fails, all fail. How change sets of one group
//! are kept apart is told in [`group`].

mod checkpoints;
mod group;
mod work;

use std::sync::Arc;
use std::thread::JoinHandle;

use parking_lot::Mutex;
use realnet_core::{Error, Result};
use tokio::sync::{mpsc, oneshot};

use super::connection::Connection;
use super::counters::Counters;
use super::shared::Shared;
use super::transaction::SqliteTransaction;
use work::{Asked, Work};

pub(super) use checkpoints::{Checkpoints, LOG_PAGES};

/// Change sets that may wait; whoever comes later waits for a place.
const QUEUE: usize = 1024;

/// Moves what waits into the index of words. The table `words_docsize` has a row for each item that is there.
const WRITE_WORDS: &str = "BEGIN IMMEDIATE; \
    DELETE FROM words WHERE rowid IN \
        (SELECT n.seq FROM new_words n WHERE EXISTS (SELECT 1 FROM words_docsize d WHERE d.id = n.seq)); \
    INSERT INTO words (rowid, tokens) SELECT seq, tokens FROM new_words WHERE tokens IS NOT NULL ORDER BY seq; \
    DELETE FROM new_words; COMMIT";

/// The way to the writer.
pub(super) struct Writer {
    queue: Mutex<Option<mpsc::Sender<Box<dyn Work>>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    /// Starts the thread, which takes the connection. `group`: the most change sets in one transaction.
    pub(super) fn start(
        mut connection: Connection,
        shared: Arc<Shared>,
        checkpoints: Checkpoints,
        group: usize,
    ) -> Result<Self> {
        let counters = Counters::load(&mut connection, &shared)?;
        let (sender, receiver) = mpsc::channel(QUEUE);
        let state = State { connection, counters, shared, checkpoints, group: group.max(1) };
        let thread = std::thread::Builder::new()
            .name("realnet-writer".to_owned())
            .spawn(move || state.run(receiver))
            .map_err(|error| Error::unavailable("the writer can not be started").with_source(error))?;
        Ok(Self { queue: Mutex::new(Some(sender)), thread: Mutex::new(Some(thread)) })
    }

    /// None: nothing can be written.
    pub(super) fn none() -> Self {
        Self { queue: Mutex::default(), thread: Mutex::default() }
    }

    /// Runs `work` in a transaction of the writer; answers when it is on the disk. The work may have to be done again, when
    /// another one of its group has failed.
    pub(super) async fn submit<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut SqliteTransaction<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let closed = || Error::unavailable("the store is closed");
        let queue = self.queue.lock().clone().ok_or_else(closed)?;
        let (sender, receiver) = oneshot::channel();
        queue.send(Box::new(Asked::new(work, sender))).await.map_err(|_| closed())?;
        drop(queue);
        let (result, _work) =
            receiver.await.map_err(|_| Error::internal("the writer has ended by a panic"))?;
        result
    }

    /// Lets the writer finish what waits and end. The thread that is answered is for joining.
    pub(super) fn close(&self) -> Option<JoinHandle<()>> {
        self.queue.lock().take();
        self.thread.lock().take()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // A writer that outlived its store would keep the file locked.
        if let Some(thread) = self.close() {
            let _ = thread.join();
        }
    }
}

/// What the thread works with.
struct State {
    connection: Connection,
    counters: Counters,
    shared: Arc<Shared>,
    checkpoints: Checkpoints,
    group: usize,
}

impl State {
    fn run(mut self, mut queue: mpsc::Receiver<Box<dyn Work>>) {
        while let Some(first) = queue.blocking_recv() {
            let mut works = vec![first];
            let failure = self.run_group(&mut works, &mut queue).err();
            if failure.is_some() {
                // What is in memory may be ahead of the file now.
                self.recover();
            }
            for work in works {
                work.answer(failure.as_ref());
            }
            self.write_words();
            let work = self.connection.take_work();
            self.checkpoints.note(work, &mut self.connection);
        }
        // Two checkpoints at a time would be in each other's way.
        drop(self.checkpoints);
        if let Err(error) = self.connection.batch("PRAGMA wal_checkpoint(TRUNCATE)") {
            tracing::warn!(error = %error.report(), "the write-ahead log could not be emptied at the end");
        }
    }

    /// Brings the index of words up to date when it is time. Nobody waits for it, and when it fails it is tried again.
    fn write_words(&mut self) {
        if !self.counters.words_are_due() {
            return;
        }
        match self.connection.batch(WRITE_WORDS) {
            Ok(()) => self.counters.words_are_written(),
            Err(error) => {
                tracing::warn!(error = %error.report(), "the index of words could not be written; trying again later");
                self.recover();
            }
        }
    }
}

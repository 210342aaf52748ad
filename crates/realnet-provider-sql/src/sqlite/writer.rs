//! The one writer: a thread that groups concurrent change sets into durable transactions.
//!
//! Each change set runs in a savepoint of its own, so that one that fails leaves the others alone. Answers go out
//! after COMMIT has put everything on the disk; when COMMIT fails, all fail.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use realnet_core::{Error, Result};
use tokio::sync::{mpsc, oneshot};

use super::connection::Connection;
use super::counters::Counters;
use super::shared::Shared;
use super::transaction::SqliteTransaction;
use crate::statement::Statement;

/// Change sets that may wait; whoever comes later waits for a place.
const QUEUE: usize = 1024;
/// A group takes no more change sets after this time.
const GROUP_TIME: Duration = Duration::from_millis(20);

/// Moves what waits into the index of words. The table `words_docsize` has a row for each item that is there.
const WRITE_WORDS: &str = "BEGIN IMMEDIATE; \
    DELETE FROM words WHERE rowid IN \
        (SELECT n.seq FROM new_words n WHERE EXISTS (SELECT 1 FROM words_docsize d WHERE d.id = n.seq)); \
    INSERT INTO words (rowid, tokens) SELECT seq, tokens FROM new_words WHERE tokens IS NOT NULL ORDER BY seq; \
    DELETE FROM new_words; COMMIT";

/// Something to do in a transaction.
trait Work: Send {
    /// Does it.
    fn run(self: Box<Self>, transaction: &mut SqliteTransaction<'_>) -> Done;

    /// Answers without doing it.
    fn refuse(self: Box<Self>, error: Error);
}

/// What came of it: whether to keep it, and how to answer, given why the group failed if it did.
struct Done {
    keep: bool,
    answer: Box<dyn FnOnce(Option<Error>) + Send>,
}

/// Work with a result that somebody waits for.
struct Asked<T, F> {
    work: F,
    sender: oneshot::Sender<Result<T>>,
}

impl<T, F> Work for Asked<T, F>
where
    T: Send + 'static,
    F: FnOnce(&mut SqliteTransaction<'_>) -> Result<T> + Send + 'static,
{
    fn run(self: Box<Self>, transaction: &mut SqliteTransaction<'_>) -> Done {
        let Self { work, sender } = *self;
        let result = work(transaction);
        let keep = result.is_ok();
        let answer = Box::new(move |failure: Option<Error>| {
            let answer = match failure {
                Some(failure) if keep => Err(failure),
                _ => result,
            };
            // Nobody waits when the request was given up; what was done stays done.
            let _ = sender.send(answer);
        });
        Done { keep, answer }
    }

    fn refuse(self: Box<Self>, error: Error) {
        let _ = self.sender.send(Err(error));
    }
}

/// The way to the writer.
pub(super) struct Writer {
    queue: Mutex<Option<mpsc::Sender<Box<dyn Work>>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    /// Starts the thread, which takes the connection. `group`: the most change sets in one transaction.
    pub(super) fn start(mut connection: Connection, shared: Arc<Shared>, group: usize) -> Result<Self> {
        let counters = Counters::load(&mut connection)?;
        let (sender, receiver) = mpsc::channel(QUEUE);
        let state = State { connection, counters, shared, group: group.max(1) };
        let thread = std::thread::Builder::new()
            .name("realnet-writer".to_owned())
            .spawn(move || state.run(receiver))
            .map_err(|error| Error::unavailable("the writer can not be started").with_source(error))?;
        Ok(Self { queue: Mutex::new(Some(sender)), thread: Mutex::new(Some(thread)) })
    }

    /// Runs `work` in a transaction of the writer; answers when it is on the disk.
    pub(super) async fn submit<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut SqliteTransaction<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let closed = || Error::unavailable("the store is closed");
        let queue = self.queue.lock().clone().ok_or_else(closed)?;
        let (sender, receiver) = oneshot::channel();
        let work = Box::new(Asked { work, sender });
        queue.send(work).await.map_err(|_| closed())?;
        drop(queue);
        receiver
            .await
            .map_err(|_| Error::internal("the writer has dropped a change set: it panicked or ended"))?
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
    group: usize,
}

impl State {
    fn run(mut self, mut queue: mpsc::Receiver<Box<dyn Work>>) {
        while let Some(first) = queue.blocking_recv() {
            let mut done = Vec::new();
            let failure = self.run_group(first, &mut queue, &mut done).err();
            if failure.is_some() {
                // What is in memory may be ahead of the file now.
                self.recover();
            }
            for done in done {
                (done.answer)(failure.as_ref().map(copy));
            }
            self.write_words();
        }
        if let Err(error) = self.connection.batch("PRAGMA wal_checkpoint(TRUNCATE)") {
            tracing::warn!(error = %error.report(), "the write-ahead log could not be emptied at the end");
        }
    }

    /// One durable transaction. On error nothing of it is in the file.
    fn run_group(
        &mut self,
        first: Box<dyn Work>,
        queue: &mut mpsc::Receiver<Box<dyn Work>>,
        done: &mut Vec<Done>,
    ) -> Result<()> {
        if let Err(error) = self.connection.run(&Statement::of("BEGIN IMMEDIATE")) {
            // Nothing can be written: whoever waits by now hears of it at once, whoever comes later tries again.
            let mut waiting = vec![first];
            while let Ok(work) = queue.try_recv() {
                waiting.push(work);
            }
            for work in waiting {
                work.refuse(copy(&error));
            }
            return Err(error);
        }
        let begun = Instant::now();
        let mut next = Some(first);
        while let Some(work) = next {
            self.run_one(work, done)?;
            let goes_on = done.len() < self.group && begun.elapsed() < GROUP_TIME;
            next = if goes_on { queue.try_recv().ok() } else { None };
        }
        if !done.iter().any(|done| done.keep) {
            return self.connection.run(&Statement::of("ROLLBACK")).map(drop);
        }
        self.counters.store(&mut self.connection)?;
        self.connection.run(&Statement::of("COMMIT"))?;
        self.shared.committed();
        self.counters.publish(&self.shared);
        Ok(())
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

    /// One change set in its savepoint. An error means that the whole transaction is lost.
    fn run_one(&mut self, work: Box<dyn Work>, done: &mut Vec<Done>) -> Result<()> {
        self.connection.run(&Statement::of("SAVEPOINT change_set"))?;
        let mut transaction = SqliteTransaction::new(&mut self.connection, &mut self.counters, &self.shared);
        let result = catch_unwind(AssertUnwindSafe(|| work.run(&mut transaction)));
        let changes = transaction.into_changes();
        let keep = result.as_ref().is_ok_and(|done| done.keep);
        if let Ok(result) = result {
            done.push(result);
        } else {
            tracing::error!("a change set panicked; it was taken back");
        }
        if keep {
            self.connection.run(&Statement::of("RELEASE change_set"))?;
            self.counters.keep(changes);
        } else {
            self.connection.run(&Statement::of("ROLLBACK TO change_set"))?;
            self.connection.run(&Statement::of("RELEASE change_set"))?;
        }
        Ok(())
    }

    fn recover(&mut self) {
        // Fails when SQLite has rolled back by itself, which is as good.
        let _ = self.connection.run(&Statement::of("ROLLBACK"));
        match Counters::load(&mut self.connection) {
            Ok(counters) => self.counters = counters,
            Err(error) => {
                tracing::error!(error = %error.report(), "the store can not be read after a failure");
            }
        }
    }
}

/// The same failure once more: errors can not be cloned.
fn copy(error: &Error) -> Error {
    Error::new(error.kind(), error.message()).with_internal(error.report())
}

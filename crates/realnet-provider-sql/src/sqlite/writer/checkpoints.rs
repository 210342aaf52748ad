//! Checkpoints beside the writer: what stands in the write-ahead log is copied into the file by a thread of its own, while
//! others write.
//!
//! A checkpoint costs about as much as the writes before it, and syncs the file; on the writer's thread all who write
//! would wait for it. The log begins anew only when all of it has been copied, for which a busy writer leaves no moment:
//! when the log has become long ([`LOG_PAGES`]), SQLite copies what is left as part of a commit, which is little then.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use realnet_core::{Error, Result};

use crate::sqlite::connection::Connection;
use crate::statement::Statement;

/// The log is checkpointed by the writer itself when it has so many pages.
pub(in crate::sqlite) const LOG_PAGES: usize = 24_000;
/// A checkpoint is to copy about so many pages of the log: fewer are more often the same, and are synced more often.
const PAGES: usize = 8_000;
/// So much work, counted as [`Connection::take_work`] does, is thought to write that at first, at least and at most.
const WORK: usize = 4_000;
const LEAST_WORK: usize = 1_000;
const MOST_WORK: usize = 32_000;

/// The thread that makes checkpoints, and how much has been written since the last one.
pub(in crate::sqlite) struct Checkpoints {
    wake: Option<SyncSender<usize>>,
    thread: Option<JoinHandle<()>>,
    work: usize,
    /// After how much work the next one is due: what the last one has found decides it.
    due: Arc<AtomicUsize>,
}

impl Checkpoints {
    /// Starts the thread, which takes the connection.
    pub(in crate::sqlite) fn start(mut connection: Connection) -> Result<Self> {
        connection.batch("PRAGMA synchronous = FULL; PRAGMA cache_size = -64")?;
        let (wake, woken) = sync_channel(1);
        let due = Arc::new(AtomicUsize::new(WORK));
        let next = Arc::clone(&due);
        let thread = std::thread::Builder::new()
            .name("realnet-checkpoint".to_owned())
            .spawn(move || run(connection, &woken, &next))
            .map_err(|error| Error::unavailable("checkpoints can not be started").with_source(error))?;
        Ok(Self { wake: Some(wake), thread: Some(thread), work: 0, due })
    }

    /// Notes what has been committed; wakes the thread when it is time. While it is at work, more comes together.
    pub(super) fn note(&mut self, work: usize) {
        self.work += work;
        if self.work < self.due.load(Ordering::Relaxed) {
            return;
        }
        if let Some(wake) = &self.wake
            && !matches!(wake.try_send(self.work), Err(TrySendError::Full(_)))
        {
            self.work = 0;
        }
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        self.wake.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(mut connection: Connection, woken: &Receiver<usize>, due: &AtomicUsize) {
    // Waits for nobody: what is still read from the log stays there for the next one.
    let checkpoint = Statement::of("PRAGMA wal_checkpoint(PASSIVE)");
    let mut last = 0;
    while let Ok(work) = woken.recv() {
        // The second column tells how many pages the log has now.
        match connection.first(&checkpoint, |row| row.integer(1)) {
            Ok(pages) => {
                let pages = pages.and_then(|pages| usize::try_from(pages).ok()).unwrap_or_default();
                due.store(work_for(work, last, pages), Ordering::Relaxed);
                last = pages;
            }
            Err(error) => {
                tracing::warn!(error = %error.report(), "a checkpoint has failed; trying again later");
            }
        }
    }
}

/// How much work writes [`PAGES`], when `work` has made a log of `now` pages out of one of `before`, or a new one.
fn work_for(work: usize, before: usize, now: usize) -> usize {
    let written = if now > before { now - before } else { now };
    (work * PAGES / written.max(1)).clamp(LEAST_WORK, MOST_WORK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_one_is_due_after_as_many_pages() {
        assert_eq!(work_for(4_000, 0, 4_000), 8_000);
        assert_eq!(work_for(8_000, 10_000, 26_000), 4_000);
        assert_eq!(work_for(4_000, 20_000, 8_000), 4_000, "the log has begun anew");
        assert_eq!((work_for(4_000, 5, 5), work_for(4_000, 0, 0)), (MOST_WORK, MOST_WORK));
        assert_eq!(work_for(1_000, 0, 50_000), LEAST_WORK);
    }
}

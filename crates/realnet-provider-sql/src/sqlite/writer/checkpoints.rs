//! Checkpoints beside the writer: what stands in the write-ahead log is copied into the file by a thread of its own, while
//! others write.
//!
//! A checkpoint costs about as much as the writes before it, and syncs the file; on the writer's thread all who write
//! would wait for it. The log begins anew only when all of it has been copied, for which a busy writer leaves no moment. So
//! the thread copies the most, puts it on the disk, and copies what has come meanwhile; the writer then copies what is left
//! behind its next commits, until the log has begun anew. When the thread can not follow and the log has become long
//! ([`LOG_PAGES`]), SQLite copies what is left as part of a commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use realnet_core::{Error, Result};

use crate::sqlite::connection::Connection;
use crate::sqlite::shared::Shared;
use crate::statement::Statement;

/// The log is checkpointed by the writer itself when it has so many pages.
pub(in crate::sqlite) const LOG_PAGES: usize = 24_000;
/// A checkpoint is to copy about so many pages of the log: fewer are more often the same, and are synced more often.
const PAGES: usize = 14_000;
/// When no more pages than these came while others were copied, the writer copies the rest.
const REST: usize = 1_500;
/// So often the thread copies what has come while it copied.
const PASSES: usize = 4;
/// So much work, counted as [`Connection::take_work`] does, is thought to write that at first, at least and at most.
const WORK: usize = 4_000;
const LEAST_WORK: usize = 1_000;
const MOST_WORK: usize = 64_000;

/// Waits for nobody: what is still read from the log stays there for the next one. Answers whether it was kept from it, how
/// many pages the log has, and how many of them have been copied since it began.
const CHECKPOINT: &str = "PRAGMA wal_checkpoint(PASSIVE)";

/// The thread that makes checkpoints, and how much has been written since the last one.
pub(in crate::sqlite) struct Checkpoints {
    wake: Option<SyncSender<usize>>,
    thread: Option<JoinHandle<()>>,
    work: usize,
    signals: Arc<Signals>,
    /// How long the log was when the writer last copied what was left.
    length: i64,
}

/// What the thread tells the writer.
struct Signals {
    /// After how much work the next checkpoint is due: what the last one has found decides it.
    due: AtomicUsize,
    /// Whether the writer is to copy what is left.
    is_ripe: AtomicBool,
}

impl Checkpoints {
    /// Starts the thread, which takes the connection.
    pub(in crate::sqlite) fn start(mut connection: Connection, shared: Arc<Shared>) -> Result<Self> {
        connection.batch("PRAGMA synchronous = FULL; PRAGMA cache_size = -64")?;
        let (wake, woken) = sync_channel(1);
        let signals = Arc::new(Signals { due: AtomicUsize::new(WORK), is_ripe: AtomicBool::new(false) });
        let told = Arc::clone(&signals);
        let thread = std::thread::Builder::new()
            .name("realnet-checkpoint".to_owned())
            .spawn(move || {
                run(&mut connection, &shared, &woken, &told);
                // The store's file has to be closed behind all connections; see there.
                drop(connection);
                drop(shared);
            })
            .map_err(|error| Error::unavailable("checkpoints can not be started").with_source(error))?;
        Ok(Self { wake: Some(wake), thread: Some(thread), work: 0, signals, length: 0 })
    }

    /// Notes what has been committed; wakes the thread when it is time, or copies what that has left. While it is at work,
    /// more comes together. `writer`: the connection that has committed.
    pub(super) fn note(&mut self, work: usize, writer: &mut Connection) {
        self.work += work;
        if work > 0 && self.signals.is_ripe.load(Ordering::Acquire) {
            self.finish(writer);
        }
        if self.work < self.signals.due.load(Ordering::Relaxed) {
            return;
        }
        if let Some(wake) = &self.wake
            && !matches!(wake.try_send(self.work), Err(TrySendError::Full(_)))
        {
            self.work = 0;
        }
    }

    /// Copies what is left, behind each commit until one has begun the log anew: a reader in the midst of the log keeps it
    /// from that.
    fn finish(&mut self, writer: &mut Connection) {
        let length = match writer.first(&Statement::of(CHECKPOINT), |row| row.integer(1)) {
            Ok(length) => length.unwrap_or_default(),
            Err(error) => {
                tracing::warn!(error = %error.report(), "a checkpoint has failed; trying again later");
                0
            }
        };
        if length > self.length {
            self.length = length;
        } else {
            self.length = 0;
            self.signals.is_ripe.store(false, Ordering::Release);
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

fn run(connection: &mut Connection, shared: &Shared, woken: &Receiver<usize>, signals: &Signals) {
    let mut last = 0;
    while let Ok(work) = woken.recv() {
        match copy(connection, shared) {
            Ok(pages) => {
                signals.due.store(work_for(work, last, pages), Ordering::Relaxed);
                signals.is_ripe.store(true, Ordering::Release);
                last = pages;
            }
            Err(error) => {
                tracing::warn!(error = %error.report(), "a checkpoint has failed; trying again later");
            }
        }
    }
}

/// Copies the log, and what comes meanwhile, until that is little; answers how many pages the log had at the beginning.
fn copy(connection: &mut Connection, shared: &Shared) -> Result<usize> {
    let (mut first, mut known) = (None, 0);
    for _ in 0..PASSES {
        let pages = connection.first(&Statement::of(CHECKPOINT), |row| row.integer(1))?;
        let pages = pages.and_then(|pages| usize::try_from(pages).ok()).unwrap_or_default();
        // SQLite syncs the file only when nothing is left: then all of it at once, while others wait.
        shared.sync();
        let came = pages.saturating_sub(known);
        (first, known) = (first.or(Some(pages)), pages);
        if came <= REST {
            break;
        }
    }
    Ok(first.unwrap_or_default())
}

/// How much work writes [`PAGES`], when `work` has made a log of `now` pages out of one of `before`, or a new one.
fn work_for(work: usize, before: usize, now: usize) -> usize {
    let written = if now > before { now - before } else { now };
    (work * PAGES / written.max(1)).clamp(LEAST_WORK, MOST_WORK)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::config::SqliteConfig;
    use crate::sqlite::pool::Pool;

    #[test]
    fn the_next_one_is_due_after_as_many_pages() {
        assert_eq!(work_for(4_000, 0, 7_000), 8_000);
        assert_eq!(work_for(8_000, 10_000, 38_000), 4_000);
        assert_eq!(work_for(4_000, 20_000, 14_000), 4_000, "the log has begun anew");
        assert_eq!((work_for(4_000, 5, 5), work_for(4_000, 0, 0)), (MOST_WORK, MOST_WORK));
        assert_eq!(work_for(1_000, 0, 50_000), LEAST_WORK);
    }

    /// A file with a log, its connections for writing and for reading, and the thread.
    fn world(folder: &std::path::Path) -> (Connection, Connection, Checkpoints) {
        let path = folder.join("store.db");
        let mut writer = Connection::open(&path).unwrap();
        writer.batch("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (v)").unwrap();
        let shared = Arc::new(Shared::new(Pool::new(&SqliteConfig::new(&path)), 1));
        let checkpoints = Checkpoints::start(Connection::open(&path).unwrap(), shared).unwrap();
        (writer, Connection::open(&path).unwrap(), checkpoints)
    }

    fn write(writer: &mut Connection, checkpoints: &mut Checkpoints, rows: usize) {
        writer.batch("BEGIN").unwrap();
        for _ in 0..rows {
            writer.run(&Statement::of("INSERT INTO t VALUES (zeroblob(4000))")).unwrap();
        }
        writer.batch("COMMIT").unwrap();
        let work = writer.take_work();
        checkpoints.note(work, writer);
    }

    fn length(connection: &mut Connection) -> i64 {
        connection.first(&Statement::of(CHECKPOINT), |row| row.integer(1)).unwrap().unwrap()
    }

    #[test]
    fn the_log_begins_anew_behind_what_the_thread_has_copied() {
        let folder = tempfile::tempdir().unwrap();
        let (mut writer, _, mut checkpoints) = world(folder.path());
        checkpoints.signals.due.store(200, Ordering::Relaxed);
        write(&mut writer, &mut checkpoints, 250);
        let begun = std::time::Instant::now();
        while !checkpoints.signals.is_ripe.load(Ordering::Acquire) {
            assert!(begun.elapsed().as_secs() < 20, "the thread does nothing");
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        write(&mut writer, &mut checkpoints, 1);
        write(&mut writer, &mut checkpoints, 1);
        assert!(!checkpoints.signals.is_ripe.load(Ordering::Acquire));
        assert!(length(&mut writer) < 20, "{}", length(&mut writer));
    }

    #[test]
    fn a_reader_in_the_log_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let (mut writer, mut reader, mut checkpoints) = world(folder.path());
        write(&mut writer, &mut checkpoints, 50);
        reader.begin("BEGIN").unwrap();
        reader.number(&Statement::of("SELECT count(*) FROM t")).unwrap();
        checkpoints.signals.is_ripe.store(true, Ordering::Release);
        for _ in 0..5 {
            write(&mut writer, &mut checkpoints, 1);
            assert!(checkpoints.signals.is_ripe.load(Ordering::Acquire), "the log can not begin anew yet");
        }
        reader.roll_back().unwrap();
        for _ in 0..3 {
            write(&mut writer, &mut checkpoints, 1);
        }
        assert!(!checkpoints.signals.is_ripe.load(Ordering::Acquire));
        assert!(length(&mut writer) < 20, "{}", length(&mut writer));
    }
}

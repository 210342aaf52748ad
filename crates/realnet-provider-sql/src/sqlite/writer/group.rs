//! A group: change sets that were waiting together, made durable by one transaction.
//!
//! They run one after the other. One that is refused before it has written anything leaves no trace. When one fails later,
//! or panics, all is taken back and done once more with each in a savepoint of its own, so that only the failing one is
//! lost: savepoints cost every set, failures are rare.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use realnet_core::{Error, Result};
use tokio::sync::mpsc;

use super::State;
use super::work::Work;
use crate::sqlite::counters::Counters;
use crate::sqlite::transaction::SqliteTransaction;

/// A group takes no more change sets after this time.
const GROUP_TIME: Duration = Duration::from_millis(20);

/// What came of one change set.
enum Attempt {
    Kept,
    /// Nothing of it is there.
    Refused,
    /// Some of it may be there, or the whole transaction may be gone.
    Torn,
    /// The database has failed under it, and it has not noticed.
    Spoilt,
}

impl State {
    /// Makes a group of the first of `works` and what waits behind it. On error nothing of it is in the file.
    pub(super) fn run_group(
        &mut self,
        works: &mut Vec<Box<dyn Work>>,
        queue: &mut mpsc::Receiver<Box<dyn Work>>,
    ) -> Result<()> {
        if let Err(error) = self.connection.begin("BEGIN IMMEDIATE") {
            // Nothing can be written: whoever waits by now hears of it at once, whoever comes later tries again.
            while let Ok(work) = queue.try_recv() {
                works.push(work);
            }
            return Err(error);
        }
        let keeps = if let Some(keeps) = self.run_together(works, queue) {
            keeps
        } else {
            self.start_again()?;
            self.run_apart(works)?
        };
        if !keeps {
            return self.connection.roll_back();
        }
        self.counters.store(&mut self.connection)?;
        let _commit = self.shared.committing();
        let committed = self.connection.commit();
        match &committed {
            Ok(()) => self.counters.publish(&self.shared),
            Err(_) => self.shared.not_committed(),
        }
        committed
    }

    /// Runs what comes; answers whether anything is to be kept, or nothing when a change set was torn.
    fn run_together(
        &mut self,
        works: &mut Vec<Box<dyn Work>>,
        queue: &mut mpsc::Receiver<Box<dyn Work>>,
    ) -> Option<bool> {
        let begun = Instant::now();
        let mut keeps = false;
        let mut next = 0;
        while let Some(work) = works.get_mut(next) {
            match self.attempt(&mut **work) {
                Attempt::Kept => keeps = true,
                Attempt::Refused => {}
                Attempt::Torn | Attempt::Spoilt => return None,
            }
            next += 1;
            if next < self.group
                && begun.elapsed() < GROUP_TIME
                && let Ok(work) = queue.try_recv()
            {
                works.push(work);
            }
        }
        Some(keeps)
    }

    /// Runs each change set in its savepoint; answers whether anything is to be kept.
    fn run_apart(&mut self, works: &mut [Box<dyn Work>]) -> Result<bool> {
        let mut keeps = false;
        for work in works {
            self.connection.control("SAVEPOINT change_set")?;
            let attempt = self.attempt(&mut **work);
            let failure = self.connection.take_marks().failure;
            match attempt {
                Attempt::Kept => keeps = true,
                Attempt::Refused | Attempt::Torn => {
                    let back = self.connection.control("ROLLBACK TO change_set");
                    back.map_err(|error| failure.unwrap_or(error))?;
                }
                Attempt::Spoilt => {
                    return Err(failure.unwrap_or_else(|| Error::internal("a change set was spoilt")));
                }
            }
            self.connection.control("RELEASE change_set")?;
        }
        Ok(keeps)
    }

    fn attempt(&mut self, work: &mut dyn Work) -> Attempt {
        self.connection.take_marks();
        let mut transaction = SqliteTransaction::new(&mut self.connection, &mut self.counters, &self.shared);
        let result = catch_unwind(AssertUnwindSafe(|| work.run(&mut transaction)));
        let changes = transaction.into_changes();
        let marks = self.connection.marks();
        match result {
            Ok(true) if marks.failure.is_none() => {
                self.counters.keep(changes);
                Attempt::Kept
            }
            Ok(true) => Attempt::Spoilt,
            Ok(false) if !marks.is_any() => Attempt::Refused,
            Ok(false) => Attempt::Torn,
            Err(_) => {
                tracing::error!("a change set panicked; it is taken back");
                Attempt::Torn
            }
        }
    }

    /// Takes everything back and begins anew. An error means that the transaction was lost, and says why.
    fn start_again(&mut self) -> Result<()> {
        let failure = self.connection.take_marks().failure;
        self.connection.roll_back().map_err(|error| failure.unwrap_or(error))?;
        self.counters = Counters::load(&mut self.connection, &self.shared)?;
        self.connection.begin("BEGIN IMMEDIATE")
    }

    /// After a failure: nothing is open, and what is in memory is what is in the file.
    pub(super) fn recover(&mut self) {
        // Fails when SQLite has rolled back by itself, which is as good.
        let _: Result<(), Error> = self.connection.roll_back();
        match Counters::load(&mut self.connection, &self.shared) {
            Ok(counters) => self.counters = counters,
            Err(error) => {
                tracing::error!(error = %error.report(), "the store can not be read after a failure");
            }
        }
    }
}

//! Change sets that are only tried: all rules hold and the store has its say, and nothing of it is kept.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::Outcome;
use crate::error::Error;

/// How a change set has gone that is only tried: the store takes it back, and answers an error in any case.
#[derive(Debug, Default)]
pub struct Trial {
    /// How many items it would have deleted, and one more; 0 as long as it has not passed.
    passed: AtomicUsize,
}

impl Trial {
    /// It begins, perhaps once more.
    pub(super) fn begin(&self) {
        self.passed.store(0, Ordering::Release);
    }

    /// It has passed; the error by which the store is told to take it back.
    pub(super) fn pass(&self, outcomes: &[Outcome]) -> Error {
        let deleted = outcomes.iter().map(|outcome| match outcome {
            Outcome::Deleted(count) => *count,
            _ => 0,
        });
        self.passed.store(deleted.sum::<usize>() + 1, Ordering::Release);
        Error::conflict("what is only tried is not kept")
    }

    /// How many items would have been deleted, if nothing stands against the set.
    pub fn deleted(&self) -> Option<usize> {
        self.passed.load(Ordering::Acquire).checked_sub(1)
    }
}

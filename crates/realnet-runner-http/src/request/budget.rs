//! How many bytes of bodies may be in memory at a time, of all requests together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::problem::Problem;
use crate::state::State;

/// Bytes that are in memory.
#[derive(Debug)]
pub(crate) struct Budget {
    most: usize,
    used: AtomicUsize,
    /// Those of callers who are not signed in: they can not keep the others out.
    by_strangers: AtomicUsize,
}

/// Bytes that one request holds, until dropped.
pub(crate) struct Reservation {
    state: Arc<State>,
    bytes: usize,
    is_strangers: bool,
}

impl Budget {
    pub(crate) fn new(most: usize) -> Self {
        Self { most, used: AtomicUsize::new(0), by_strangers: AtomicUsize::new(0) }
    }

    /// Adds bytes if there is room; of strangers, in a half of it.
    fn add(&self, bytes: usize, is_strangers: bool) -> bool {
        let add = |counter: &AtomicUsize, most: usize| {
            let used = counter.fetch_add(bytes, Ordering::Relaxed) + bytes;
            if used > most {
                counter.fetch_sub(bytes, Ordering::Relaxed);
            }
            used <= most
        };
        if is_strangers && !add(&self.by_strangers, self.most / 2) {
            return false;
        }
        let has_room = add(&self.used, self.most);
        if is_strangers && !has_room {
            self.by_strangers.fetch_sub(bytes, Ordering::Relaxed);
        }
        has_room
    }

    fn give_back(&self, bytes: usize, is_strangers: bool) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
        if is_strangers {
            self.by_strangers.fetch_sub(bytes, Ordering::Relaxed);
        }
    }
}

impl Reservation {
    /// Nothing yet.
    pub(crate) fn new(state: &Arc<State>, is_strangers: bool) -> Self {
        Self { state: Arc::clone(state), bytes: 0, is_strangers }
    }

    /// Adds bytes that have come.
    pub(crate) fn add(&mut self, bytes: usize) -> Result<(), Problem> {
        if !self.state.bodies.add(bytes, self.is_strangers) {
            return Err(Problem::busy("too many bodies are being received at the moment"));
        }
        self.bytes += bytes;
        Ok(())
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.state.bodies.give_back(self.bytes, self.is_strangers);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_have_a_half() {
        let budget = Budget::new(100);
        assert!(budget.add(50, true));
        assert!(!budget.add(1, true));
        assert!(budget.add(50, false));
        assert!(!budget.add(1, false));
        budget.give_back(50, true);
        assert!(budget.add(40, false) && budget.add(10, true) && !budget.add(1, true));
        budget.give_back(90, false);
        budget.give_back(10, true);
        assert!(budget.add(100, false));
    }
}

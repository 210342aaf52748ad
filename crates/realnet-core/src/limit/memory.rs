//! How many bytes large things may take at a time, of all requests together: a budget for the process, and what one request
//! has of it until that is dropped.
//!
//! Each request is bounded by itself wherever it is worked on. Many of them together are bounded here: whoever finds no room is
//! refused at once and nothing is done, so nobody waits while holding a part.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::error::{Error, ErrorKind, Result};

/// A budget of bytes that requests share.
#[derive(Debug, Clone)]
pub struct Memory(Arc<Counters>);

#[derive(Debug)]
struct Counters {
    most: usize,
    used: AtomicUsize,
    /// Those of callers who are not signed in: they can not keep the others out.
    by_strangers: AtomicUsize,
}

/// What one request has of the budget; it is given back when dropped.
#[derive(Debug)]
pub struct Room {
    memory: Memory,
    held: AtomicUsize,
    is_strangers: bool,
    was_refused: AtomicBool,
    is_done: AtomicBool,
}

impl Memory {
    /// A budget of so many bytes.
    pub fn new(most: usize) -> Self {
        let (used, by_strangers) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Self(Arc::new(Counters { most, used, by_strangers }))
    }

    /// Room for one request, nothing yet. Strangers have a half of the budget.
    pub fn room(&self, is_strangers: bool) -> Room {
        let (was_refused, is_done) = (AtomicBool::new(false), AtomicBool::new(false));
        Room { memory: self.clone(), held: AtomicUsize::new(0), is_strangers, was_refused, is_done }
    }

    /// The bytes that are taken.
    pub fn used(&self) -> usize {
        self.0.used.load(Ordering::Relaxed)
    }

    fn most(&self, is_strangers: bool) -> usize {
        if is_strangers { self.0.most / 2 } else { self.0.most }
    }

    /// Adds bytes if there is room; else nothing changes, not even for a moment.
    fn take(&self, bytes: usize, is_strangers: bool) -> bool {
        let add = |counter: &AtomicUsize, most: usize| {
            let added = |taken: usize| taken.checked_add(bytes).filter(|sum| *sum <= most);
            counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, added).is_ok()
        };
        if is_strangers && !add(&self.0.by_strangers, self.most(true)) {
            return false;
        }
        let has_room = add(&self.0.used, self.0.most);
        if is_strangers && !has_room {
            self.0.by_strangers.fetch_sub(bytes, Ordering::Relaxed);
        }
        has_room
    }

    fn force(&self, bytes: usize, is_strangers: bool) {
        self.0.used.fetch_add(bytes, Ordering::Relaxed);
        if is_strangers {
            self.0.by_strangers.fetch_add(bytes, Ordering::Relaxed);
        }
    }

    fn give_back(&self, bytes: usize, is_strangers: bool) {
        self.0.used.fetch_sub(bytes, Ordering::Relaxed);
        if is_strangers {
            self.0.by_strangers.fetch_sub(bytes, Ordering::Relaxed);
        }
    }
}

impl Room {
    /// What takes less costs nothing and is not counted by [`Self::reach`].
    pub const SMALL: usize = 64 * 1024;

    /// The bytes that it has.
    pub fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// Whether there was no room for it once: the request is to be refused.
    pub fn was_refused(&self) -> bool {
        self.was_refused.load(Ordering::Relaxed)
    }

    /// Notes that what it was for is done: what tells of it is not refused any more.
    pub fn note_done(&self) {
        self.is_done.store(true, Ordering::Relaxed);
    }

    /// Whether what it was for is done.
    pub fn is_done(&self) -> bool {
        self.is_done.load(Ordering::Relaxed)
    }

    /// More room of the same budget for the same caller.
    pub fn beside(&self) -> Self {
        self.memory.room(self.is_strangers)
    }

    /// Adds bytes. Without room for them it is unavailable for a moment; what would never fit is too large.
    pub fn add(&self, bytes: usize) -> Result<()> {
        if self.memory.take(bytes, self.is_strangers) {
            self.held.fetch_add(bytes, Ordering::Relaxed);
            return Ok(());
        }
        self.was_refused.store(true, Ordering::Relaxed);
        let fits = self.held().saturating_add(bytes) <= self.memory.most(self.is_strangers);
        Err(if fits {
            Error::unavailable("too much is in memory at the moment: try again")
        } else {
            Error::new(
                ErrorKind::TooLarge,
                "this takes more memory than there is for a request: ask for less at once",
            )
        })
    }

    /// Sees that it has as many bytes at least: for what is worked out twice, and counted each time.
    pub fn reach(&self, bytes: usize) -> Result<()> {
        let held = self.held();
        if bytes <= held || bytes <= Self::SMALL { Ok(()) } else { self.add(bytes - held) }
    }

    /// Has exactly as many bytes from here on, whatever room there is: for what is done already and has to be told.
    pub fn settle(&self, bytes: usize) {
        let held = self.held.swap(bytes, Ordering::Relaxed);
        if bytes > held {
            self.memory.force(bytes - held, self.is_strangers);
        } else {
            self.memory.give_back(held - bytes, self.is_strangers);
        }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.memory.give_back(self.held(), self.is_strangers);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(result: Result<()>) -> Option<ErrorKind> {
        result.err().map(|error| error.kind())
    }

    #[test]
    fn strangers_have_a_half() {
        let memory = Memory::new(100);
        let (stranger, member) = (memory.room(true), memory.room(false));
        stranger.add(50).unwrap();
        assert_eq!(kind(memory.room(true).add(1)), Some(ErrorKind::Unavailable));
        member.add(50).unwrap();
        assert_eq!(kind(memory.room(false).add(1)), Some(ErrorKind::Unavailable));
        drop(stranger);
        member.add(40).unwrap();
        let stranger = memory.room(true);
        stranger.add(10).unwrap();
        assert_eq!(kind(stranger.add(1)), Some(ErrorKind::Unavailable));
        assert!(stranger.was_refused() && !member.was_refused());
        drop((stranger, member));
        assert_eq!(memory.used(), 0);
        memory.room(false).add(100).unwrap();
        // What is refused leaves no trace in either counter.
        memory.room(true).add(50).unwrap();
    }

    #[test]
    fn what_never_fits_is_told_apart() {
        let memory = Memory::new(1000);
        assert_eq!(kind(memory.room(false).add(1001)), Some(ErrorKind::TooLarge));
        assert_eq!(kind(memory.room(true).add(501)), Some(ErrorKind::TooLarge));
        let error = Error::unavailable("");
        let other = memory.room(false);
        other.add(1000).unwrap();
        let refused = memory.room(false).add(1).unwrap_err();
        assert_eq!((refused.kind(), refused.retry_after()), (error.kind(), error.retry_after()));
    }

    #[test]
    fn what_is_refused_is_in_nobodys_way() {
        let memory = Memory::new(1000);
        let others = memory.room(false);
        others.add(400).unwrap();
        std::thread::scope(|scope| {
            // Far too much, again and again, on both counters.
            for is_strangers in [false, true] {
                let memory = &memory;
                scope.spawn(move || {
                    for _ in 0..20_000 {
                        memory.room(is_strangers).add(usize::MAX - 10).unwrap_err();
                    }
                });
            }
            for _ in 0..20_000 {
                memory.room(false).add(500).unwrap();
                memory.room(true).add(500).unwrap();
            }
        });
        assert_eq!(memory.used(), 400);
    }

    #[test]
    fn what_is_counted_twice_is_taken_once() {
        let memory = Memory::new(1 << 20);
        let room = memory.room(false);
        room.reach(Room::SMALL).unwrap();
        assert_eq!(memory.used(), 0, "small things are free");
        room.reach(300_000).unwrap();
        room.reach(200_000).unwrap();
        room.reach(300_000).unwrap();
        assert_eq!((memory.used(), room.held()), (300_000, 300_000));
        assert_eq!(kind(room.beside().add(1 << 20)), Some(ErrorKind::Unavailable));
        room.settle(2 << 20);
        assert_eq!(memory.used(), 2 << 20, "what is done is told, whatever room there is");
        room.settle(5);
        assert_eq!(memory.used(), 5);
        drop(room);
        assert_eq!(memory.used(), 0);
    }
}

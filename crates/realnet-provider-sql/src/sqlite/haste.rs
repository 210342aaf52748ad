//! Which lists have been quick: those run where they are asked for, others on a thread for what may take long.
//!
//! Whether a walk with a filter finds its rows soon depends on the data, and counting would cost more than the list. So
//! the first time goes the long way, and what turned out quick is remembered.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// What takes less is quick.
const QUICK: Duration = Duration::from_millis(2);
/// What takes more is slow, if only for lack of a processor.
const SLOW: Duration = Duration::from_millis(6);
/// So often in a row a quick list may be slow.
const PATIENCE: u8 = 3;
/// What takes more than this would hold up everybody on its thread: a while passes before it is tried there again.
const HOLDUP: Duration = Duration::from_millis(50);
/// That while.
const PENALTY: Duration = Duration::from_mins(1);
/// So many lists are remembered.
const MAX_KNOWN: usize = 2048;

/// What is known of lists, by the fingerprints of what they read.
#[derive(Default)]
pub(super) struct Haste {
    known: Mutex<HashMap<u64, Pace>>,
    /// Whether a list that promised to be quick has ever been stopped: most stores have none.
    has_stopped: AtomicBool,
}

/// What is known of one list.
enum Pace {
    /// It was quick, and has been slow so often since.
    Quick(u8),
    /// It has held up others: not to be tried before this moment.
    Slow(Instant),
}

impl Haste {
    /// Whether a list is known to be quick.
    pub(super) fn is_quick(&self, fingerprint: u64) -> bool {
        matches!(self.known.lock().get(&fingerprint), Some(Pace::Quick(_)))
    }

    /// Whether a list that promises to be quick, as it is a few rows along an index, has been stopped lately. Its fingerprint is
    /// asked for only where any has.
    pub(super) fn was_stopped(&self, fingerprint: impl FnOnce() -> u64, now: Instant) -> bool {
        self.has_stopped.load(Ordering::Relaxed)
            && matches!(self.known.lock().get(&fingerprint()), Some(Pace::Slow(until)) if now < *until)
    }

    /// Notes that such a list has been stopped `now`, for all that it had to look at.
    pub(super) fn stop(&self, fingerprint: u64, now: Instant) {
        self.has_stopped.store(true, Ordering::Relaxed);
        self.learn(fingerprint, HOLDUP + QUICK, now);
    }

    /// Notes how long a list took, which has ended `now`.
    pub(super) fn learn(&self, fingerprint: u64, time: Duration, now: Instant) {
        let mut known = self.known.lock();
        if known.len() >= MAX_KNOWN {
            known.clear();
        }
        match known.get_mut(&fingerprint) {
            _ if time > HOLDUP => drop(known.insert(fingerprint, Pace::Slow(now + PENALTY))),
            Some(Pace::Slow(until)) if now < *until => {}
            _ if time <= QUICK => drop(known.insert(fingerprint, Pace::Quick(0))),
            Some(Pace::Quick(times)) if time > SLOW => {
                *times += 1;
                if *times >= PATIENCE {
                    known.remove(&fingerprint);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_quick_until_it_is_slow_again_and_again() {
        let (haste, now) = (Haste::default(), Instant::now());
        assert!(!haste.is_quick(1));
        haste.learn(1, SLOW * 2, now);
        assert!(!haste.is_quick(1));
        haste.learn(1, QUICK, now);
        haste.learn(1, SLOW * 2, now);
        haste.learn(1, SLOW * 2, now);
        assert!(haste.is_quick(1) && !haste.is_quick(2));
        haste.learn(1, QUICK, now);
        for _ in 0..PATIENCE {
            haste.learn(1, SLOW * 2, now);
        }
        assert!(!haste.is_quick(1));
    }

    #[test]
    fn a_list_that_has_held_up_others_stays_away_for_a_while() {
        let (haste, now) = (Haste::default(), Instant::now());
        haste.learn(1, QUICK, now);
        haste.learn(1, HOLDUP * 2, now);
        assert!(!haste.is_quick(1));
        haste.learn(1, QUICK, now + PENALTY / 2);
        assert!(!haste.is_quick(1), "quick ones in between do not help");
        haste.learn(1, QUICK, now + PENALTY);
        assert!(haste.is_quick(1));
    }

    #[test]
    fn what_promised_to_be_quick_and_was_stopped_stays_away_as_well() {
        let (haste, now) = (Haste::default(), Instant::now());
        assert!(!haste.was_stopped(|| panic!("nothing has been stopped"), now));
        haste.stop(1, now);
        assert!(haste.was_stopped(|| 1, now + PENALTY / 2) && !haste.was_stopped(|| 2, now));
        assert!(!haste.was_stopped(|| 1, now + PENALTY));
    }
}

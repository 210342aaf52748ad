//! Which lists have been quick: those run where they are asked for, others on a thread for what may take long.
//!
//! Whether a walk with a filter finds its rows soon depends on the data, and counting would cost more than the list. So
//! the first time goes the long way, and what turned out quick is remembered.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;

/// What takes less is quick.
const QUICK: Duration = Duration::from_millis(2);
/// What takes more is slow, if only for lack of a processor.
const SLOW: Duration = Duration::from_millis(6);
/// So often in a row a quick list may be slow.
const PATIENCE: u8 = 3;
/// So many lists are remembered.
const MAX_KNOWN: usize = 2048;

/// Quick lists by the fingerprints of what they read, each with how often it has been slow since.
#[derive(Default)]
pub(super) struct Haste(Mutex<HashMap<u64, u8>>);

impl Haste {
    /// Whether a list is known to be quick.
    pub(super) fn is_quick(&self, fingerprint: u64) -> bool {
        self.0.lock().contains_key(&fingerprint)
    }

    /// Notes how long a list took.
    pub(super) fn learn(&self, fingerprint: u64, time: Duration) {
        let mut known = self.0.lock();
        if time <= QUICK {
            if known.len() >= MAX_KNOWN {
                known.clear();
            }
            known.insert(fingerprint, 0);
        } else if time > SLOW
            && let Some(times) = known.get_mut(&fingerprint)
        {
            *times += 1;
            if *times >= PATIENCE {
                known.remove(&fingerprint);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_quick_until_it_is_slow_again_and_again() {
        let haste = Haste::default();
        assert!(!haste.is_quick(1));
        haste.learn(1, SLOW * 2);
        assert!(!haste.is_quick(1));
        haste.learn(1, QUICK);
        haste.learn(1, SLOW * 2);
        haste.learn(1, SLOW * 2);
        assert!(haste.is_quick(1) && !haste.is_quick(2));
        haste.learn(1, QUICK);
        for _ in 0..PATIENCE {
            haste.learn(1, SLOW * 2);
        }
        assert!(!haste.is_quick(1));
    }
}

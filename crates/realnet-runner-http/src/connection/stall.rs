//! A client that reads slowly: how long its answer waits for it.

use std::time::Duration;

use tokio::time::Instant;

/// Bytes that a client must take in a millisecond in the long run.
const LEAST_PER_MILLISECOND: u64 = 16;

/// Since when a client has not read all that waits for it.
#[derive(Debug, Default)]
pub(super) struct Stall {
    since: Option<Instant>,
    /// Bytes that it has taken since.
    taken: u64,
}

impl Stall {
    /// Whether something waits to be read.
    pub(super) fn is_on(&self) -> bool {
        self.since.is_some()
    }

    /// The client reads nothing now: until when that may go on. What it has taken since it began prolongs it.
    pub(super) fn until(&mut self, now: Instant, patience: Duration) -> Instant {
        let earned = Duration::from_millis(self.taken / LEAST_PER_MILLISECOND);
        *self.since.get_or_insert(now) + patience + earned
    }

    /// The client has taken some of what waited, or all of it.
    pub(super) fn took(&mut self, count: usize, of: usize) {
        if count == of {
            *self = Self::default();
        } else if self.is_on() {
            // What the system took before the client had to be waited for says nothing of the client.
            self.taken += count as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_mins(1);

    #[test]
    fn a_byte_now_and_then_buys_no_time() {
        let (mut stall, start) = (Stall::default(), Instant::now());
        stall.took(500_000, 1_000_000);
        let first = stall.until(start, PATIENCE);
        assert_eq!(first, start + PATIENCE);
        stall.took(1, 1_000_000);
        assert_eq!(stall.until(start + Duration::from_secs(59), PATIENCE), first);
        // So much a second is enough.
        stall.took(16_000, 1_000_000);
        assert_eq!(stall.until(start + PATIENCE, PATIENCE), first + Duration::from_secs(1));
        // Who has taken all has its time anew.
        stall.took(5, 5);
        assert!(!stall.is_on());
        let later = start + Duration::from_mins(10);
        assert_eq!(stall.until(later, PATIENCE), later + PATIENCE);
    }
}

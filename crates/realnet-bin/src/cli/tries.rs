//! How often the transfer of a file is gone on with when its connection breaks: as long as it comes further, and some times where it
//! does not; and how long is waited where the server says when.

use std::time::Duration;

use realnet_client::Error;

use super::{Failure, is_passing};

/// So many breaks in a row that bring it hardly further are the end.
const MOST: u32 = 10;
/// So many bytes are further: a server that gives some with each connection would go on for ever.
const LEAST: u64 = 64 * 1024;
/// How long commands that make many calls wait when one of them comes too often, each time.
pub const PATIENCE: Duration = Duration::from_mins(10);

/// The breaks of a transfer.
#[derive(Debug, Default)]
pub struct Tries {
    /// Since it has last come further.
    count: u32,
    /// How far it was then.
    reached: u64,
}

impl Tries {
    /// How long to wait before it is gone on with that has broken at this byte, or with what lies before it; `None` when it is
    /// given up.
    pub fn next(&mut self, offset: u64) -> Option<Duration> {
        if offset >= self.reached.saturating_add(LEAST) {
            *self = Self { count: 0, reached: offset };
        }
        self.count += 1;
        (self.count <= MOST).then(|| Duration::from_millis(250 << self.count.min(5)))
    }

    /// The same behind an error, which may say when another try makes sense.
    pub fn after(&mut self, offset: u64, error: &Error) -> Option<Duration> {
        let told = error.problem().and_then(|problem| problem.retry_after).map(Duration::from_secs);
        if told.is_some_and(|told| told > PATIENCE) {
            return None;
        }
        self.next(offset).map(|pause| pause.max(told.unwrap_or_default()))
    }
}

/// A failure that may pass, with what helps then: nothing of what has come is lost.
pub fn kept(failure: Failure) -> Failure {
    if !failure.downcast_ref::<realnet_client::Error>().is_some_and(is_passing) {
        return failure;
    }
    format!("{failure}\n  what has come is kept: the same command goes on with it").into()
}

#[cfg(test)]
mod tests {
    use realnet_client::Problem;

    use super::*;

    #[test]
    fn what_may_pass_is_told_with_the_next_step() {
        let refused = |status| {
            let problem = realnet_client::Problem { status, ..Default::default() };
            kept(realnet_client::Error::Refused(Box::new(problem)).into()).to_string()
        };
        assert!(refused(503).contains("the same command goes on"));
        assert!(!refused(404).contains("goes on"));
        assert_eq!(kept("a file".into()).to_string(), "a file");
    }

    #[test]
    fn whoever_comes_further_goes_on() {
        let mut tries = Tries::default();
        assert!((1..100).all(|part| tries.next(part * LEAST).is_some()), "a long way on a bad line");
        let waits: Vec<Duration> = std::iter::from_fn(|| tries.next(99 * LEAST)).collect();
        assert_eq!(waits.len(), 9, "and no further");
        assert!(waits.is_sorted() && waits.last() == Some(&Duration::from_secs(8)));
        assert_eq!(tries.next(50 * LEAST), None, "to begin anew is not to come further");
        assert_eq!(tries.next(100 * LEAST - 1), None, "nor is a byte with each connection");
        assert!(tries.next(100 * LEAST).is_some());
    }

    #[test]
    fn one_waits_as_long_as_is_told() {
        let told = |retry_after| {
            Error::Refused(Box::new(Problem { status: 429, retry_after, ..Problem::default() }))
        };
        let mut tries = Tries::default();
        assert_eq!(tries.after(0, &told(Some(37))), Some(Duration::from_secs(37)));
        assert_eq!(tries.after(0, &told(Some(0))), Some(Duration::from_secs(1)));
        assert_eq!(tries.after(0, &told(None)), Some(Duration::from_secs(2)));
        assert_eq!(tries.after(0, &told(Some(100_000))), None);
    }
}

//! How often the transfer of a file is gone on with when its connection breaks: as long as it comes further, and some times where it
//! does not.

use std::time::Duration;

use super::{Failure, is_passing};

/// So many breaks in a row without a further byte are the end.
const MOST: u32 = 10;

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
        if offset > self.reached {
            *self = Self { count: 0, reached: offset };
        }
        self.count += 1;
        (self.count <= MOST).then(|| Duration::from_millis(250 << self.count.min(5)))
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
        assert!((1..100).all(|offset| tries.next(offset).is_some()), "a long way on a bad line");
        let waits: Vec<Duration> = std::iter::from_fn(|| tries.next(99)).collect();
        assert_eq!(waits.len(), 9, "and no further");
        assert!(waits.is_sorted() && waits.last() == Some(&Duration::from_secs(8)));
        assert_eq!(tries.next(50), None, "to begin anew is not to come further");
        assert!(tries.next(100).is_some());
    }
}

//! When a request is made again, and how long to wait before: twice as long each time, by a random part of it, so that those
//! who failed together do not come back together.

use std::time::Duration;

/// The first wait is at most this long.
const FIRST: Duration = Duration::from_millis(100);
/// No wait is longer.
const LONGEST: Duration = Duration::from_secs(5);

/// The statuses after which the same request may succeed.
const STATUSES: [u16; 6] = [408, 429, 500, 502, 503, 504];

/// What S3 says with another status, and means the same by.
const CODES: [&str; 7] = [
    "ConditionalRequestConflict",
    "InternalError",
    "OperationAborted",
    "RequestTimeout",
    "ServiceUnavailable",
    "SlowDown",
    "ThrottlingException",
];

/// Whether an answer may be another the next time.
pub(crate) fn may_pass(status: u16, code: Option<&str>) -> bool {
    STATUSES.contains(&status) || code.is_some_and(|code| CODES.contains(&code))
}

/// How long to wait after so many failures, of which there is at least one.
pub(crate) fn wait(failures: u32) -> Duration {
    longest(failures).mul_f64(rand::random::<f64>())
}

fn longest(failures: u32) -> Duration {
    let doubled = 1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
    FIRST.saturating_mul(doubled).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_bound_and_differ() {
        let longest: Vec<u128> = [1, 2, 3, 6, 7, 32, 33, u32::MAX].map(|n| longest(n).as_millis()).to_vec();
        assert_eq!(longest, [100, 200, 400, 3200, 5000, 5000, 5000, 5000]);
        let waits: Vec<Duration> = (0..20).map(|_| wait(4)).collect();
        assert!(waits.iter().all(|wait| *wait <= Duration::from_millis(800)));
        assert!(waits.iter().any(|wait| *wait != waits[0]));
    }

    #[test]
    fn what_is_refused_for_good_is_not_asked_again() {
        assert!(
            may_pass(503, None)
                && may_pass(400, Some("RequestTimeout"))
                && may_pass(200, Some("InternalError"))
        );
        assert!(!may_pass(403, Some("AccessDenied")) && !may_pass(412, None) && !may_pass(404, None));
    }
}

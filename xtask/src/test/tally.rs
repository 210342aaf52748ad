//! Counting: every step is announced, timed and added up.

use std::time::Instant;

/// How many cases passed and failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// Cases that passed.
    pub passed: usize,
    /// Cases that failed, ran out of time or could not be started.
    pub failed: usize,
}

impl Count {
    /// So many cases passed, none failed.
    pub const fn passed(passed: usize) -> Self {
        Self { passed, failed: 0 }
    }
}

/// The sum over a run.
#[derive(Debug, Default)]
pub struct Tally {
    total: Count,
    failures: Vec<String>,
}

impl Tally {
    /// Runs one step. An error counts as one failed case; whatever happens, the run goes on.
    pub fn step(&mut self, name: &str, work: impl FnOnce() -> Result<Count, String>) {
        println!("\n=== {name}");
        let start = Instant::now();
        let (count, told) = match work() {
            Ok(count) => (count, None),
            Err(error) => (Count { passed: 0, failed: 1 }, Some(error)),
        };
        if let Some(error) = &told {
            println!("{error}");
        }
        let verdict = if count.failed == 0 { "ok" } else { "FAILED" };
        let seconds = start.elapsed().as_secs_f32();
        println!(
            "=== {name}: {verdict}, {} passed and {} failed in {seconds:.1} s",
            count.passed, count.failed
        );
        self.total.passed += count.passed;
        self.total.failed += count.failed;
        if count.failed > 0 {
            self.failures.push(name.to_owned());
        }
    }

    /// Prints the closing line; an error when anything failed.
    pub fn close(self) -> Result<(), String> {
        println!();
        if !self.failures.is_empty() {
            println!("failed: {}", self.failures.join("; "));
        }
        println!("{}", self.line());
        if self.total.failed == 0 { Ok(()) } else { Err("tests failed".into()) }
    }

    fn line(&self) -> String {
        format!("{} passed, {} failed", self.total.passed, self.total.failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_add_up_and_an_error_counts_as_a_failure() {
        let mut tally = Tally::default();
        tally.step("a", || Ok(Count::passed(3)));
        tally.step("b", || Err("broken".into()));
        tally.step("c", || Ok(Count { passed: 2, failed: 4 }));
        assert_eq!(tally.line(), "5 passed, 5 failed");
        assert_eq!(tally.failures, ["b", "c"]);
        assert!(tally.close().is_err());
    }

    #[test]
    fn all_passed_is_no_error() {
        let mut tally = Tally::default();
        tally.step("a", || Ok(Count::passed(1)));
        assert_eq!(tally.close(), Ok(()));
    }
}

//! Test cases: run by nextest, and examples in the documentation by rustdoc (which nextest does not
//! do); both counted from what they print.

use std::process::Command;

use super::tally::Count;
use crate::shell::{self, Output};

/// Runs the cases that match a filter expression, or all. The whole workspace is built in any case,
/// so that every choice of parts shares one build. `tell`: tells the tests of servers.
pub fn nextest(filter: Option<&str>, tell: impl FnOnce(&mut Command)) -> Result<Count, String> {
    let mut command = shell::cargo(&["nextest", "run", "--workspace", "--no-fail-fast"]);
    command.args(["--status-level", "fail", "--final-status-level", "fail"]);
    command.args(["--show-progress", "none"]);
    if let Some(filter) = filter {
        command.args(["-E", filter]);
    }
    tell(&mut command);
    let mut count = None;
    let success = shell::follow(&mut command, Output::Errors, |line| {
        count = summary(line).or(count);
    })?;
    let count = count.ok_or("nextest did not get to run tests")?;
    judge(count, success)
}

/// Builds and runs the examples in the documentation.
pub fn doctests() -> Result<Count, String> {
    let mut command = shell::cargo(&["test", "--workspace", "--doc", "--no-fail-fast", "--quiet"]);
    let mut count = Count::default();
    let success = shell::follow(&mut command, Output::Standard, |line| {
        let part = result(line).unwrap_or_default();
        count.passed += part.passed;
        count.failed += part.failed;
    })?;
    judge(count, success)
}

/// A run that failed without a failed case, or ran none, did not do its work.
fn judge(count: Count, success: bool) -> Result<Count, String> {
    match (success, count) {
        (false, Count { failed: 0, .. }) => Err("the run failed outside of its test cases".into()),
        (true, Count { passed: 0, .. }) => Err("no test case was run".into()),
        _ => Ok(count),
    }
}

/// Reads nextest's `Summary [ 3.4s] 11 tests run: 9 passed (1 slow), 1 failed, 1 timed out, 4 skipped`.
fn summary(line: &str) -> Option<Count> {
    let (_, counts) = line.trim_start().strip_prefix("Summary [")?.split_once(" run:")?;
    Some(add_up(&without_brackets(counts), ','))
}

/// Reads rustdoc's `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; …`.
fn result(line: &str) -> Option<Count> {
    let (_, counts) = line.trim_start().strip_prefix("test result: ")?.split_once(". ")?;
    Some(add_up(counts, ';'))
}

/// Adds up `N word` items. What is neither passed nor left out has failed in some way.
fn add_up(counts: &str, separator: char) -> Count {
    let mut count = Count::default();
    for item in counts.split(separator) {
        let mut words = item.split_whitespace();
        let number = words.next().and_then(|word| word.parse::<usize>().ok());
        match (number, words.next()) {
            (Some(number), Some("passed")) => count.passed += number,
            (Some(_), Some("skipped" | "ignored" | "measured" | "filtered")) | (None, _) => {}
            (Some(number), _) => count.failed += number,
        }
    }
    count
}

/// Takes out `(…)`, which only details the number before it.
fn without_brackets(text: &str) -> String {
    let mut depth = 0_usize;
    text.chars()
        .filter(|letter| {
            match letter {
                '(' => depth += 1,
                ')' => {
                    depth = depth.saturating_sub(1);
                    return false;
                }
                _ => {}
            }
            depth == 0
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_is_counted() {
        let all = "     Summary [   3.418s] 11 tests run: 11 passed, 0 skipped";
        assert_eq!(summary(all), Some(Count::passed(11)));
        let some = "Summary [ 9s] 9/12 tests run: 5 passed (1 slow, 2 flaky), 1 failed, \
                    2 timed out, 1 exec failed, 4 skipped";
        let expected = Count { passed: 5, failed: 4 };
        assert_eq!(summary(some), Some(expected));
        assert_eq!(summary("    Starting 11 tests across 2 binaries"), None);
    }

    #[test]
    fn a_result_of_examples_is_counted() {
        let line = "test result: FAILED. 3 passed; 2 failed; 1 ignored; 0 measured; \
                    0 filtered out; finished in 0.10s";
        let expected = Count { passed: 3, failed: 2 };
        assert_eq!(result(line), Some(expected));
        assert_eq!(result("test a::b ... ok"), None);
    }

    #[test]
    fn a_run_that_proves_nothing_has_failed() {
        assert!(judge(Count::passed(3), false).is_err());
        assert!(judge(Count::default(), true).is_err());
        assert_eq!(judge(Count::passed(3), true), Ok(Count::passed(3)));
    }
}

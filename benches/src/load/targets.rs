//! What RealNet wants to reach, as a share of the bare handler's rate, as a multiple of PocketBase's, and in time.

use super::contestant::Name;
use super::requests::Operation;
use super::rounds::{Sample, Series, median};

/// Something to reach.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Target {
    /// At least this share of the bare handler's rate.
    OfBare(f64),
    /// At least this multiple of PocketBase's rate.
    OfPocketBase(f64),
    /// p99 below this many milliseconds.
    Within(f64),
    /// p99 at most this multiple of the bare handler's.
    OfBareLatency(f64),
}

/// The targets of a contestant for an operation on that many rows.
pub fn targets(name: Name, operation: Operation, rows: u64) -> Vec<Target> {
    use Operation::{Create, Get, List, ListByPriority, ListWithTotal, Update};
    use Target::{OfBare, OfBareLatency, OfPocketBase, Within};
    match (name, operation) {
        (Name::RealNet, Get | List | ListByPriority) => vec![OfPocketBase(5.0), OfBare(0.6), Within(5.0)],
        (Name::RealNet, ListWithTotal) => {
            vec![OfPocketBase(if rows > 10_000 { 2.0 } else { 5.0 }), Within(5.0)]
        }
        (Name::RealNet, Update) => vec![OfPocketBase(3.0)],
        (Name::RealNet, Create) => vec![OfPocketBase(3.0), OfBare(0.5)],
        (Name::RealNetPostgres, Get | List | ListByPriority) => vec![OfBare(0.6), OfBareLatency(2.0)],
        (Name::RealNetPostgres, Create) => vec![OfBare(0.5)],
        _ => Vec::new(),
    }
}

impl Target {
    /// What was reached of it, and whether that is enough; none when there is nothing to compare with.
    pub fn judge(self, all: &[Series], series: &Series) -> Option<(f64, bool)> {
        let ratio = |other: Name, value: fn(&Sample) -> f64| ratio(all, series, other, value);
        let p99 = |sample: &Sample| sample.p99;
        match self {
            Self::OfBare(least) => {
                let reached = ratio(series.name.limit()?, |sample| sample.rate)?;
                Some((reached, reached >= least))
            }
            Self::OfPocketBase(least) => {
                let reached = ratio(Name::PocketBase, |sample| sample.rate)?;
                Some((reached, reached >= least))
            }
            Self::Within(most) => {
                let reached = median(series.samples.iter().map(p99));
                Some((reached, reached < most))
            }
            Self::OfBareLatency(most) => {
                let reached = ratio(series.name.limit()?, p99)?;
                Some((reached, reached <= most))
            }
        }
    }

    /// As text: `≥ 5 × pocketbase`.
    pub fn text(self) -> String {
        match self {
            Self::OfBare(share) => format!("≥ {share} × bare"),
            Self::OfPocketBase(multiple) => format!("≥ {multiple} × pocketbase"),
            Self::Within(time) => format!("p99 < {time} ms"),
            Self::OfBareLatency(multiple) => format!("p99 ≤ {multiple} × bare"),
        }
    }
}

/// How a value compares with another contestant's: the middle of the rounds' ratios, since the two were measured
/// one right after the other in each round.
pub fn ratio(all: &[Series], series: &Series, other: Name, value: fn(&Sample) -> f64) -> Option<f64> {
    let other = all.iter().find(|one| one.name == other && one.operation == series.operation)?;
    Some(median(series.samples.iter().zip(&other.samples).map(|(own, its)| value(own) / value(its))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(name: Name, rates: [f64; 3]) -> Series {
        let sample = |rate| Sample {
            rate,
            p50: 1.0,
            p99: 1000.0 / rate,
            cpu: [1.0, 0.0],
            database: None,
            bytes: 1,
            foreign: 0.0,
        };
        Series { operation: Operation::Get, name, samples: rates.map(sample).to_vec() }
    }

    #[test]
    fn rounds_are_compared_one_by_one() {
        let all = [series(Name::RealNet, [60.0, 30.0, 600.0]), series(Name::Bare, [100.0, 50.0, 1000.0])];
        assert_eq!(Target::OfBare(0.6).judge(&all, &all[0]), Some((0.6, true)));
        assert_eq!(Target::OfBare(0.7).judge(&all, &all[0]), Some((0.6, false)));
        assert_eq!(Target::OfPocketBase(5.0).judge(&all, &all[0]), None);
        assert!(Target::Within(17.0).judge(&all, &all[0]).unwrap().1);
        assert!(!Target::OfBareLatency(1.5).judge(&all, &all[0]).unwrap().1);
    }

    #[test]
    fn each_contestant_has_its_targets() {
        assert_eq!(targets(Name::RealNet, Operation::Get, 10_000).len(), 3);
        assert_eq!(targets(Name::Bare, Operation::Get, 10_000), []);
        let total = targets(Name::RealNet, Operation::ListWithTotal, 100_000);
        assert_eq!(total[0], Target::OfPocketBase(2.0));
    }
}

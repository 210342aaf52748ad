//! What a database lacks that this build needs, for whoever wants to know before a store is opened and changes it.

use std::fmt;

/// Migrations that opening a store would apply.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pending {
    /// The version of the schema that is there; 0 when there is none.
    pub present: i64,
    /// The versions that are missing, in their order.
    pub missing: Vec<i64>,
}

impl Pending {
    /// What of the versions that a build knows has not been applied, if anything.
    pub(crate) fn of(applied: &[i64], known: impl IntoIterator<Item = i64>) -> Option<Self> {
        let mut missing: Vec<i64> = known.into_iter().filter(|version| !applied.contains(version)).collect();
        missing.sort_unstable();
        let present = applied.iter().copied().max().unwrap_or(0);
        (!missing.is_empty()).then_some(Self { present, missing })
    }
}

impl fmt::Display for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_next = |pair: &[i64]| matches!(pair, [one, next] if one + 1 == *next);
        match self.missing.as_slice() {
            [one] => write!(f, "migration {one}"),
            [first, .., last] if self.missing.windows(2).all(is_next) => {
                write!(f, "migrations {first} to {last}")
            }
            several => {
                let names: Vec<String> = several.iter().map(i64::to_string).collect();
                write!(f, "migrations {}", names.join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_told_wherever_it_stands() {
        let words = |applied: &[i64]| {
            Pending::of(applied, 1..=5).map(|pending| (pending.present, pending.to_string()))
        };
        assert_eq!(words(&[1, 2, 3, 4, 5]), None);
        assert_eq!(words(&[]), Some((0, "migrations 1 to 5".to_owned())));
        assert_eq!(words(&[1, 2, 3, 4]), Some((4, "migration 5".to_owned())));
        assert_eq!(words(&[1, 3, 4, 5]), Some((5, "migration 2".to_owned())));
        assert_eq!(words(&[1, 4]), Some((4, "migrations 2, 3, 5".to_owned())));
    }
}

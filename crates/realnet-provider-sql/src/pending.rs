//! What a database lacks that this build needs, for whoever wants to know before a store is opened and changes it.

use std::fmt;

/// Migrations that opening a store would apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pending {
    /// The version of the schema that is there; 0 when there is none.
    pub present: i64,
    /// The version that this build needs.
    pub latest: i64,
}

impl Pending {
    /// What lies between two versions, if anything.
    pub(crate) fn between(present: i64, latest: i64) -> Option<Self> {
        (present < latest).then_some(Self { present, latest })
    }
}

impl fmt::Display for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.present + 1;
        if first == self.latest {
            write!(f, "migration {first}")
        } else {
            write!(f, "migrations {first} to {}", self.latest)
        }
    }
}

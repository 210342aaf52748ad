//! How much one answer of a store may hold: counted while rows are read, so that no store keeps more than that at once.

use crate::error::{Error, ErrorKind};
use crate::query::Query;

/// The bytes of a page ([`Query::MAX_PAGE_BYTES`]) as they are used up.
#[derive(Debug, Default)]
pub struct Budget {
    used: usize,
    count: usize,
}

impl Budget {
    /// Whether one more of this size has room; the first always has.
    pub fn admits(&mut self, size: usize) -> bool {
        self.used = self.used.saturating_add(size);
        self.count += 1;
        self.count == 1 || self.used <= Query::MAX_PAGE_BYTES
    }

    /// The refusal of what can not be answered in part.
    pub fn exceeded() -> Error {
        let most = Query::MAX_PAGE_BYTES >> 20;
        Error::new(
            ErrorKind::TooLarge,
            format!("more than {most} MiB in one answer: ask for fewer items at once"),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_always_has_room() {
        let mut budget = Budget::default();
        assert!(budget.admits(Query::MAX_PAGE_BYTES + 1) && !budget.admits(0));
        let mut budget = Budget::default();
        let half = Query::MAX_PAGE_BYTES / 2;
        assert!(budget.admits(half) && budget.admits(half) && budget.admits(0) && !budget.admits(1));
    }
}

//! Totals that are known already.
//!
//! What a transaction sees is said by its snapshot: which transactions had ended when it began. Two with the same snapshot
//! see the same rows, in whatever process, so a total holds as long as the snapshot stays the same: until anybody
//! writes to the database again.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use parking_lot::Mutex;

use crate::statement::{Piece, Statement};

/// The statement that gives the snapshot of its transaction.
pub(super) const SNAPSHOT: &str = "SELECT txid_current_snapshot()::text";

/// So many totals are remembered.
const KEPT: usize = 1024;

/// The last total of each statement, with the snapshot that it was counted in.
#[derive(Default)]
pub(super) struct Totals(Mutex<HashMap<u64, (Statement, String, u64)>>);

impl Totals {
    /// The total of a statement in a snapshot, if it is known.
    pub(super) fn known(&self, statement: &Statement, snapshot: &str) -> Option<u64> {
        let totals = self.0.lock();
        let (of, counted_in, total) = totals.get(&fingerprint(statement))?;
        (counted_in == snapshot && of == statement).then_some(*total)
    }

    /// Remembers a total.
    pub(super) fn remember(&self, statement: Statement, snapshot: &str, total: u64) {
        let mut totals = self.0.lock();
        if totals.len() >= KEPT {
            totals.clear();
        }
        totals.insert(fingerprint(&statement), (statement, snapshot.to_owned(), total));
    }
}

fn fingerprint(statement: &Statement) -> u64 {
    let mut hasher = DefaultHasher::new();
    for piece in statement.pieces() {
        match piece {
            Piece::Sql(text) => text.hash(&mut hasher),
            Piece::Bind(bind) => bind.hash_into(&mut hasher),
        }
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_total_holds_for_its_statement_and_snapshot() {
        let totals = Totals::default();
        let counting = |value: i64| {
            let mut statement = Statement::of("SELECT count(*) FROM items WHERE version = ");
            statement.bind(value.into());
            statement
        };
        totals.remember(counting(1), "7:9:8", 5);
        assert_eq!(totals.known(&counting(1), "7:9:8"), Some(5));
        assert_eq!(totals.known(&counting(1), "7:10:8"), None);
        assert_eq!(totals.known(&counting(2), "7:9:8"), None);
        for value in 0..3_000 {
            totals.remember(counting(value), "7:9:8", 0);
        }
        assert!(totals.0.lock().len() <= KEPT);
    }
}

//! Numbers that are known already: totals, and the bounded counts that steer how a list is read.
//!
//! What a transaction sees is said by its snapshot: which transactions had ended when it began. Two with the same snapshot
//! see the same rows, in whatever process, so a total holds as long as the snapshot stays the same: until anybody
//! writes to the database again. A count that only steers may be some moments old.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::statement::{Piece, Statement};

/// The statement that gives the snapshot of its transaction.
pub(super) const SNAPSHOT: &str = "SELECT txid_current_snapshot()::text";

/// So many numbers of each kind are remembered.
const KEPT: usize = 1024;
/// For so long a count serves that only steers.
const PROBE_AGE: Duration = Duration::from_secs(2);

/// What statements gave, each with what it holds for.
type Table<V> = Mutex<HashMap<u64, (Statement, V, i64)>>;

/// The numbers that a store remembers.
#[derive(Default)]
pub(super) struct Numbers {
    totals: Table<String>,
    probes: Table<Instant>,
}

impl Numbers {
    /// The total that a statement gives in a snapshot, if it is known.
    pub(super) fn total(&self, statement: &Statement, snapshot: &str) -> Option<i64> {
        find(&self.totals, statement, |counted_in| counted_in == snapshot)
    }

    /// Remembers a total.
    pub(super) fn set_total(&self, statement: Statement, snapshot: &str, total: i64) {
        remember(&self.totals, statement, snapshot.to_owned(), total);
    }

    /// A count that steers, if it has been made lately.
    pub(super) fn probe(&self, statement: &Statement) -> Option<i64> {
        find(&self.probes, statement, |at| at.elapsed() < PROBE_AGE)
    }

    /// Remembers a count that steers.
    pub(super) fn set_probe(&self, statement: Statement, count: i64) {
        remember(&self.probes, statement, Instant::now(), count);
    }
}

fn find<V>(table: &Table<V>, statement: &Statement, holds: impl Fn(&V) -> bool) -> Option<i64> {
    let table = table.lock();
    let (of, valid, number) = table.get(&fingerprint(statement))?;
    (holds(valid) && of == statement).then_some(*number)
}

fn remember<V>(table: &Table<V>, statement: Statement, valid: V, number: i64) {
    let mut table = table.lock();
    if table.len() >= KEPT {
        table.clear();
    }
    table.insert(fingerprint(&statement), (statement, valid, number));
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
    fn a_number_holds_for_its_statement_and_moment() {
        let numbers = Numbers::default();
        let counting = |value: i64| {
            let mut statement = Statement::of("SELECT count(*) FROM items WHERE version = ");
            statement.bind(value.into());
            statement
        };
        numbers.set_total(counting(1), "7:9:8", 5);
        assert_eq!(numbers.total(&counting(1), "7:9:8"), Some(5));
        assert_eq!(numbers.total(&counting(1), "7:10:8"), None);
        assert_eq!(numbers.total(&counting(2), "7:9:8"), None);
        assert_eq!(numbers.probe(&counting(1)), None);
        numbers.set_probe(counting(1), 6);
        assert_eq!(numbers.probe(&counting(1)), Some(6));
        for value in 0..3_000 {
            numbers.set_total(counting(value), "7:9:8", 0);
        }
        assert!(numbers.totals.lock().len() <= KEPT);
    }
}

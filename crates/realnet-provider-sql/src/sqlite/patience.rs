//! How long a list may take: asked between its rows, and by SQL itself at every so many rows that it looks at.
//!
//! A statement that finds nothing gives no row to ask at, however much it reads. So the conditions of lists hold a
//! function that fails when the time is over (see [`super::dialect`]), which ends the statement.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::Integer;
use diesel::sqlite::{Sqlite, SqliteConnection};
use realnet_core::Result;

use crate::page;

/// SQL asks at every row whose number is a multiple of this.
pub(super) const STEP: u64 = 64;
/// The clock is looked at again after rows of so much weight; a row weighs one, and one more for so many bytes.
const STRIDE: u64 = 16;
const WEIGHT: u64 = 16 * 1024;

/// What a list may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    /// So long at least.
    time: Duration,
    /// So many rows at least, as long as it takes less than `most`: to be without a processor for a while is no fault.
    rows: u64,
    most: Duration,
}

impl Budget {
    /// What holds nobody up who waits for the same thread.
    pub(super) const INLINE: Self =
        Self { time: Duration::from_millis(5), rows: 512, most: Duration::from_millis(20) };
    /// What anybody may ask for.
    pub(super) const LONG: Self = Self { time: page::TIME_LIMIT, rows: 0, most: page::TIME_LIMIT };
    /// Whether it is for what has to be short.
    pub(super) fn is_short(self) -> bool {
        self.most < Self::LONG.most
    }

    /// So many rows, however long they take.
    #[cfg(test)]
    pub(super) const fn of_rows(rows: u64) -> Self {
        Self { time: Duration::ZERO, rows, most: Duration::from_secs(9) }
    }
}

/// The budget of what runs on a connection.
#[derive(Clone)]
pub(super) struct Patience(Arc<State>);

struct State {
    base: Instant,
    /// Microseconds since `base`.
    begun: AtomicU64,
    time: AtomicU64,
    most: AtomicU64,
    /// Rows that are free, and those that were looked at.
    free: AtomicU64,
    rows: AtomicU64,
    /// What the rows given to the core weigh, which says when to look at the clock.
    weight: AtomicU64,
    look_at: AtomicU64,
    is_over: AtomicBool,
}

impl Patience {
    /// Patience without end, which a connection's SQL asks.
    pub(super) fn of(connection: &SqliteConnection) -> diesel::QueryResult<Self> {
        let state = Arc::new(State {
            base: Instant::now(),
            begun: AtomicU64::new(0),
            time: AtomicU64::new(u64::MAX),
            most: AtomicU64::new(u64::MAX),
            free: AtomicU64::new(0),
            rows: AtomicU64::new(0),
            weight: AtomicU64::new(0),
            look_at: AtomicU64::new(0),
            is_over: AtomicBool::new(false),
        });
        let asked = Arc::clone(&state);
        sql::has_time_utils::register_nondeterministic_impl(connection, move || {
            Answer(asked.has_time(STEP))
        })?;
        Ok(Self(state))
    }

    /// Begins to count.
    pub(super) fn begin(&self, budget: Budget) {
        let state = &*self.0;
        state.begun.store(state.now(), Ordering::Relaxed);
        state.time.store(micros(budget.time), Ordering::Relaxed);
        state.most.store(micros(budget.most), Ordering::Relaxed);
        state.free.store(budget.rows, Ordering::Relaxed);
        state.rows.store(0, Ordering::Relaxed);
        state.weight.store(0, Ordering::Relaxed);
        state.look_at.store(0, Ordering::Relaxed);
        state.is_over.store(false, Ordering::Relaxed);
    }

    /// Ends to count: what follows may take as long as it does.
    pub(super) fn end(&self) {
        self.begin(Budget { time: Duration::MAX, rows: 0, most: Duration::MAX });
    }

    /// Notes that a row of so many bytes is looked at; fails when the time is over. The clock is looked at now and then, by
    /// what the rows weigh: one may hold megabytes.
    pub(super) fn row(&self, size: usize) -> Result<()> {
        let state = &*self.0;
        let weight = 1 + size as u64 / WEIGHT;
        let before = state.weight.fetch_add(weight, Ordering::Relaxed);
        let is_turn = before >= state.look_at.load(Ordering::Relaxed);
        if is_turn {
            state.look_at.store(before + STRIDE, Ordering::Relaxed);
        }
        let has_time = !is_turn || state.has_time(0);
        state.rows.fetch_add(1, Ordering::Relaxed);
        if has_time { Ok(()) } else { Err(page::timeout()) }
    }

    /// Whether all the rows that are free have been looked at, or as much in large ones.
    pub(super) fn has_seen_much(&self) -> bool {
        let state = &*self.0;
        let seen = state.rows.load(Ordering::Relaxed).max(state.weight.load(Ordering::Relaxed));
        seen >= state.free.load(Ordering::Relaxed)
    }

    /// Whether it was over when it was last asked.
    pub(super) fn is_over(&self) -> bool {
        self.0.is_over.load(Ordering::Relaxed)
    }
}

impl State {
    fn now(&self) -> u64 {
        micros(self.base.elapsed())
    }

    /// Whether there is time left, after so many more rows. One thread at a time works with a connection.
    fn has_time(&self, more: u64) -> bool {
        let rows = self.rows.fetch_add(more, Ordering::Relaxed) + more;
        let passed = self.now().saturating_sub(self.begun.load(Ordering::Relaxed));
        let is_over = passed >= self.most.load(Ordering::Relaxed)
            || (passed >= self.time.load(Ordering::Relaxed) && rows >= self.free.load(Ordering::Relaxed));
        if is_over {
            self.is_over.store(true, Ordering::Relaxed);
        }
        !is_over
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// What SQL is answered: one, or a failure.
#[derive(Debug)]
struct Answer(bool);

impl ToSql<Integer, Sqlite> for Answer {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        if !self.0 {
            return Err("the time is over".into());
        }
        out.set_value(1_i32);
        Ok(IsNull::No)
    }
}

mod sql {
    #[diesel::declare_sql_function]
    extern "SQL" {
        fn has_time() -> Integer;
    }
}

#[cfg(test)]
mod tests {
    use realnet_core::ErrorKind;

    use super::*;
    use crate::sqlite::connection::Connection;
    use crate::statement::Statement;

    #[test]
    fn a_statement_that_finds_nothing_ends_when_the_time_is_over() {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = Connection::open(&folder.path().join("a.db")).unwrap();
        let endless = Statement::of(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n \
             WHERE CASE WHEN i % 64 THEN 1 ELSE has_time() END AND i < 0",
        );
        connection.patience().begin(Budget::INLINE);
        let begun = Instant::now();
        let error = connection.number(&endless).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert!(connection.patience().is_over() && begun.elapsed() >= Budget::INLINE.time);
        connection.patience().begin(Budget::INLINE);
        assert!(!connection.patience().is_over());
        assert_eq!(connection.number(&Statement::of("SELECT has_time()")).unwrap(), 1);
    }

    #[test]
    fn a_few_rows_may_be_late_but_not_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let connection = Connection::open(&folder.path().join("a.db")).unwrap();
        let patience = connection.patience();
        patience.begin(Budget { time: Duration::ZERO, rows: 64, most: Duration::from_hours(1) });
        let taken = (0..1000).take_while(|_| patience.row(0).is_ok()).count();
        assert_eq!(taken, 64);
        patience.begin(Budget { time: Duration::ZERO, rows: 64, most: Duration::ZERO });
        assert!(patience.row(0).is_err());
    }
}

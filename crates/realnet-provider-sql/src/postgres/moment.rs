//! The moment of the database that a list sees.
//!
//! One statement sees one moment by itself. Several do in a transaction (`REPEATABLE READ`), which begins in the round
//! trip of its first statement, and ends behind the answer, when the lease is dropped.

use realnet_core::{Error, Result};

use super::error::to_error;
use super::lease::{Lease, RowStream};
use super::numbers::SNAPSHOT;
use super::run::{Column, PgRow, Reader};
use crate::statement::Statement;

/// A connection and, if need be, a transaction on it.
pub(super) struct Moment {
    lease: Lease,
    /// Whether the next statement is the first of the transaction.
    is_opening: bool,
    wants_snapshot: bool,
    snapshot: Option<String>,
}

impl Moment {
    /// Nothing is open yet. `wants_snapshot`: the transaction is asked for its snapshot.
    pub(super) fn new(lease: Lease, wants_snapshot: bool) -> Self {
        Self { lease, is_opening: false, wants_snapshot, snapshot: None }
    }

    /// Makes the next statement the first of a transaction, unless one is open already.
    pub(super) fn open(&mut self) {
        self.is_opening = !self.lease.is_open();
    }

    /// What the transaction sees; see [`super::numbers`].
    pub(super) fn snapshot(&self) -> Option<&str> {
        self.snapshot.as_deref()
    }

    /// The connection, for statements that belong to the same moment.
    pub(super) fn lease(&mut self) -> &mut Lease {
        &mut self.lease
    }

    /// The answers to statements, in one round trip.
    pub(super) async fn ask(
        &mut self,
        statements: impl IntoIterator<Item = Statement>,
    ) -> Result<Vec<Vec<PgRow>>> {
        let mut all = self.opening();
        let before = all.len();
        all.extend(statements);
        let mut answers = self.lease.all(all).await.map_err(to_error)?;
        let wanted = answers.split_off(before);
        self.opened(&answers)?;
        Ok(wanted)
    }

    /// The rows of one statement.
    pub(super) async fn rows(&mut self, statement: Statement) -> Result<Vec<PgRow>> {
        Ok(self.ask([statement]).await?.pop().unwrap_or_default())
    }

    /// The rows of a statement as they come; behind the last one, [`Lease::finished`] has to be said.
    pub(super) async fn stream(&mut self, statement: Statement) -> Result<RowStream> {
        let opening = self.opening();
        let (answers, rows) = self.lease.stream(opening, statement).await.map_err(to_error)?;
        self.opened(&answers)?;
        Ok(rows)
    }

    /// What goes before the next statement.
    fn opening(&mut self) -> Vec<Statement> {
        if !std::mem::take(&mut self.is_opening) {
            return Vec::new();
        }
        self.lease.set_open(true);
        let mut statements = vec![Statement::of("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")];
        if self.wants_snapshot {
            statements.push(Statement::of(SNAPSHOT));
        }
        statements
    }

    /// Takes note of the answers to [`Self::opening`].
    fn opened(&mut self, answers: &[Vec<PgRow>]) -> Result<()> {
        if let [_begin, snapshot] = answers {
            self.snapshot = Some(first(snapshot)?);
        }
        Ok(())
    }
}

/// The first column of the first row.
pub(super) fn first<T: Column>(rows: &[PgRow]) -> Result<T> {
    let row = rows.first().ok_or_else(|| Error::internal("a statement that gives one row gave none"))?;
    Reader::new(row).next().map_err(to_error)
}

//! A connection that writes: begins a transaction with the first statement, and commits with the last.

use std::time::Duration;

use diesel::QueryResult;
use realnet_core::Error;

use super::super::error::is_useless;
use super::super::lease::{Lease, PIPELINE};
use super::super::run::{PgRow, within};
use crate::statement::Statement;

/// A connection from the write pool. Left in the middle of a transaction, it rolls back.
pub(super) struct Writer {
    lease: Lease,
    written: bool,
    patience: Duration,
}

impl Writer {
    pub(super) fn new(lease: Lease, patience: Duration) -> Self {
        Self { lease, written: false, patience }
    }

    /// Whether the end has been sent: then a lost connection leaves open whether it happened.
    pub(super) fn has_written(&self) -> bool {
        self.written
    }

    /// The rows of a statement inside the transaction, which is begun in the same round trip if need be.
    pub(super) async fn rows(&mut self, statement: Statement) -> QueryResult<Vec<PgRow>> {
        let mut results = self.pipeline(vec![statement]).await?;
        Ok(results.pop().unwrap_or_default())
    }

    /// Runs statements inside the transaction, sent together. The first failure is the answer.
    pub(super) async fn pipeline(&mut self, statements: Vec<Statement>) -> QueryResult<Vec<Vec<PgRow>>> {
        let begin = !self.lease.is_open();
        self.lease.set_open(true);
        let mut pending = statements;
        if begin {
            pending.insert(0, Statement::of("BEGIN"));
        }
        let mut results = self.send(pending).await?;
        if begin {
            results.remove(0);
        }
        Ok(results)
    }

    /// Runs the last statements and commits: one statement by itself, several in the transaction, sent together
    /// with the COMMIT.
    pub(super) async fn finish(&mut self, mut statements: Vec<Statement>) -> QueryResult<()> {
        self.written = true;
        if !self.lease.is_open() && statements.len() <= 1 {
            return if statements.is_empty() { Ok(()) } else { self.send(statements).await.map(drop) };
        }
        if !self.lease.is_open() {
            self.lease.set_open(true);
            statements.insert(0, Statement::of("BEGIN"));
        }
        statements.push(Statement::of("COMMIT"));
        self.send(statements).await?;
        self.lease.set_open(false);
        Ok(())
    }

    /// The rows of a statement outside of a transaction.
    pub(super) async fn alone(&mut self, statement: Statement) -> QueryResult<Vec<PgRow>> {
        within(self.patience, self.lease.rows(statement)).await
    }

    /// Ends the transaction without a trace after an error. After one of the connection there is nothing to say any
    /// more.
    pub(super) async fn roll_back(&mut self, error: &Error) {
        if !self.lease.is_open() || is_useless(error) {
            return;
        }
        if within(self.patience, self.lease.rows(Statement::of("ROLLBACK"))).await.is_ok() {
            self.lease.set_open(false);
        }
    }

    /// Waits for the answers of each batch only so long.
    async fn send(&mut self, mut statements: Vec<Statement>) -> QueryResult<Vec<Vec<PgRow>>> {
        let mut results = Vec::with_capacity(statements.len());
        while !statements.is_empty() {
            let rest = statements.split_off(statements.len().min(PIPELINE));
            results.extend(within(self.patience, self.lease.all(statements)).await?);
            statements = rest;
        }
        Ok(results)
    }
}

//! A connection that writes: knows whether a transaction is open, and is thrown away when left in the middle of one.

use std::time::Duration;

use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::deadpool::Object;
use futures::FutureExt as _;
use futures::future::join_all;
use realnet_core::Error;

use super::super::error::{Failure, failure, is_useless};
use super::super::pool::Connection;
use super::super::run::{PgRow, Run as _, within};
use crate::statement::Statement;

/// The most statements sent before the first answer is read. `join_all` keeps the order of so many.
const PIPELINE: usize = 20;

/// A connection from the write pool.
pub(super) struct Writer {
    /// Empty only while being dropped.
    connection: Option<Connection>,
    open: bool,
    written: bool,
    patience: Duration,
}

impl Writer {
    pub(super) fn new(connection: Connection, patience: Duration) -> Self {
        Self { connection: Some(connection), open: false, written: false, patience }
    }

    /// Whether the end has been sent: then a lost connection leaves open whether it happened.
    pub(super) fn has_written(&self) -> bool {
        self.written
    }

    fn connection(&self) -> &AsyncPgConnection {
        self.connection.as_ref().expect("the connection is only taken by drop")
    }

    /// The rows of a statement inside the transaction, which is begun in the same round trip if need be.
    pub(super) async fn rows(&mut self, statement: Statement) -> QueryResult<Vec<PgRow>> {
        let mut results = self.pipeline(vec![statement]).await?;
        Ok(results.pop().unwrap_or_default())
    }

    /// Runs statements inside the transaction, sent together. The first failure is the answer: those behind it
    /// only say that the transaction is aborted.
    pub(super) async fn pipeline(&mut self, statements: Vec<Statement>) -> QueryResult<Vec<Vec<PgRow>>> {
        let begin = !self.open;
        self.open = true;
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
        if !self.open && statements.len() <= 1 {
            let Some(statement) = statements.pop() else { return Ok(()) };
            let result = self.send(vec![statement]).await;
            // A connection on which an answer is still to come is of no use to others.
            self.open = matches!(&result, Err(error) if failure(error) == Failure::Silence);
            return result.map(drop);
        }
        if !self.open {
            self.open = true;
            statements.insert(0, Statement::of("BEGIN"));
        }
        statements.push(Statement::of("COMMIT"));
        self.send(statements).await?;
        self.open = false;
        Ok(())
    }

    /// The rows of a statement outside of a transaction.
    pub(super) async fn alone(&self, statement: Statement) -> QueryResult<Vec<PgRow>> {
        within(self.patience, self.connection().rows(statement)).await
    }

    /// Ends the transaction without a trace after an error. After one of the connection there is nothing to say any
    /// more: it is closed.
    pub(super) async fn roll_back(&mut self, error: &Error) {
        if !self.open || is_useless(error) {
            return;
        }
        let end = self.connection().run(Statement::of("ROLLBACK"));
        if within(self.patience, end).await.is_ok() {
            self.open = false;
        }
    }

    async fn send(&self, statements: Vec<Statement>) -> QueryResult<Vec<Vec<PgRow>>> {
        let connection = self.connection();
        let mut results = Vec::with_capacity(statements.len());
        let mut statements = statements.into_iter().peekable();
        while statements.peek().is_some() {
            let batch = statements.by_ref().take(PIPELINE).map(|statement| connection.rows(statement));
            let answers = within(self.patience, join_all(batch).map(Ok)).await;
            for result in answers? {
                results.push(result?);
            }
        }
        Ok(results)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // An open transaction would hold its locks in the pool: closing the connection ends it.
        if self.open
            && let Some(connection) = self.connection.take()
        {
            drop(Object::take(connection));
        }
    }
}

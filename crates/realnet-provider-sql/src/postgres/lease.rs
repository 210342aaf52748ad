//! A connection in use: what it is in the middle of, and what becomes of it when it is left there.
//!
//! Whoever waits for a request may give it up at any moment (the client has gone, its time is over), and then what was
//! being done is dropped where it stands. The statement would go on in the server, on a connection that the next
//! request takes from the pool. So a connection that is left in the middle goes back only when the server has answered:
//! what does not end by itself at once is cancelled.

use std::time::Duration;

use diesel::QueryResult;
use diesel_async::{AsyncConnectionCore as _, AsyncPgConnection};
use futures::future::{join, join_all};
use futures::stream::BoxStream;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::pool::Connection;
use super::run::{PgRow, Run as _};
use crate::statement::Statement;

/// The most statements sent before the first answer is read. `join_all` keeps the order of so many.
pub(super) const PIPELINE: usize = 20;
/// So long a statement that was left may still take to end by itself.
const GRACE: Duration = Duration::from_millis(100);
/// How long the end of a transaction, or a cancellation, is waited for.
const END: Duration = Duration::from_secs(5);

/// Rows as they come.
pub(super) type RowStream = BoxStream<'static, QueryResult<PgRow>>;

/// A connection from a pool. Dropped, it goes back: at once when it is idle, else when it has been set right.
pub(super) struct Lease {
    /// Empty only while being dropped.
    connection: Option<Connection>,
    tls: MakeRustlsConnect,
    /// Whether an answer is still to come, or the last one was an error.
    is_busy: bool,
    is_open: bool,
}

impl Lease {
    pub(super) fn new(connection: Connection, tls: MakeRustlsConnect) -> Self {
        Self { connection: Some(connection), tls, is_busy: false, is_open: false }
    }

    fn connection(&self) -> &AsyncPgConnection {
        self.connection.as_ref().expect("the connection is only taken where the lease ends")
    }

    /// Whether a transaction is open.
    pub(super) fn is_open(&self) -> bool {
        self.is_open
    }

    /// Says that the statements sent next open a transaction, or that those sent last have closed it.
    pub(super) fn set_open(&mut self, is_open: bool) {
        self.is_open = is_open;
    }

    /// All rows of a statement.
    pub(super) async fn rows(&mut self, statement: Statement) -> QueryResult<Vec<PgRow>> {
        self.is_busy = true;
        let rows = self.connection().rows(statement).await?;
        self.is_busy = false;
        Ok(rows)
    }

    /// The rows of several statements, sent together, at most [`PIPELINE`] at a time. The first failure is the answer:
    /// in a transaction, those behind it only say that it is aborted.
    pub(super) async fn all(&mut self, statements: Vec<Statement>) -> QueryResult<Vec<Vec<PgRow>>> {
        self.is_busy = true;
        let mut answers = Vec::with_capacity(statements.len());
        let mut statements = statements.into_iter().peekable();
        while statements.peek().is_some() {
            let connection = self.connection();
            let batch = statements.by_ref().take(PIPELINE).map(|statement| connection.rows(statement));
            for answer in join_all(batch).await {
                answers.push(answer?);
            }
        }
        self.is_busy = false;
        Ok(answers)
    }

    /// The rows of a statement as they come, and the answers to a few that are sent before it in the same round trip.
    /// Behind the last row the caller says [`Self::finished`].
    pub(super) async fn stream(
        &mut self,
        before: Vec<Statement>,
        statement: Statement,
    ) -> QueryResult<(Vec<Vec<PgRow>>, RowStream)> {
        self.is_busy = true;
        let connection = self.connection();
        let before = join_all(before.into_iter().map(|statement| connection.rows(statement)));
        let mut shared = connection;
        let (answers, stream) = join(before, shared.load(statement)).await;
        let answers: QueryResult<Vec<_>> = answers.into_iter().collect();
        Ok((answers?, stream?))
    }

    /// Says that a stream has been read to its end.
    pub(super) fn finished(&mut self) {
        self.is_busy = false;
    }

    /// Closes the connection instead of giving it back.
    pub(super) fn discard(mut self) {
        if let Some(connection) = self.connection.take() {
            connection.discard();
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        if !self.is_busy && !self.is_open {
            return;
        }
        let unsettled = Unsettled(Some(connection));
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(settle(unsettled, self.is_busy, self.is_open, self.tls.clone()));
        }
    }
}

/// A connection that is in the middle of something: dropped, as by a runtime that ends before it is set right, it is
/// closed. In the pool its open transaction would take in what the next one writes.
struct Unsettled(Option<Connection>);

impl Unsettled {
    /// Says that it is in the middle of nothing any more: it goes back to its pool.
    fn give_back(mut self) {
        drop(self.0.take());
    }
}

impl Drop for Unsettled {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            connection.discard();
        }
    }
}

/// Ends what a connection is in the middle of, and gives it back to its pool. It counts as in use until then, so that
/// requests that are given up do not pile up in the server.
async fn settle(unsettled: Unsettled, is_busy: bool, is_open: bool, tls: MakeRustlsConnect) {
    let Some(connection) = &unsettled.0 else { return };
    let end = Statement::of(if is_open { "ROLLBACK" } else { "SELECT 1" });
    let patience = if is_busy { GRACE } else { END };
    let answer = tokio::time::timeout(patience, connection.rows(end)).await;
    match answer {
        Ok(Ok(_)) => unsettled.give_back(),
        Ok(Err(_)) => {}
        Err(_) => {
            // The answer does not matter: the connection is closed in any case.
            let _ = tokio::time::timeout(END, connection.cancel_token().cancel_query(tls)).await;
        }
    }
}

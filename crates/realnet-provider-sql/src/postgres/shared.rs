//! What the parts of a store share: pools, and the signals between commits, readers and the background work.

use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::QueryResult;
use parking_lot::Mutex;
use realnet_core::Result;
use tokio::sync::{Notify, watch};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::config::PostgresConfig;
use super::error::{Failure, failure, to_error};
use super::lease::Lease;
use super::numbers::Numbers;
use super::pool::Pools;
use super::run::{PgRow, Reader, within};
use super::shapes::Shapes;
use super::transaction::Groups;
use crate::statement::Statement;

/// The inside of a store.
pub(super) struct Shared {
    pub config: Arc<PostgresConfig>,
    pub tls: MakeRustlsConnect,
    pub pools: Pools,
    pub shapes: Shapes,
    pub numbers: Numbers,
    /// Change sets that go out together.
    pub groups: Groups,
    /// Rung after each commit that wrote changes.
    pub commits: Notify,
    /// The last known revision of types.
    pub types: watch::Sender<i64>,
    /// Rises whenever changes have got their revisions.
    pub stamps: watch::Sender<u64>,
    /// When the background connection last heard the database.
    heard: Mutex<Instant>,
    /// Becomes true when the store is closed.
    pub stop: watch::Sender<bool>,
}

impl Shared {
    pub(super) fn new(config: Arc<PostgresConfig>, tls: MakeRustlsConnect) -> Self {
        let pools = Pools::new(&config, &tls);
        Self {
            config,
            tls,
            pools,
            shapes: Shapes::default(),
            numbers: Numbers::default(),
            groups: Groups::new(),
            commits: Notify::new(),
            types: watch::Sender::new(0),
            stamps: watch::Sender::new(0),
            heard: Mutex::new(Instant::now()),
            stop: watch::Sender::new(false),
        }
    }

    /// Says that there are changes without a revision.
    pub(super) fn wake_sequencer(&self) {
        self.commits.notify_one();
    }

    /// Says that the background connection hears the database.
    pub(super) fn note_hearing(&self) {
        *self.heard.lock() = Instant::now();
    }

    /// How long it has heard nothing.
    pub(super) fn silence(&self) -> Duration {
        self.heard.lock().elapsed()
    }

    /// Takes note of a revision of types.
    pub(super) fn note_types(&self, revision: i64) {
        self.types.send_if_modified(|known| {
            let is_new = *known < revision;
            *known = (*known).max(revision);
            is_new
        });
    }

    /// Reads the revision of types, where it may have changed. Answers whether it could be read: others hear of a change through
    /// the database, and so shall we when it can not.
    pub(super) async fn look_at_types(&self) -> bool {
        let rows = self.read(Statement::of("SELECT revision FROM type_revision")).await;
        let read = rows.ok().as_deref().and_then(<[PgRow]>::first).map(|row| Reader::new(row).next());
        let Some(Ok(revision)) = read else { return false };
        self.note_types(revision);
        true
    }

    /// How long to wait for an answer: longer than the server gives its statements.
    pub(super) fn patience(&self) -> Duration {
        self.config.statement_timeout + Duration::from_secs(5)
    }

    /// Runs a reading statement on a pooled connection. A connection that turns out to be broken, such as after a
    /// restart of the server, is dropped and the statement tried once more on another.
    pub(super) async fn read(&self, statement: Statement) -> Result<Vec<PgRow>> {
        self.twice(statement, || self.pools.read()).await
    }

    /// As [`Self::read`], for a list that may hold a connection while it asks.
    pub(super) async fn look(&self, statement: Statement) -> Result<Vec<PgRow>> {
        self.twice(statement, || self.pools.look()).await
    }

    async fn twice<F>(&self, statement: Statement, take: impl Fn() -> F) -> Result<Vec<PgRow>>
    where
        F: Future<Output = Result<Lease>>,
    {
        match self.rows(take().await?, statement.clone()).await {
            Err(error) if failure(&error) == Failure::Connection => {
                tokio::time::sleep(Duration::from_millis(20)).await;
                self.rows(take().await?, statement).await.map_err(to_error)
            }
            other => other.map_err(to_error),
        }
    }

    /// Runs a writing statement by itself. Not tried again: it may have happened.
    pub(super) async fn write(&self, statement: Statement) -> Result<Vec<PgRow>> {
        self.rows(self.pools.write().await?, statement).await.map_err(to_error)
    }

    /// Runs a statement and gives the connection back, unless it is of no more use.
    async fn rows(&self, mut lease: Lease, statement: Statement) -> QueryResult<Vec<PgRow>> {
        let result = within(self.patience(), lease.rows(statement)).await;
        if let Err(error) = &result
            && matches!(failure(error), Failure::Connection | Failure::Silence)
        {
            lease.discard();
        }
        result
    }
}

//! A connection that writes: taken when the first statement comes, begins a transaction with it, and commits with the last.

use std::sync::Arc;

use realnet_core::{Error, Result};

use super::super::error::{is_useless, to_error};
use super::super::lease::{Lease, PIPELINE};
use super::super::run::{PgRow, within};
use super::super::shared::Shared;
use crate::statement::Statement;

/// A connection from the write pool, as soon as there is something to ask. Left in the middle of a transaction, it rolls
/// back.
pub(super) struct Writer {
    shared: Arc<Shared>,
    lease: Option<Lease>,
    written: bool,
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, lease: None, written: false }
    }

    /// What the store shares.
    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Whether nothing has been asked yet.
    pub(super) fn is_fresh(&self) -> bool {
        self.lease.is_none()
    }

    /// Whether the end has been sent: then a lost connection leaves open whether it happened.
    pub(super) fn has_written(&self) -> bool {
        self.written
    }

    /// Says that the end is being sent in another way.
    pub(super) fn set_written(&mut self) {
        self.written = true;
    }

    /// The rows of a statement inside the transaction, which is begun in the same round trip if need be.
    pub(super) async fn rows(&mut self, statement: Statement) -> Result<Vec<PgRow>> {
        let mut results = self.pipeline(vec![statement]).await?;
        Ok(results.pop().unwrap_or_default())
    }

    /// Runs statements inside the transaction, sent together. The first failure is the answer.
    pub(super) async fn pipeline(&mut self, statements: Vec<Statement>) -> Result<Vec<Vec<PgRow>>> {
        let lease = self.lease().await?;
        let begin = !lease.is_open();
        lease.set_open(true);
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
    pub(super) async fn finish(&mut self, mut statements: Vec<Statement>) -> Result<()> {
        let is_open = self.lease.as_ref().is_some_and(Lease::is_open);
        if statements.is_empty() && !is_open {
            self.written = true;
            return Ok(());
        }
        let lease = self.lease().await?;
        if statements.len() > 1 && !is_open {
            lease.set_open(true);
            statements.insert(0, Statement::of("BEGIN"));
        }
        let commits = lease.is_open();
        if commits {
            statements.push(Statement::of("COMMIT"));
        }
        self.written = true;
        self.send(statements).await?;
        if let Some(lease) = self.lease.as_mut().filter(|_| commits) {
            lease.set_open(false);
        }
        Ok(())
    }

    /// The rows of a statement outside of a transaction.
    pub(super) async fn alone(&mut self, statement: Statement) -> Result<Vec<PgRow>> {
        let patience = self.shared.patience();
        within(patience, self.lease().await?.rows(statement)).await.map_err(to_error)
    }

    /// Ends the transaction without a trace after an error. After one of the connection there is nothing to say any
    /// more.
    pub(super) async fn roll_back(&mut self, error: &Error) {
        let patience = self.shared.patience();
        let Some(lease) = self.lease.as_mut().filter(|lease| lease.is_open() && !is_useless(error)) else {
            return;
        };
        if within(patience, lease.rows(Statement::of("ROLLBACK"))).await.is_ok() {
            lease.set_open(false);
        }
    }

    async fn lease(&mut self) -> Result<&mut Lease> {
        let lease = match self.lease.take() {
            Some(lease) => lease,
            None => self.shared.pools.write().await?,
        };
        Ok(self.lease.insert(lease))
    }

    /// Waits for the answers of each batch only so long.
    async fn send(&mut self, mut statements: Vec<Statement>) -> Result<Vec<Vec<PgRow>>> {
        let patience = self.shared.patience();
        let mut results = Vec::with_capacity(statements.len());
        while !statements.is_empty() {
            let rest = statements.split_off(statements.len().min(PIPELINE));
            let lease = self.lease().await?;
            results.extend(within(patience, lease.all(statements)).await.map_err(to_error)?);
            statements = rest;
        }
        Ok(results)
    }
}

//! One transaction, as the commit engine drives it.
//!
//! Rows that are read are locked; writes wait until the end (or until a read needs to see them in the database) and
//! then go out together. A change set that reads nothing is one statement and one round trip; an update is two: BEGIN
//! with the locking SELECT, then the write with the COMMIT.

mod commit;
mod connection;
mod entries;
mod flush;
mod prefetch;
mod read;
mod reindex;
mod slot;
mod source;
mod write;

use std::collections::HashMap;
use std::sync::Arc;

use realnet_core::registry::TypeRegistry;
use realnet_core::{Error, Result};
use uuid::Uuid;

use super::error::{Failure, failure, to_error};
use super::pool::Connection;
use crate::statement::{Array, Bind, Statement};
use connection::Writer;
use flush::{Batch, Claims};
use slot::Slots;

pub(super) use commit::commit;
use write::{any, bytes, id_taken};

/// The rows of one transaction.
pub(super) struct PgTransaction {
    writer: Writer,
    /// The registry that the change set ends with: indexes are kept by it.
    registry: Arc<TypeRegistry>,
    slots: Slots,
    /// Ancestors that were asked for, by item.
    chains: HashMap<Uuid, Vec<Uuid>>,
    /// Rows of `changes` that wait.
    changes: Vec<Vec<Bind>>,
    /// Statements on other tables that wait, in order.
    others: Vec<Statement>,
    /// How far the type revision rises.
    type_changes: i64,
    /// Whether the revision of types has been checked, or types are locked.
    types_checked: bool,
    /// Whether this transaction alone may change types.
    types_locked: bool,
    /// Unique values that were written, for the words of a conflict.
    claims: Claims,
    /// Whether there is anything in the change log.
    logs: bool,
    /// Whether types change.
    writes_types: bool,
}

impl PgTransaction {
    fn new(connection: Connection, registry: Arc<TypeRegistry>) -> Self {
        Self {
            writer: Writer::new(connection),
            registry,
            slots: Slots::default(),
            chains: HashMap::new(),
            changes: Vec::new(),
            others: Vec::new(),
            type_changes: 0,
            types_checked: false,
            types_locked: false,
            claims: Claims::new(),
            logs: false,
            writes_types: false,
        }
    }

    /// Writes what waits, so that statements see it.
    async fn flush(&mut self) -> Result<()> {
        if !self.slots.is_dirty() && self.changes.is_empty() && self.others.is_empty() {
            return Ok(());
        }
        let statements = self.take_statements()?;
        self.writer.pipeline(statements).await.map(drop).map_err(to_error)
    }

    /// Everything that waits, as statements in the order in which they must run.
    fn take_statements(&mut self) -> Result<Vec<Statement>> {
        let (mut batch, claims) = Batch::of(&self.registry, self.slots.take_dirty())?;
        self.claims.extend(claims);
        self.logs |= !self.changes.is_empty();
        self.writes_types |= self.type_changes > 0;
        batch.set_changes(std::mem::take(&mut self.changes));
        let revision = (!self.types_checked).then(|| self.registry.revision());
        let mut statements = batch.statements(revision);
        self.types_checked |= !statements.is_empty();
        statements.append(&mut self.others);
        if self.type_changes > 0 {
            let mut rise = Statement::of("UPDATE type_revision SET revision = revision + ");
            // Heard by the other servers when, and only if, this commits.
            rise.bind(self.type_changes.into()).push(" RETURNING pg_notify('realnet_types', revision::text)::text");
            statements.push(rise);
            self.type_changes = 0;
        }
        Ok(statements)
    }
}

/// Whether an error is a lost race, which is worth another try.
fn is_race(error: &Error) -> bool {
    cause(error) == Some(Failure::Race)
}

/// Whether an error is a duplicate that the database found.
fn is_duplicate(error: &Error) -> bool {
    cause(error) == Some(Failure::Duplicate)
}

/// Whether an error is the end of the connection.
fn is_lost_connection(error: &Error) -> bool {
    cause(error) == Some(Failure::Connection)
}

/// What the database said, when it was the database.
fn cause(error: &Error) -> Option<Failure> {
    std::error::Error::source(error)?.downcast_ref().map(failure)
}

/// Ids as one bound array.
fn ids(ids: &[Uuid]) -> Bind {
    Bind::Array(Array::Ids(ids.iter().copied().map(Some).collect()))
}

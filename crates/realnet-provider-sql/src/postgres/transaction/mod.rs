//! One transaction, as the commit engine drives it.
//!
//! Rows that are read are locked; writes wait until the end (or until a read needs to see them in the database) and
//! then go out together. A change set that reads nothing is one statement and one round trip, which it may share with
//! others ([`group`]); an update is two: BEGIN with the locking SELECT, then the write with the COMMIT.

mod building;
mod commit;
mod connection;
mod entries;
mod flush;
mod group;
mod parts;
mod prefetch;
mod read;
mod reindex;
mod restore;
mod slot;
mod source;
mod words;
mod write;

use std::collections::HashMap;
use std::sync::Arc;

use realnet_core::Result;
use realnet_core::model::Item;
use realnet_core::registry::TypeRegistry;
use uuid::Uuid;

use super::row::read_item;
use super::run::{PgRow, Reader};
use super::shared::Shared;
use crate::statement::{Array, Bind, Statement};
use connection::Writer;
use flush::{Batch, Claims};
use slot::Slots;

pub(super) use commit::commit;
pub(super) use group::Groups;
pub(super) use read::ancestors_of;
pub(super) use restore::restore;
use write::{any, bytes, id_taken};

/// The rows of one transaction.
#[allow(clippy::struct_excessive_bools, reason = "independent facts about what has been done")]
pub(super) struct PgTransaction {
    writer: Writer,
    /// The registry that the change set ends with: what is written is indexed by it.
    registry: Arc<TypeRegistry>,
    /// The registry before the change set: what is there is indexed by it, until its fields are indexed anew.
    previous: Arc<TypeRegistry>,
    slots: Slots,
    /// Ancestors that were asked for, by item.
    chains: HashMap<Uuid, Vec<Uuid>>,
    /// Rows of `changes` that wait.
    changes: Vec<Vec<Bind>>,
    /// Statements on other tables that wait, in order.
    others: Vec<Statement>,
    /// Whether types change and the revision has not been raised yet.
    raise_types: bool,
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
    fn new(shared: &Arc<Shared>, previous: &Arc<TypeRegistry>, next: Option<&Arc<TypeRegistry>>) -> Self {
        Self {
            writer: Writer::new(Arc::clone(shared)),
            registry: Arc::clone(next.unwrap_or(previous)),
            previous: Arc::clone(previous),
            slots: Slots::default(),
            chains: HashMap::new(),
            changes: Vec::new(),
            others: Vec::new(),
            raise_types: false,
            types_checked: false,
            types_locked: false,
            claims: Claims::new(),
            logs: false,
            writes_types: false,
        }
    }

    /// The item in the next columns. Its type may be one that the change set removes.
    fn read(&self, reader: &mut Reader<'_>) -> Result<Item> {
        let mut item = read_item(&self.registry, reader)?;
        if let (None, Some(info)) = (self.registry.by_id(item.type_id), self.previous.by_id(item.type_id)) {
            item.type_name = Arc::clone(info.name());
        }
        Ok(item)
    }

    /// The items of rows.
    fn read_all(&self, rows: &[PgRow]) -> Result<Vec<Item>> {
        rows.iter().map(|row| self.read(&mut Reader::new(row))).collect()
    }

    /// Writes what waits, so that statements see it.
    async fn flush(&mut self) -> Result<()> {
        if !self.slots.is_dirty() && self.changes.is_empty() && self.others.is_empty() {
            return Ok(());
        }
        let statements = self.take_statements()?;
        self.writer.pipeline(statements).await.map(drop)
    }

    /// Everything that waits, as statements in the order in which they must run.
    fn take_statements(&mut self) -> Result<Vec<Statement>> {
        let batch = self.take_batch()?;
        Ok(self.with_others(batch))
    }

    /// The items and changes that wait.
    fn take_batch(&mut self) -> Result<Batch> {
        let (mut batch, claims) = Batch::of(&self.previous, &self.registry, self.slots.take_dirty())?;
        self.claims.extend(claims);
        self.logs |= !self.changes.is_empty();
        batch.set_changes(std::mem::take(&mut self.changes));
        Ok(batch)
    }

    /// The statements of a batch and all others that wait, in the order in which they must run.
    fn with_others(&mut self, batch: Batch) -> Vec<Statement> {
        let revision = (!self.types_checked).then(|| self.registry.revision());
        let mut statements = batch.statements(revision);
        self.types_checked |= !statements.is_empty();
        statements.append(&mut self.others);
        if std::mem::take(&mut self.raise_types) {
            // Heard by the other servers when, and only if, this commits.
            statements.push(Statement::of(
                "UPDATE type_revision SET revision = revision + 1 \
                 RETURNING pg_notify('realnet_types', revision::text)::text",
            ));
        }
        statements
    }
}

/// Ids as one bound array.
fn ids(ids: &[Uuid]) -> Bind {
    Bind::Array(Array::Ids(ids.iter().copied().map(Some).collect()))
}

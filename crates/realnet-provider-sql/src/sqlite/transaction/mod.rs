//! One change set on the writer's connection, as the commit engine of the core drives it.
//!
//! Nothing here waits: every future is ready at once.

mod account;
mod building;
mod columns;
mod draft;
mod index;
mod item_write;
mod items;
mod kept;
mod log;
mod parts;
mod read;
mod restore;
mod types;

pub(super) use draft::Draft;

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use futures::FutureExt as _;
use realnet_core::change::{
    self, ChangeRecord, ChangeSet, IdempotencyKey, Outcome, SourceRecord, StoredReply,
};
use realnet_core::clock::Timestamp;
use realnet_core::model::{Item, TypeDefinition};
use realnet_core::provider::{Access, ChildrenOf, Part, Reference, Transaction};
use realnet_core::registry::{FieldRef, TypeGrants, TypeRegistry};
use realnet_core::{Error, Result, Uuid};

use super::connection::Connection;
use super::counters::{Changes, Counters};
use super::shared::Shared;
use log::ChangeRow;

/// A change set in its savepoint.
pub(super) struct SqliteTransaction<'w> {
    pub(super) connection: &'w mut Connection,
    counters: &'w mut Counters,
    shared: &'w Shared,
    changes: Changes,
    /// The numbers of the rows of items that were read or written.
    seqs: HashMap<Uuid, i64>,
    /// The types before the change set, by which the rows in the file were made.
    previous: Arc<TypeRegistry>,
    /// The types after it, by which rows are made now.
    registry: Arc<TypeRegistry>,
}

impl<'w> SqliteTransaction<'w> {
    pub(super) fn new(
        connection: &'w mut Connection,
        counters: &'w mut Counters,
        shared: &'w Shared,
    ) -> Self {
        let (previous, registry) = (Arc::clone(&shared.no_types), Arc::clone(&shared.no_types));
        let (changes, seqs) = (Changes::default(), HashMap::new());
        Self { connection, counters, shared, changes, seqs, previous, registry }
    }

    /// What it adds to the counters.
    pub(super) fn into_changes(self) -> Changes {
        self.changes
    }

    /// Applies a change set. On error the caller rolls back.
    pub(super) fn apply(&mut self, access: &Access, changes: &ChangeSet) -> Result<Vec<Outcome>> {
        if access.registry.revision() != self.counters.type_revision {
            // Index rows made by other types than the present ones would be wrong.
            return Err(changes.stale_types());
        }
        self.previous = Arc::clone(&access.registry);
        self.registry = Arc::clone(changes.next_registry.as_ref().unwrap_or(&access.registry));
        change::apply(self, access, changes)
            .now_or_never()
            .unwrap_or_else(|| Err(Error::internal("a transaction of SQLite has waited")))
    }
}

#[async_trait]
impl Transaction for SqliteTransaction<'_> {
    async fn items(&mut self, ids: &[Uuid]) -> Result<Vec<Item>> {
        self.read_items(ids)
    }

    async fn children(&mut self, of: ChildrenOf<'_>, limit: usize) -> Result<Part> {
        self.read_children(of, limit)
    }

    async fn heirs(&mut self, types: &[Uuid], behind: Option<&Item>, limit: usize) -> Result<Part> {
        self.read_heirs(types, behind, limit)
    }

    async fn let_go(&mut self, ids: &[Uuid]) -> Result<()> {
        for id in ids {
            self.seqs.remove(id);
        }
        Ok(())
    }

    async fn ancestors(&mut self, id: Uuid, limit: usize) -> Result<Vec<Uuid>> {
        super::lookup::read_ancestors(self.connection, id, limit)
    }

    async fn height(&mut self, id: Uuid, limit: usize) -> Result<usize> {
        self.read_height(id, limit)
    }

    async fn referrers(
        &mut self,
        field: &FieldRef,
        org: Uuid,
        targets: &[Uuid],
        limit: usize,
    ) -> Result<Vec<Reference>> {
        self.read_referrers(field, org, targets, limit)
    }

    async fn put_item(&mut self, registry: &TypeRegistry, before: Option<&Item>, after: &Item) -> Result<()> {
        match before {
            Some(before) => self.update_item(registry, before, after),
            None => self.insert_item(registry, after),
        }
    }

    async fn remove_items(&mut self, items: &[Item]) -> Result<()> {
        items.iter().try_for_each(|item| self.remove_item(item))
    }

    async fn append(&mut self, record: ChangeRecord) -> Result<()> {
        self.append_row(&ChangeRow::of(&record)?)
    }

    async fn type_revision(&mut self) -> Result<i64> {
        Ok(self.changes.type_revision.unwrap_or(self.counters.type_revision))
    }

    async fn put_type(&mut self, definition: &TypeDefinition) -> Result<()> {
        self.write_type(definition)
    }

    async fn remove_type(&mut self, id: Uuid) -> Result<()> {
        self.delete_type(id)
    }

    async fn has_items(&mut self, type_id: Uuid) -> Result<bool> {
        self.is_populated(type_id)
    }

    async fn put_type_grants(&mut self, grants: &TypeGrants, remove: bool) -> Result<()> {
        self.write_type_grants(grants, remove)
    }

    async fn reindex(&mut self, registry: &TypeRegistry, field: &FieldRef, types: &[Uuid]) -> Result<()> {
        self.forget_building(field)?;
        self.rebuild_index(registry, field, types)
    }

    async fn begin_index(&mut self, field: &FieldRef, types: &[Uuid]) -> Result<bool> {
        self.note_building(field, types)
    }

    async fn extend_index(
        &mut self,
        registry: &TypeRegistry,
        field: &FieldRef,
        types: &[Uuid],
        limit: usize,
    ) -> Result<bool> {
        self.build_further(registry, field, types, limit)
    }

    async fn reindex_words(&mut self, registry: &TypeRegistry, types: &[Uuid]) -> Result<()> {
        self.rebuild_words(registry, types)
    }

    async fn written_since(
        &mut self,
        types: &[Uuid],
        since: Timestamp,
        behind: Uuid,
        limit: usize,
    ) -> Result<Vec<Item>> {
        self.read_written_since(types, since, behind, limit)
    }

    async fn put_password(&mut self, account: Uuid, password_hash: &str) -> Result<()> {
        self.write_credential(account, Some(password_hash))
    }

    async fn raise_epoch(&mut self, account: Uuid) -> Result<()> {
        self.write_credential(account, None)
    }

    async fn put_source(&mut self, source: &SourceRecord, remove: bool) -> Result<()> {
        self.write_source(source, remove)
    }

    async fn put_reply(&mut self, key: &IdempotencyKey, reply: &StoredReply) -> Result<()> {
        self.write_reply(key, reply)
    }
}

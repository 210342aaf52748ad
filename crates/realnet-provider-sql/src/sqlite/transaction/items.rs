//! Writing items with everything that hangs on them.

use std::sync::Arc;

use realnet_core::index::{IndexEntries, entries};
use realnet_core::model::Item;
use realnet_core::registry::TypeRegistry;
use realnet_core::{Error, Result, Uuid};

use super::SqliteTransaction;
use super::item_write::ItemWrite;
use crate::statement::{Bind, Statement};

impl SqliteTransaction<'_> {
    pub(super) fn insert_item(&mut self, registry: &TypeRegistry, item: &Item) -> Result<()> {
        self.write_new(&ItemWrite::insert(registry, item)?)
    }

    pub(super) fn update_item(&mut self, registry: &TypeRegistry, before: &Item, after: &Item) -> Result<()> {
        let seq = self
            .seq_of(after.id)?
            .ok_or_else(|| Error::internal(format!("item {} to be changed is not there", after.id)))?;
        self.write_item(&ItemWrite::update(registry, before, after)?, seq)
    }

    pub(super) fn remove_item(&mut self, item: &Item) -> Result<()> {
        let Some(seq) = self.seq_of(item.id)? else { return Ok(()) };
        let write = ItemWrite::remove(item, &self.stored_entries(item)?);
        self.write_item(&write, seq)?;
        self.seqs.remove(&item.id);
        self.forget_account(item.id)
    }

    /// Writes a new item under the next number.
    pub(super) fn write_new(&mut self, write: &ItemWrite) -> Result<()> {
        let seq = self.counters.next_seq();
        self.write_item(write, seq)?;
        self.seqs.insert(write.id, seq);
        Ok(())
    }

    /// Writes an item under its number.
    pub(super) fn write_item(&mut self, write: &ItemWrite, seq: i64) -> Result<()> {
        if let Some((org, type_id)) = write.populates {
            self.shared.populate(org, type_id);
        }
        self.counters.note_change(write.id);
        for step in &write.steps {
            if let Some(shape) = step.shape {
                self.connection.admit_shape(shape);
            }
            let rows = self.connection.run_with(&step.statement, &[seq])?;
            if let Some(refusal) = step.refusal.as_ref().filter(|_| rows == 0) {
                return Err(refusal.error());
            }
        }
        self.changes.words += usize::from(write.notes_words);
        Ok(())
    }

    /// The number of an item's row: known of those that were read before.
    fn seq_of(&mut self, id: Uuid) -> Result<Option<i64>> {
        if let Some(seq) = self.seqs.get(&id) {
            return Ok(Some(*seq));
        }
        let mut statement = Statement::of("SELECT seq FROM items WHERE id = ");
        statement.bind(id.into());
        self.connection.first(&statement, |row| row.integer(0))
    }

    /// The index rows that an item may have in the file: made by the types before the change set, or by those after it
    /// when it was written in the same set.
    fn stored_entries(&self, item: &Item) -> Result<IndexEntries> {
        let mut stored = IndexEntries::default();
        for registry in [&self.previous, &self.registry] {
            if registry.by_id(item.type_id).is_some() {
                let more = entries(registry, item)?;
                stored.keys.extend(more.keys);
                stored.tokens.extend(more.tokens);
                stored.bounds = more.bounds;
            }
            if Arc::ptr_eq(&self.previous, &self.registry) {
                break;
            }
        }
        Ok(stored)
    }

    /// Runs a statement made of one text and one id.
    pub(super) fn run_for(&mut self, sql: &'static str, id: Uuid) -> Result<usize> {
        let mut statement = Statement::of(sql);
        statement.bind(Bind::Id(id));
        self.connection.run(&statement)
    }
}

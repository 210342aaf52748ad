//! Inserting, updating and removing items with everything that hangs on them.

use std::sync::Arc;

use realnet_core::index::{IndexEntries, entries};
use realnet_core::model::Item;
use realnet_core::registry::TypeRegistry;
use realnet_core::{Error, Result, Uuid};

use super::SqliteTransaction;
use super::write::{all_columns, changed_columns};
use crate::principal::grant_rows;
use crate::statement::{Bind, Statement};

impl SqliteTransaction<'_> {
    pub(super) fn insert_item(&mut self, registry: &TypeRegistry, item: &Item) -> Result<()> {
        let seq = self.counters.next_seq();
        self.shared.populate(item.org, item.type_id);
        let mut statement = Statement::of(
            "INSERT INTO items (seq, id, org, type, created_at, instance, name, attributes, tags, status, visibility, \
             location, valid_from, valid_to, parent, linked, owner, public, version, updated_at, grants) VALUES (",
        );
        statement.bind(seq.into());
        for value in
            [item.id.into(), item.org.into(), item.type_id.into(), item.created_at.as_micros().into()]
        {
            statement.push(", ").bind(value);
        }
        for (_, value) in all_columns(item)? {
            statement.push(", ").bind(value);
        }
        statement.push(") ON CONFLICT (id) DO NOTHING");
        if self.connection.run(&statement)? == 0 {
            return Err(Error::conflict(format!("there is an item {} already", item.id)));
        }
        let entries = entries(registry, item)?;
        self.insert_grants(seq, item)?;
        self.insert_keys(seq, item, &entries.keys)?;
        if !entries.tokens.is_empty() {
            self.note_words(seq, &entries.tokens)?;
        }
        self.insert_box(seq, &entries)
    }

    pub(super) fn update_item(&mut self, registry: &TypeRegistry, before: &Item, after: &Item) -> Result<()> {
        let seq = self.update_row(before, after)?;
        if grant_rows(before) != grant_rows(after) {
            self.delete_grants(before)?;
            self.insert_grants(seq, after)?;
        }
        let (old, new) = (entries(registry, before)?, entries(registry, after)?);
        if before.visibility == after.visibility {
            self.replace_keys(seq, after, &old.keys, &new.keys)?;
        } else {
            self.delete_keys(before, &old.keys)?;
            self.insert_keys(seq, after, &new.keys)?;
        }
        if old.tokens != new.tokens {
            self.note_words(seq, &new.tokens)?;
        }
        if old.bounds != new.bounds {
            self.delete_box(seq)?;
            self.insert_box(seq, &new)?;
        }
        Ok(())
    }

    /// Writes the columns that differ: indexes of others are then left alone. Answers the row's number.
    fn update_row(&mut self, before: &Item, after: &Item) -> Result<i64> {
        let mut statement = Statement::of("UPDATE items SET ");
        for (index, (column, value)) in changed_columns(before, after)?.into_iter().enumerate() {
            statement.push(if index > 0 { ", " } else { "" });
            statement.push(column).push(" = ").bind(value);
        }
        statement.push(" WHERE id = ").bind(after.id.into()).push(" RETURNING seq");
        self.connection.admit(&statement);
        let seq = self.connection.first(&statement, |row| row.integer(0))?;
        seq.ok_or_else(|| Error::internal(format!("item {} to be changed is not there", after.id)))
    }

    pub(super) fn remove_item(&mut self, item: &Item) -> Result<()> {
        let mut statement = Statement::of("DELETE FROM items WHERE id = ");
        statement.bind(item.id.into()).push(" RETURNING seq");
        let Some(seq) = self.connection.first(&statement, |row| row.integer(0))? else { return Ok(()) };
        let IndexEntries { keys, tokens, bounds } = self.stored_entries(item)?;
        self.delete_keys(item, &keys)?;
        self.delete_grants(item)?;
        if !tokens.is_empty() {
            self.note_words(seq, &[])?;
        }
        if bounds.is_some() {
            self.delete_box(seq)?;
        }
        self.forget_account(item.id)
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

    fn insert_grants(&mut self, seq: i64, item: &Item) -> Result<()> {
        for (principal, permissions) in grant_rows(item) {
            let mut statement =
                Statement::of("INSERT INTO grants (org, principal, type, item, seq, perms) VALUES (");
            statement.bind(item.org.into()).push(", ").bind(principal.into()).push(", ");
            statement.bind(item.type_id.into()).push(", ").bind(item.id.into()).push(", ");
            statement.bind(seq.into()).push(", ").bind(i64::from(permissions.bits()).into()).push(")");
            self.connection.run(&statement)?;
        }
        Ok(())
    }

    fn delete_grants(&mut self, item: &Item) -> Result<()> {
        for principal in grant_rows(item).into_keys() {
            let mut statement = Statement::of("DELETE FROM grants WHERE org = ");
            statement.bind(item.org.into()).push(" AND principal = ").bind(principal.into());
            statement.push(" AND type = ").bind(item.type_id.into());
            statement.push(" AND item = ").bind(item.id.into());
            self.connection.run(&statement)?;
        }
        Ok(())
    }

    /// Runs a statement made of one text and one id.
    pub(super) fn run_for(&mut self, sql: &'static str, id: Uuid) -> Result<usize> {
        let mut statement = Statement::of(sql);
        statement.bind(Bind::Id(id));
        self.connection.run(&statement)
    }
}

//! Index rows of items: keys, unique values, words, boxes.

use std::collections::BTreeSet;

use realnet_core::index::{IndexEntries, KeyEntry, entries, value_taken};
use realnet_core::model::Item;
use realnet_core::registry::{FieldRef, TypeRegistry};
use realnet_core::{Result, Uuid};

use super::SqliteTransaction;
use crate::dialect::Dialect as _;
use crate::field_id::field_id;
use crate::row::visibility_number;
use crate::sqlite::dialect::SqliteDialect;
use crate::sqlite::row::{AFTER_ITEM, ITEM_COLUMNS, item};
use crate::statement::Statement;

/// So many items are read at a time while an index is built.
const BATCH: i64 = 1000;

impl SqliteTransaction<'_> {
    pub(super) fn insert_keys(&mut self, seq: i64, item: &Item, keys: &[KeyEntry]) -> Result<()> {
        for key in keys {
            self.insert_key(seq, item, key)?;
        }
        Ok(())
    }

    fn insert_key(&mut self, seq: i64, item: &Item, key: &KeyEntry) -> Result<()> {
        let field = field_id(&key.field);
        if key.unique {
            let mut statement = Statement::of("INSERT INTO unique_keys (field, org, value, item) VALUES (");
            statement.bind(field.into()).push(", ").bind(item.org.into()).push(", ");
            statement.bind(key.value.clone().into()).push(", ").bind(item.id.into());
            statement.push(") ON CONFLICT DO NOTHING");
            if self.connection.run(&statement)? == 0 {
                return Err(value_taken(&key.field.name));
            }
        }
        let mut statement =
            Statement::of("INSERT INTO keys (field, org, value, item, seq, type, visibility) VALUES (");
        statement.bind(field.into()).push(", ").bind(item.org.into()).push(", ");
        statement.bind(key.value.clone().into()).push(", ").bind(item.id.into()).push(", ");
        statement.bind(seq.into()).push(", ").bind(item.type_id.into()).push(", ");
        statement.bind(i64::from(visibility_number(item.visibility)).into()).push(")");
        self.connection.run(&statement).map(drop)
    }

    pub(super) fn delete_keys(&mut self, item: &Item, keys: &[KeyEntry]) -> Result<()> {
        for key in keys {
            self.delete_key(item, key)?;
        }
        Ok(())
    }

    fn delete_key(&mut self, item: &Item, key: &KeyEntry) -> Result<()> {
        let field = field_id(&key.field);
        let mut statement = Statement::of("DELETE FROM keys WHERE field = ");
        statement.bind(field.into()).push(" AND org = ").bind(item.org.into());
        statement.push(" AND value = ").bind(key.value.clone().into());
        statement.push(" AND item = ").bind(item.id.into());
        self.connection.run(&statement)?;
        if key.unique {
            let mut statement = Statement::of("DELETE FROM unique_keys WHERE field = ");
            statement.bind(field.into()).push(" AND org = ").bind(item.org.into());
            statement.push(" AND value = ").bind(key.value.clone().into());
            statement.push(" AND item = ").bind(item.id.into());
            self.connection.run(&statement)?;
        }
        Ok(())
    }

    /// Deletes and inserts only what differs.
    pub(super) fn replace_keys(
        &mut self,
        seq: i64,
        item: &Item,
        old: &[KeyEntry],
        new: &[KeyEntry],
    ) -> Result<()> {
        let (before, after): (BTreeSet<&KeyEntry>, BTreeSet<&KeyEntry>) =
            (old.iter().collect(), new.iter().collect());
        for key in before.difference(&after) {
            self.delete_key(item, key)?;
        }
        for key in after.difference(&before) {
            self.insert_key(seq, item, key)?;
        }
        Ok(())
    }

    /// Notes the words of an item; none: that it has no more. The index of words gets them later, many at once.
    pub(super) fn note_words(&mut self, seq: i64, tokens: &[String]) -> Result<()> {
        let text = (!tokens.is_empty()).then(|| format!(" {} ", tokens.join(" ")));
        let mut statement = Statement::of("INSERT OR REPLACE INTO new_words (seq, tokens) VALUES (");
        statement.bind(seq.into()).push(", ").bind(text.into()).push(")");
        self.changes.words += 1;
        self.connection.run(&statement).map(drop)
    }

    pub(super) fn insert_box(&mut self, seq: i64, entries: &IndexEntries) -> Result<()> {
        let Some(bounds) = entries.bounds else { return Ok(()) };
        let mut statement =
            Statement::of("INSERT INTO boxes (seq, min_lon, max_lon, min_lat, max_lat) VALUES (");
        statement.bind(seq.into());
        for edge in [bounds.min_lon, bounds.max_lon, bounds.min_lat, bounds.max_lat] {
            statement.push(", ").bind(edge.into());
        }
        statement.push(")");
        self.connection.run(&statement).map(drop)
    }

    pub(super) fn delete_box(&mut self, seq: i64) -> Result<()> {
        let mut statement = Statement::of("DELETE FROM boxes WHERE seq = ");
        statement.bind(seq.into());
        self.connection.run(&statement).map(drop)
    }

    /// Makes all rows of a field anew.
    pub(super) fn rebuild_index(
        &mut self,
        registry: &TypeRegistry,
        field: &FieldRef,
        types: &[Uuid],
    ) -> Result<()> {
        for sql in ["DELETE FROM keys WHERE field = ", "DELETE FROM unique_keys WHERE field = "] {
            let mut statement = Statement::of(sql);
            statement.bind(field_id(field).into());
            self.connection.run(&statement)?;
        }
        if types.is_empty() {
            return Ok(());
        }
        let mut behind = 0;
        loop {
            let rows = self.items_behind(registry, behind, types)?;
            for (seq, item) in &rows {
                let entries = entries(registry, item)?;
                for key in entries.keys.iter().filter(|key| key.field == *field) {
                    self.insert_key(*seq, item, key)?;
                }
            }
            match rows.last() {
                Some((seq, _)) if rows.len() as i64 == BATCH => behind = *seq,
                _ => return Ok(()),
            }
        }
    }

    /// Makes the words of all items of some types anew.
    pub(super) fn rebuild_words(&mut self, registry: &TypeRegistry, types: &[Uuid]) -> Result<()> {
        let mut behind = 0;
        loop {
            let rows = self.items_behind(registry, behind, types)?;
            for (seq, item) in &rows {
                self.note_words(*seq, &entries(registry, item)?.tokens)?;
            }
            match rows.last() {
                Some((seq, _)) if rows.len() as i64 == BATCH => behind = *seq,
                _ => return Ok(()),
            }
        }
    }

    fn items_behind(
        &mut self,
        registry: &TypeRegistry,
        behind: i64,
        types: &[Uuid],
    ) -> Result<Vec<(i64, Item)>> {
        let mut statement = Statement::of("SELECT ");
        statement
            .push(ITEM_COLUMNS)
            .push(", i.seq FROM items i NOT INDEXED WHERE i.seq > ")
            .bind(behind.into());
        statement.push(" AND ");
        SqliteDialect.ids_in("i.type", types, &mut statement);
        statement.push(format!(" ORDER BY i.seq LIMIT {BATCH}"));
        self.connection.admit(&statement);
        self.connection.rows(&statement, |row| Ok((row.integer(AFTER_ITEM)?, item(registry, row)?)))
    }
}

//! Index rows of items: keys, unique values, words, boxes.

use realnet_core::index::{KeyEntry, entries};
use realnet_core::model::{Bounds, Item};
use realnet_core::registry::{FieldRef, TypeRegistry};
use realnet_core::{Result, Uuid};

use super::SqliteTransaction;
use super::item_write::{Refusal, SEQ};
use crate::dialect::Dialect as _;
use crate::field_id::field_id;
use crate::marks::marks;
use crate::row::visibility_number;
use crate::sqlite::dialect::SqliteDialect;
use crate::sqlite::row::{AFTER_ITEM, ITEM_COLUMNS, item};
use crate::statement::Statement;

/// So many items are read at a time while an index is built.
const BATCH: i64 = 1000;

/// Takes a unique value; changes no row when another item has it.
pub(super) fn insert_unique_key(item: &Item, key: &KeyEntry) -> Statement {
    let mut statement = Statement::of("INSERT INTO unique_keys (field, org, value, item) VALUES (");
    statement.bind(field_id(&key.field).into()).push(", ").bind(item.org.into()).push(", ");
    statement.bind(key.value.clone().into()).push(", ").bind(item.id.into());
    statement.push(") ON CONFLICT DO NOTHING");
    statement
}

pub(super) fn delete_unique_key(item: &Item, key: &KeyEntry) -> Statement {
    of_key("DELETE FROM unique_keys WHERE field = ", item, key)
}

/// `marks`: those of all rows of the item.
pub(super) fn insert_key(item: &Item, key: &KeyEntry, marks: i64) -> Statement {
    let mut statement =
        Statement::of("INSERT INTO keys (field, org, value, item, seq, type, visibility, marks) VALUES (");
    statement.bind(field_id(&key.field).into()).push(", ").bind(item.org.into()).push(", ");
    statement.bind(key.value.clone().into()).push(", ").bind(item.id.into()).push(", ");
    statement.bind(SEQ).push(", ").bind(item.type_id.into()).push(", ");
    statement.bind(i64::from(visibility_number(item.visibility)).into());
    statement.push(", ").bind(marks.into()).push(")");
    statement
}

/// Writes new marks of an item into a row that stays.
pub(super) fn update_marks(item: &Item, key: &KeyEntry, marks: i64) -> Statement {
    let mut statement = Statement::of("UPDATE keys SET marks = ");
    statement.bind(marks.into()).append(of_key(" WHERE field = ", item, key));
    statement
}

pub(super) fn delete_key(item: &Item, key: &KeyEntry) -> Statement {
    of_key("DELETE FROM keys WHERE field = ", item, key)
}

fn of_key(sql: &'static str, item: &Item, key: &KeyEntry) -> Statement {
    let mut statement = Statement::of(sql);
    statement.bind(field_id(&key.field).into()).push(" AND org = ").bind(item.org.into());
    statement.push(" AND value = ").bind(key.value.clone().into());
    statement.push(" AND item = ").bind(item.id.into());
    statement
}

/// Notes the words of an item; none: that it has no more. The index of words gets them later, many at once.
pub(super) fn note_words(tokens: &[String]) -> Statement {
    let text = (!tokens.is_empty()).then(|| format!(" {} ", tokens.join(" ")));
    let mut statement = Statement::of("INSERT OR REPLACE INTO new_words (seq, tokens) VALUES (");
    statement.bind(SEQ).push(", ").bind(text.into()).push(")");
    statement
}

pub(super) fn insert_box(bounds: Bounds) -> Statement {
    let mut statement = Statement::of("INSERT INTO boxes (seq, min_lon, max_lon, min_lat, max_lat) VALUES (");
    statement.bind(SEQ);
    for edge in [bounds.min_lon, bounds.max_lon, bounds.min_lat, bounds.max_lat] {
        statement.push(", ").bind(edge.into());
    }
    statement.push(")");
    statement
}

pub(super) fn delete_box() -> Statement {
    let mut statement = Statement::of("DELETE FROM boxes WHERE seq = ");
    statement.bind(SEQ);
    statement
}

impl SqliteTransaction<'_> {
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
                let marks = marks(&entries.keys);
                for key in &entries.keys {
                    if key.field == *field {
                        self.index_key(*seq, item, key, marks)?;
                    } else {
                        self.connection.run(&update_marks(item, key, marks))?;
                    }
                }
            }
            match rows.last() {
                Some((seq, _)) if rows.len() as i64 == BATCH => behind = *seq,
                _ => return Ok(()),
            }
        }
    }

    fn index_key(&mut self, seq: i64, item: &Item, key: &KeyEntry, marks: i64) -> Result<()> {
        if key.unique && self.connection.run(&insert_unique_key(item, key))? == 0 {
            return Err(Refusal::ValueTaken(key.field.name.clone()).error());
        }
        self.connection.run_with(&insert_key(item, key, marks), &[seq]).map(drop)
    }

    /// Makes the words of all items of some types anew.
    pub(super) fn rebuild_words(&mut self, registry: &TypeRegistry, types: &[Uuid]) -> Result<()> {
        let mut behind = 0;
        loop {
            let rows = self.items_behind(registry, behind, types)?;
            for (seq, item) in &rows {
                let words = note_words(&entries(registry, item)?.tokens);
                self.connection.run_with(&words, &[*seq])?;
                self.changes.words += 1;
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

//! Index rows of items: keys, unique values, words, boxes.

use std::ops::ControlFlow;

use realnet_core::index::{KeyEntry, entries};
use realnet_core::model::{Bounds, Item};
use realnet_core::provider::Budget;
use realnet_core::registry::{FieldRef, TypeRegistry};
use realnet_core::{Result, Uuid};

use super::SqliteTransaction;
use super::item_write::{Refusal, SEQ};
use crate::field_id::field_id;
use crate::marks::marks;
use crate::row::visibility_number;
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
        self.each_item(registry, types, |this, seq, item| {
            let entries = entries(registry, item)?;
            let marks = marks(&entries.keys);
            for key in &entries.keys {
                if key.field == *field {
                    this.index_key(seq, item, key, marks)?;
                } else {
                    this.connection.run(&update_marks(item, key, marks))?;
                }
            }
            Ok(())
        })
    }

    fn index_key(&mut self, seq: i64, item: &Item, key: &KeyEntry, marks: i64) -> Result<()> {
        if key.unique && self.connection.run(&insert_unique_key(item, key))? == 0 {
            return Err(Refusal::ValueTaken(key.field.name.clone()).error());
        }
        self.connection.run_with(&insert_key(item, key, marks), &[seq]).map(drop)
    }

    /// Makes the words of all items of some types anew.
    pub(super) fn rebuild_words(&mut self, registry: &TypeRegistry, types: &[Uuid]) -> Result<()> {
        self.each_item(registry, types, |this, seq, item| {
            this.connection.run_with(&note_words(&entries(registry, item)?.tokens), &[seq])?;
            this.changes.words += 1;
            Ok(())
        })
    }

    /// Calls `visit` with each item of some types, and the number of its row. Indexes of items begin with org and type, so
    /// each pair that holds items is gone along, some items at a time.
    fn each_item(
        &mut self,
        registry: &TypeRegistry,
        types: &[Uuid],
        mut visit: impl FnMut(&mut Self, i64, &Item) -> Result<()>,
    ) -> Result<()> {
        for type_id in types {
            for org in self.shared.holders(*type_id) {
                let mut behind = Uuid::nil();
                loop {
                    let rows = self.items_behind(registry, org, *type_id, behind)?;
                    for (seq, item) in &rows {
                        visit(self, *seq, item)?;
                    }
                    let Some((_, last)) = rows.last() else { break };
                    behind = last.id;
                }
            }
        }
        Ok(())
    }

    /// The next items of an org and type, in the order of ids: as many as are read at a time.
    fn items_behind(
        &mut self,
        registry: &TypeRegistry,
        org: Uuid,
        type_id: Uuid,
        behind: Uuid,
    ) -> Result<Vec<(i64, Item)>> {
        let mut statement = Statement::of("SELECT ");
        statement.push(ITEM_COLUMNS).push(", i.seq FROM items i INDEXED BY items_by_type WHERE i.org = ");
        statement.bind(org.into()).push(" AND i.type = ").bind(type_id.into());
        statement.push(" AND i.id > ").bind(behind.into());
        statement.push(format!(" ORDER BY i.id LIMIT {BATCH}"));
        let (mut found, mut budget) = (Vec::new(), Budget::default());
        self.connection.each(&statement, |row| {
            let item = item(registry, row)?;
            let has_room = budget.admits(item.size());
            if has_room {
                found.push((row.integer(AFTER_ITEM)?, item));
            }
            Ok(if has_room { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
        })?;
        Ok(found)
    }
}

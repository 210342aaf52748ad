//! Indexes of new fields, built behind the commit that declared them: chunk by chunk, each a short change set.

use std::ops::ControlFlow;

use realnet_core::index::entries;
use realnet_core::provider::Budget;
use realnet_core::registry::{FieldRef, TypeRegistry};
use realnet_core::{Result, Uuid};

use super::SqliteTransaction;
use super::index::{insert_key, update_marks};
use crate::dialect::Dialect as _;
use crate::field_id::field_id;
use crate::marks::marks;
use crate::sqlite::dialect::SqliteDialect;
use crate::sqlite::row::{AFTER_ITEM, ITEM_COLUMNS, item};
use crate::statement::Statement;

/// Up to so many items are indexed at once.
const FEW: i64 = 1000;

impl SqliteTransaction<'_> {
    /// Notes that an index is being built, where there is much to do.
    pub(super) fn note_building(&mut self, field: &FieldRef, types: &[Uuid]) -> Result<bool> {
        if !self.hold_more_than(types, FEW)? {
            return Ok(false);
        }
        let mut statement =
            Statement::of("INSERT OR REPLACE INTO building (field, declared_by, name, behind) VALUES (");
        statement.bind(field_id(field).into()).push(", ").bind(field.declared_by.into());
        statement.push(", ").bind((&*field.name).into()).push(", 0)");
        self.connection.run(&statement)?;
        Ok(true)
    }

    /// Whether there are more than `few` items of some types: counted no further, along the index of those who hold any.
    fn hold_more_than(&mut self, types: &[Uuid], few: i64) -> Result<bool> {
        let mut left = few + 1;
        for type_id in types {
            for org in self.shared.holders(*type_id) {
                let mut statement = Statement::of(
                    "SELECT count(*) FROM (SELECT 1 FROM items INDEXED BY items_by_type WHERE org = ",
                );
                statement.bind(org.into()).push(" AND type = ").bind((*type_id).into());
                statement.push(" LIMIT ").bind(left.into()).push(")");
                left -= self.connection.number(&statement)?;
                if left <= 0 {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// An index that is made anew, or goes, is not being built any more.
    pub(super) fn forget_building(&mut self, field: &FieldRef) -> Result<()> {
        let mut statement = Statement::of("DELETE FROM building WHERE field = ");
        statement.bind(field_id(field).into());
        self.connection.run(&statement).map(drop)
    }

    /// Indexes the items in the next `limit` places of the table.
    pub(super) fn build_further(
        &mut self,
        registry: &TypeRegistry,
        field: &FieldRef,
        types: &[Uuid],
        limit: usize,
    ) -> Result<bool> {
        let id = field_id(field);
        let mut statement = Statement::of("SELECT behind FROM building WHERE field = ");
        statement.bind(id.into());
        let Some(behind) = self.connection.first(&statement, |row| row.integer(0))? else { return Ok(true) };
        let mut end = behind + limit as i64;
        let mut statement = Statement::of("SELECT ");
        statement
            .push(ITEM_COLUMNS)
            .push(", i.seq FROM items i NOT INDEXED WHERE i.seq > ")
            .bind(behind.into());
        statement.push(" AND i.seq <= ").bind(end.into()).push(" AND ");
        SqliteDialect.ids_in("i.type", types, &mut statement);
        statement.push(" ORDER BY i.seq");
        let mut rows = Vec::new();
        let mut budget = Budget::default();
        self.connection.each(&statement, |row| {
            let (seq, item) = (row.integer(AFTER_ITEM)?, item(registry, row)?);
            if !budget.admits(item.size()) {
                // The rest is for the next step.
                end = seq - 1;
                return Ok(ControlFlow::Break(()));
            }
            rows.push((seq, item));
            Ok(ControlFlow::Continue(()))
        })?;
        for (seq, item) in &rows {
            let keys = entries(registry, item)?.keys;
            let marks = marks(&keys);
            for key in &keys {
                if key.field == *field {
                    // What was written since the index was begun is there already.
                    let mut statement = insert_key(item, key, marks);
                    statement.push(" ON CONFLICT DO NOTHING");
                    self.connection.run_with(&statement, &[*seq])?;
                } else {
                    self.connection.run(&update_marks(item, key, marks))?;
                }
            }
        }
        let last = self.connection.number(&Statement::of("SELECT coalesce(max(seq), 0) FROM items"))?;
        if end >= last {
            self.forget_building(field)?;
            self.raise_type_revision()?;
            return Ok(true);
        }
        let mut statement = Statement::of("UPDATE building SET behind = ");
        statement.bind(end.into()).push(" WHERE field = ").bind(id.into());
        self.connection.run(&statement)?;
        Ok(false)
    }
}

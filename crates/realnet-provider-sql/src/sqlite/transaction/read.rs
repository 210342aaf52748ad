//! Reading items inside a change set.

use std::ops::ControlFlow;
use std::sync::Arc;

use realnet_core::clock::Timestamp;
use realnet_core::index::literal_key;
use realnet_core::model::{FieldKind, Item};
use realnet_core::provider::Reference;
use realnet_core::query::Literal;
use realnet_core::registry::{FieldRef, TypeRegistry};
use realnet_core::{Result, Uuid};

use super::SqliteTransaction;
use crate::dialect::Dialect as _;
use crate::field_id::field_id;
use crate::sqlite::connection::{Columns, Connection};
use crate::sqlite::dialect::SqliteDialect;
use crate::sqlite::row::{AFTER_ITEM, ITEM_COLUMNS, item};
use crate::statement::Statement;

/// So many ids go into one statement.
pub(super) const CHUNK: usize = 512;
/// What an item takes beside its texts, about.
const BESIDE: usize = 1024;

/// An item and the number of its row.
pub(super) fn item_and_seq(
    connection: &mut Connection,
    registry: &TypeRegistry,
    id: Uuid,
) -> Result<Option<(Item, i64)>> {
    let mut statement = Statement::of("SELECT ");
    statement.push(ITEM_COLUMNS).push(", i.seq FROM items i WHERE i.id = ").bind(id.into());
    connection.first(&statement, |row| Ok((item(registry, row)?, row.integer(AFTER_ITEM)?)))
}

impl SqliteTransaction<'_> {
    pub(super) fn read_items(&mut self, ids: &[Uuid]) -> Result<Vec<Item>> {
        let mut distinct = ids.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        let mut found: Vec<Item> = Vec::with_capacity(distinct.len());
        for chunk in distinct.chunks(CHUNK) {
            let mut statement = Statement::of("SELECT ");
            statement.push(ITEM_COLUMNS).push(", i.seq FROM items i WHERE ");
            SqliteDialect.ids_in("i.id", chunk, &mut statement);
            self.each_row(&statement, |_, item| {
                found.push(item);
                Ok(ControlFlow::Continue(()))
            })?;
        }
        Ok(found)
    }

    /// How many levels hang on an item, at most `limit`.
    pub(super) fn read_height(&mut self, id: Uuid, limit: usize) -> Result<usize> {
        let mut statement =
            Statement::of("WITH RECURSIVE down(id, depth) AS (SELECT c.id, 1 FROM items c WHERE c.parent = ");
        statement.bind(id.into()).push(
            " UNION ALL SELECT c.id, down.depth + 1 FROM down CROSS JOIN items c ON c.parent = down.id \
             WHERE down.depth < ",
        );
        statement.bind((limit as i64).into()).push(") SELECT coalesce(max(depth), 0) FROM down");
        self.connection.number(&statement).map(|height| height as usize)
    }

    /// Items of some types that were written since, by id. The index by time begins with org and type, so each pair that
    /// holds items is asked for.
    pub(super) fn read_written_since(
        &mut self,
        types: &[Uuid],
        since: Timestamp,
        behind: Uuid,
        limit: usize,
    ) -> Result<Vec<Item>> {
        let mut found: Vec<Item> = Vec::new();
        for type_id in types {
            for org in self.shared.holders(*type_id) {
                let mut statement = Statement::of("SELECT ");
                statement.push(ITEM_COLUMNS).push(" FROM items i INDEXED BY items_by_update WHERE i.org = ");
                statement.bind(org.into()).push(" AND i.type = ").bind((*type_id).into());
                statement.push(" AND i.updated_at >= ").bind(since.as_micros().into());
                statement.push(" AND i.id > ").bind(behind.into()).push(" ORDER BY i.id LIMIT ");
                statement.bind((limit as i64).into());
                let registry = &self.registry;
                found.extend(self.connection.rows(&statement, |row| item(registry, row))?);
                if found.len() > 2 * limit {
                    found.sort_unstable_by_key(|item| item.id);
                    found.truncate(limit);
                }
            }
        }
        found.sort_unstable_by_key(|item| item.id);
        found.truncate(limit);
        Ok(found)
    }

    /// Rows that begin with [`ITEM_COLUMNS`] and the number, which is remembered for writing: one by one until `visit` breaks.
    pub(super) fn each_row(
        &mut self,
        statement: &Statement,
        mut visit: impl FnMut(&Columns<'_, '_>, Item) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        let (next, previous, seqs) = (&self.registry, &self.previous, &mut self.seqs);
        self.connection.each(statement, |row| {
            let mut found = item(next, row)?;
            // A type that goes with this change set still names its items.
            if let (None, Some(info)) = (next.by_id(found.type_id), previous.by_id(found.type_id)) {
                found.type_name = Arc::clone(info.name());
            }
            seqs.insert(found.id, row.integer(AFTER_ITEM)?);
            visit(row, found)
        })
    }

    /// Which items refer to some others, and how large they are, about: known without reading what is large.
    pub(super) fn read_referrers(
        &mut self,
        field: &FieldRef,
        org: Uuid,
        targets: &[Uuid],
        limit: usize,
    ) -> Result<Vec<Reference>> {
        let mut found: Vec<Reference> = Vec::new();
        for target in targets {
            let Some(key) = literal_key(&Literal::Id(*target), FieldKind::Reference) else { continue };
            let mut statement = Statement::of(
                "SELECT i.id, octet_length(i.attributes) + octet_length(i.name) + coalesce(octet_length(i.grants), 0) \
                 FROM keys k CROSS JOIN items i ON i.seq = k.seq WHERE k.field = ",
            );
            statement.bind(field_id(field).into()).push(" AND k.org = ").bind(org.into());
            statement.push(" AND k.value = ").bind(key.into());
            statement.push(" LIMIT ").bind(((limit - found.len()) as i64).into());
            let reference = |row: &Columns<'_, '_>| {
                Ok(Reference { item: row.id(0)?, size: row.integer(1)? as usize + BESIDE })
            };
            found.extend(self.connection.rows(&statement, reference)?);
        }
        Ok(found)
    }
}

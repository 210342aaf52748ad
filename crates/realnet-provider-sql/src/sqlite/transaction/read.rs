//! Reading items inside a change set.

use realnet_core::clock::Timestamp;
use realnet_core::index::{id_of_key, literal_key};
use realnet_core::model::{FieldKind, Item};
use realnet_core::provider::Reference;
use realnet_core::query::Literal;
use realnet_core::registry::FieldRef;
use realnet_core::{Result, Uuid};

use super::SqliteTransaction;
use crate::dialect::Dialect as _;
use crate::field_id::field_id;
use crate::sqlite::dialect::SqliteDialect;
use crate::sqlite::row::{AFTER_ITEM, ITEM_COLUMNS, item};
use crate::statement::Statement;

/// So many ids go into one statement.
const CHUNK: usize = 512;

impl SqliteTransaction<'_> {
    pub(super) fn read_items(&mut self, ids: &[Uuid]) -> Result<Vec<Item>> {
        self.read_by("i.id", ids, None)
    }

    pub(super) fn read_children(&mut self, parents: &[Uuid], limit: usize) -> Result<Vec<Item>> {
        self.read_by("i.parent", parents, Some(limit))
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

    /// Items of some types that were written since, by id. No index has them: types rarely change so.
    pub(super) fn read_written_since(
        &mut self,
        types: &[Uuid],
        since: Timestamp,
        behind: Uuid,
        limit: usize,
    ) -> Result<Vec<Item>> {
        let mut statement = Statement::of("SELECT ");
        statement.push(ITEM_COLUMNS).push(" FROM items i WHERE i.updated_at >= ");
        statement.bind(since.as_micros().into()).push(" AND i.id > ").bind(behind.into()).push(" AND ");
        SqliteDialect.ids_in("i.type", types, &mut statement);
        statement.push(format!(" ORDER BY i.id LIMIT {limit}"));
        self.connection.admit(&statement);
        let registry = &self.registry;
        self.connection.rows(&statement, |row| item(registry, row))
    }

    fn read_by(&mut self, column: &str, ids: &[Uuid], limit: Option<usize>) -> Result<Vec<Item>> {
        let mut distinct = ids.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        let mut found: Vec<Item> = Vec::with_capacity(distinct.len());
        for chunk in distinct.chunks(CHUNK) {
            let mut statement = Statement::of("SELECT ");
            statement.push(ITEM_COLUMNS).push(" FROM items i WHERE ");
            SqliteDialect.ids_in(column, chunk, &mut statement);
            if let Some(limit) = limit {
                statement.push(" LIMIT ").bind(((limit - found.len()) as i64).into());
            }
            let (next, previous) = (&self.registry, &self.previous);
            found.extend(self.connection.rows(&statement, |row| {
                let found = item(next, row)?;
                // A type that goes with this change set still names its items.
                if found.type_name.is_empty() { item(previous, row) } else { Ok(found) }
            })?);
        }
        Ok(found)
    }

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
            let mut statement = Statement::of("SELECT ");
            statement
                .push(ITEM_COLUMNS)
                .push(", k.value FROM keys k CROSS JOIN items i ON i.seq = k.seq WHERE k.field = ");
            statement.bind(field_id(field).into()).push(" AND k.org = ").bind(org.into());
            statement.push(" AND k.value = ").bind(key.into());
            statement.push(" LIMIT ").bind(((limit - found.len()) as i64).into());
            let registry = &self.registry;
            found.extend(self.connection.rows(&statement, |row| {
                let value = row.bytes(AFTER_ITEM)?.unwrap_or_default();
                Ok(Reference { target: id_of_key(&value).unwrap_or(*target), item: item(registry, row)? })
            })?);
        }
        Ok(found)
    }
}

//! Indexes of new fields, built behind the commit that declared them: chunk by chunk, each a short change set.

use std::collections::HashMap;

use realnet_core::Result;
use realnet_core::query::Query;
use realnet_core::registry::{FieldRef, TypeRegistry};
use uuid::Uuid;

use super::super::error::to_error;
use super::super::row::{self, ITEM_COLUMNS};
use super::super::run::Reader;
use super::{PgTransaction, ids};
use crate::field_id::field_id;
use crate::statement::Statement;

/// Up to so many items are indexed at once.
const FEW: i64 = 1_000;

/// The items of one step.
struct Chunk {
    /// The id of the last one.
    end: Uuid,
    /// Whether there were none behind it.
    is_last: bool,
}

impl PgTransaction {
    /// Notes that an index is being built, where there is much to do.
    pub(super) async fn note_building(&mut self, field: &FieldRef, types: &[Uuid]) -> Result<bool> {
        self.flush().await?;
        // Org by org, as no index begins with the type: the items of all others would be read otherwise.
        let mut statement = Statement::of(
            "WITH RECURSIVE hop (org) AS ((SELECT org FROM items ORDER BY org LIMIT 1) \
             UNION ALL SELECT (SELECT n.org FROM items n WHERE n.org > hop.org ORDER BY n.org LIMIT 1) FROM hop \
             WHERE hop.org IS NOT NULL) SELECT count(*) FROM (SELECT 1 FROM hop CROSS JOIN LATERAL \
             (SELECT 1 FROM items i WHERE i.org = hop.org AND i.type = ANY(",
        );
        statement.bind(ids(types)).push(format!(") OFFSET 0) held LIMIT {}) AS found", FEW + 1));
        let rows = self.writer.rows(statement).await?;
        let count: i64 = rows.first().map_or(Ok(0), |row| Reader::new(row).next().map_err(to_error))?;
        if count <= FEW {
            return Ok(false);
        }
        let mut statement = Statement::of("INSERT INTO building (field, declared_by, name, behind) VALUES (");
        statement.bind(field_id(field).into()).push(", ").bind(field.declared_by.into()).push(", ");
        statement.bind((&*field.name).into()).push(", ").bind(Uuid::nil().into());
        statement.push(") ON CONFLICT (field) DO UPDATE SET behind = EXCLUDED.behind");
        self.others.push(statement);
        Ok(true)
    }

    /// Indexes the next `limit` items in the order of their ids, those of `types` among them; fewer where they are large.
    pub(super) async fn build_further(
        &mut self,
        registry: &TypeRegistry,
        field: &FieldRef,
        types: &[Uuid],
        limit: usize,
    ) -> Result<bool> {
        let id = field_id(field);
        // One server at a time: who waits here holds nothing yet. Then types must be those of the registry, and stay so.
        let mut place = Statement::of("SELECT behind FROM building WHERE field = ");
        place.bind(id.into()).push(" FOR UPDATE");
        let mut check = Statement::of("SELECT check_types(");
        check.bind(registry.revision().into()).push(")::text");
        let mut results = self.writer.pipeline(vec![place, check]).await?;
        self.types_checked = true;
        let places = results.swap_remove(0);
        let Some(place) = places.first() else { return Ok(true) };
        let behind: Uuid = Reader::new(place).next().map_err(to_error)?;
        let mut statement = Statement::new();
        let chunk = self.next_chunk(types, behind, limit).await?;
        if let Some(chunk) = &chunk {
            let items = self.items_between(registry, types, behind, chunk.end).await?;
            self.write_keys(registry, field, &items, &mut HashMap::new()).await?;
            // What comes behind the last one from now on is indexed by who writes it.
            let place = if chunk.is_last { Uuid::max() } else { chunk.end };
            statement.push("UPDATE building SET behind = ").bind(place.into()).push(" WHERE field = ");
        } else {
            // In a step of its own, which holds no items: whoever waits for one of those may hold the types.
            self.change_types().await?;
            statement.push("DELETE FROM building WHERE field = ");
        }
        statement.bind(id.into());
        self.others.push(statement);
        Ok(chunk.is_none())
    }

    /// The next `limit` items, those of `types` among them no more than a page may hold in bytes, and one; none when there
    /// are none left.
    async fn next_chunk(&mut self, types: &[Uuid], behind: Uuid, limit: usize) -> Result<Option<Chunk>> {
        let limit = limit.max(1);
        // The length of a stored text is known without reading it.
        let mut statement = Statement::of("SELECT id, number = found AND found < ");
        statement.bind((limit as i64).into()).push(
            " FROM (SELECT id, row_number() OVER w AS number, count(*) OVER () AS found, \
             sum(CASE WHEN type = ANY(",
        );
        statement.bind(ids(types)).push(
            ") THEN octet_length(attributes) ELSE 0 END) OVER (w ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) \
             AS earlier FROM (SELECT id, type, attributes FROM items WHERE id > ",
        );
        statement.bind(behind.into()).push(format!(
            " ORDER BY id LIMIT {limit}) held WINDOW w AS (ORDER BY id)) sized \
             WHERE earlier IS NULL OR earlier <= {} ORDER BY id DESC LIMIT 1",
            Query::MAX_PAGE_BYTES
        ));
        let rows = self.writer.rows(statement).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let mut reader = Reader::new(row);
        let end = reader.next().map_err(to_error)?;
        Ok(Some(Chunk { end, is_last: reader.next().map_err(to_error)? }))
    }

    /// They stay as they are until the end: what is written of them later finds their entries.
    async fn items_between(
        &mut self,
        registry: &TypeRegistry,
        types: &[Uuid],
        behind: Uuid,
        end: Uuid,
    ) -> Result<Vec<realnet_core::model::Item>> {
        let mut statement = Statement::of(format!("SELECT {ITEM_COLUMNS} FROM items i WHERE i.id > "));
        statement.bind(behind.into()).push(" AND i.id <= ").bind(end.into());
        statement.push(" AND i.type = ANY(").bind(ids(types)).push(") ORDER BY i.id FOR SHARE");
        let rows = self.writer.rows(statement).await?;
        row::items(registry, &rows)
    }
}

//! What a change of types looks at beside the indexes of its fields: the words of items, and items written lately.

use realnet_core::Result;
use realnet_core::clock::Timestamp;
use realnet_core::index;
use realnet_core::model::Item;
use realnet_core::query::Query;
use realnet_core::registry::TypeRegistry;
use uuid::Uuid;

use super::super::error::to_error;
use super::super::row::ITEM_COLUMNS;
use super::super::run::Reader;
use super::flush::{SEARCH_ASSIGNMENTS, search_values};
use super::source::push_rows;
use super::{PgTransaction, ids};
use crate::statement::{Bind, Statement};

/// Items per statement at most.
const CHUNK: usize = 1_000;

impl PgTransaction {
    /// Makes the words of all items of `types` anew. No other writer is under way: changing types keeps them out.
    pub(super) async fn rebuild_words(&mut self, registry: &TypeRegistry, types: &[Uuid]) -> Result<()> {
        let mut behind = Uuid::nil();
        loop {
            self.flush().await?;
            let rows = self.writer.rows(next_of(types, behind)).await?;
            let items = self.read_all(&rows)?;
            let Some(last) = items.last() else { return Ok(()) };
            behind = last.id;
            let mut rows: Vec<Vec<Bind>> = Vec::with_capacity(items.len());
            for item in &items {
                let [search, words] = search_values(&index::entries(registry, item)?.tokens);
                rows.push(vec![item.id.into(), search, words]);
            }
            let mut statement = Statement::of(format!("UPDATE items t SET {SEARCH_ASSIGNMENTS} FROM "));
            push_rows(&mut statement, "id, search, words", rows);
            statement.push(" WHERE t.id = r.id");
            self.writer.rows(statement).await?;
        }
    }

    /// Items of some types that were written since, by id. The pairs of org and type are found by hopping along an index,
    /// so that it costs by what was written and not by what there is.
    pub(super) async fn load_written_since(
        &mut self,
        types: &[Uuid],
        since: Timestamp,
        behind: Uuid,
        limit: usize,
    ) -> Result<Vec<Item>> {
        self.flush().await?;
        let mut statement = Statement::of(format!(
            "WITH RECURSIVE pair (org, type) AS ((SELECT org, type FROM items ORDER BY org, type LIMIT 1) \
             UNION ALL SELECT n.org, n.type FROM pair p CROSS JOIN LATERAL (SELECT x.org, x.type FROM items x \
             WHERE (x.org, x.type) > (p.org, p.type) ORDER BY x.org, x.type LIMIT 1) n) \
             SELECT {ITEM_COLUMNS} FROM (SELECT f.id FROM (SELECT * FROM pair WHERE type = ANY("
        ));
        statement.bind(ids(types)).push(
            ") OFFSET 0) p CROSS JOIN LATERAL (SELECT x.id, x.updated_at FROM items x WHERE x.org = p.org \
             AND x.type = p.type AND x.updated_at >= ",
        );
        statement.bind(since.as_micros().into()).push(" AND x.id > ").bind(behind.into());
        statement.push(format!(
            " ORDER BY x.updated_at OFFSET 0) f ORDER BY f.id LIMIT {limit}) w \
             CROSS JOIN LATERAL (SELECT * FROM items x WHERE x.id = w.id OFFSET 0) i ORDER BY i.id"
        ));
        let rows = self.writer.rows(statement).await?;
        self.read_all(&rows)
    }

    /// How many levels hang on an item, at most `limit`.
    pub(super) async fn load_height(&mut self, id: Uuid, limit: usize) -> Result<usize> {
        self.flush().await?;
        let mut statement = Statement::of(
            "WITH RECURSIVE down (id, depth) AS (SELECT c.id, 1 FROM items c WHERE c.parent = ",
        );
        statement.bind(id.into()).push(format!(
            " UNION ALL SELECT c.id, down.depth + 1 FROM down JOIN items c ON c.parent = down.id \
             WHERE down.depth < {limit}) SELECT coalesce(max(depth), 0)::bigint FROM down"
        ));
        let rows = self.writer.rows(statement).await?;
        let height: i64 = rows.first().map_or(Ok(0), |row| Reader::new(row).next().map_err(to_error))?;
        Ok(height as usize)
    }
}

/// The next items of some types by id, along the primary key: as many as a page may hold in bytes, and one more.
pub(super) fn next_of(types: &[Uuid], behind: Uuid) -> Statement {
    // The length of a stored text is known without reading it.
    let mut statement = Statement::of(format!(
        "SELECT {ITEM_COLUMNS} FROM (SELECT x.*, sum(octet_length(x.attributes)) OVER (ORDER BY x.id ROWS BETWEEN \
         UNBOUNDED PRECEDING AND 1 PRECEDING) AS earlier FROM (SELECT * FROM items WHERE id > "
    ));
    statement.bind(behind.into()).push(" AND (type = ANY(").bind(ids(types));
    statement.push(format!(
        ")) IS TRUE ORDER BY id LIMIT {CHUNK}) x) i WHERE i.earlier IS NULL OR i.earlier <= {} ORDER BY i.id",
        Query::MAX_PAGE_BYTES
    ));
    statement
}

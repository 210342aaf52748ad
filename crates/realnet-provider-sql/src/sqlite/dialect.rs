//! How SQLite says what the compiler of queries wants to say.
//!
//! The order of joins is fixed by `CROSS JOIN` and the index of a walk by `INDEXED BY`: left to the planner, which
//! knows nothing of the values, some lists were much slower.

use realnet_core::model::Bounds;
use realnet_core::query::Property;
use uuid::Uuid;

use super::row::{ITEM_COLUMNS, LIGHT_COLUMNS};
use crate::dialect::{Dialect, Index, Joined};
use crate::statement::Statement;

/// SQLite.
pub(super) struct SqliteDialect;

impl Dialect for SqliteDialect {
    fn columns(&self) -> &'static str {
        ITEM_COLUMNS
    }

    fn light_columns(&self) -> Option<&'static str> {
        Some(LIGHT_COLUMNS)
    }

    fn size(&self) -> Option<&'static str> {
        Some("SELECT coalesce(max(seq), 0) FROM items")
    }

    fn row(&self) -> &'static str {
        "seq"
    }

    fn row_of_entry(&self) -> &'static str {
        "seq"
    }

    fn join(&self, to: Joined) -> &'static str {
        match to {
            Joined::Keys => " CROSS JOIN items i ON i.seq = k.seq",
            Joined::Grants => " CROSS JOIN items i ON i.seq = g.seq",
            Joined::Page => " CROSS JOIN items i ON i.seq = p.r",
            Joined::Descendants => " CROSS JOIN items i ON i.id = d.id",
        }
    }

    fn index(&self, index: Index) -> &'static str {
        match index {
            Index::Type => " INDEXED BY items_by_type",
            Index::Name => " INDEXED BY items_by_name",
            Index::Update => " INDEXED BY items_by_update",
            Index::Parent => " INDEXED BY items_by_parent",
        }
    }

    fn key_column(&self, property: Property) -> Option<&'static str> {
        match property {
            Property::Type => Some("k.type"),
            Property::Visibility => Some("k.visibility"),
            _ => None,
        }
    }

    fn marks(&self) -> Option<&'static str> {
        Some("k.marks")
    }

    fn joins_keys(&self) -> bool {
        true
    }

    /// Lists are filled up to a power of two by repeating the last id, so that there are few different statements.
    fn ids_in(&self, column: &str, ids: &[Uuid], statement: &mut Statement) {
        let Some(last) = ids.last() else {
            statement.push("1 = 0");
            return;
        };
        if ids.len() == 1 {
            statement.push(format!("{column} = ")).bind((*last).into());
            return;
        }
        statement.push(format!("{column} IN ("));
        for index in 0..ids.len().next_power_of_two() {
            statement.push(if index > 0 { "," } else { "" });
            statement.bind((*ids.get(index).unwrap_or(last)).into());
        }
        statement.push(")");
    }

    fn end_of_exists(&self) -> &'static str {
        ""
    }

    fn is_public(&self) -> &'static str {
        "i.public = 1"
    }

    fn has_tags(&self, tags: &[String], statement: &mut Statement) {
        statement.push("i.tags IS NOT NULL");
        for tag in tags {
            statement.push(" AND EXISTS (SELECT 1 FROM json_each(i.tags) t WHERE t.value = ");
            statement.bind(tag.as_str().into()).push(")");
        }
        if tags.is_empty() {
            statement.push(" OR 1 = 1");
        }
    }

    fn search_source(
        &self,
        tokens: &[String],
        newest: Option<usize>,
        with_items: bool,
        statement: &mut Statement,
    ) {
        // Tokens are letters and digits, so quoting them is all it takes.
        let quoted: Vec<String> = tokens.iter().map(|token| format!("\"{token}\"")).collect();
        statement.push(" FROM (SELECT w.rowid AS seq FROM words w WHERE w.words MATCH ");
        statement.bind(quoted.join(" AND ").into());
        statement.push(" AND NOT EXISTS (SELECT 1 FROM new_words n WHERE n.seq = w.rowid)");
        statement.push(" UNION ALL SELECT n.seq FROM new_words n WHERE n.tokens IS NOT NULL");
        for token in tokens {
            statement.push(" AND instr(n.tokens, ").bind(format!(" {token} ").into()).push(") > 0");
        }
        if let Some(newest) = newest {
            statement.push(format!(" ORDER BY 1 DESC LIMIT {newest}"));
        }
        statement.push(") w");
        if with_items {
            statement.push(" CROSS JOIN items i ON i.seq = w.seq");
        }
        statement.push(" WHERE 1 = 1");
    }

    fn boxes_source(&self, boxes: &[Bounds], with_items: bool, statement: &mut Statement) {
        statement.push(" FROM (");
        for (index, bounds) in boxes.iter().enumerate() {
            statement.push(if index > 0 { " UNION " } else { "" });
            statement.push("SELECT seq FROM boxes WHERE max_lon >= ").bind(bounds.min_lon.into());
            statement.push(" AND min_lon <= ").bind(bounds.max_lon.into());
            statement.push(" AND max_lat >= ").bind(bounds.min_lat.into());
            statement.push(" AND min_lat <= ").bind(bounds.max_lat.into());
        }
        statement.push(if boxes.is_empty() { "SELECT seq FROM boxes WHERE 1 = 0) x" } else { ") x" });
        if with_items {
            statement.push(" CROSS JOIN items i ON i.seq = x.seq");
        }
        statement.push(" WHERE 1 = 1");
    }
}

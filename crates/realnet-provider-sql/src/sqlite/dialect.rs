//! How SQLite says what the compiler of queries wants to say.
//!
//! The order of joins is fixed by `CROSS JOIN` and the index of a walk by `INDEXED BY`: left to the planner, which
//! knows nothing of the values, some lists were much slower.

use realnet_core::model::Bounds;
use realnet_core::query::Property;
use uuid::Uuid;

use super::row::{ITEM_COLUMNS, LIGHT_COLUMNS};
use crate::dialect::{Dialect, Index, Joined, Words};
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

    fn size(&self) -> &'static str {
        "SELECT coalesce(max(seq), 0) FROM items"
    }

    fn weighs_keys(&self) -> bool {
        true
    }

    fn passing(&self) -> usize {
        60
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

    /// A statement may look at many rows and find none: it asks at about every 64th row whether there is time left. The numbers
    /// are mixed, as those of one type may well be all odd, or in some other step.
    fn guard(&self, of_keys: bool) -> &'static str {
        if of_keys {
            " AND CASE WHEN (k.seq * 2654435761 >> 20) & 63 THEN 1 ELSE has_time() END"
        } else {
            " AND CASE WHEN (i.seq * 2654435761 >> 20) & 63 THEN 1 ELSE has_time() END"
        }
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

    fn id_text(&self, column: &str) -> String {
        format!("hex({column})")
    }

    fn attribute(&self, key: &str, statement: &mut Statement) {
        statement.push("i.attributes -> ").bind(key.into());
    }

    fn as_json(&self, column: &str) -> String {
        format!("json_quote({column})")
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

    fn search_source(&self, tokens: &[String], with_items: bool, statement: &mut Statement) {
        statement.push(" FROM (SELECT w.rowid AS seq");
        write_words(tokens, Words::Indexed, "", statement);
        statement.push(" UNION ALL SELECT w.seq");
        write_words(tokens, Words::Waiting, "", statement);
        statement.push(") w");
        if with_items {
            statement.push(" CROSS JOIN items i ON i.seq = w.seq");
        }
        statement.push(" WHERE 1 = 1");
    }

    fn finds_newest_first(&self) -> bool {
        true
    }

    fn search_walk(&self, columns: &str, tokens: &[String], words: Words, statement: &mut Statement) {
        let row = match words {
            Words::Indexed => "w.rowid",
            Words::Waiting => "w.seq",
        };
        let join = format!(" CROSS JOIN items i ON i.seq = {row}");
        statement.push(format!("SELECT {columns}, {row} AS r"));
        write_words(tokens, words, &join, statement);
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

/// The matches `w` that one of the two indexes of words knows, from `FROM` to the last condition. What waits counts instead
/// of what stands in the index.
fn write_words(tokens: &[String], words: Words, join: &str, statement: &mut Statement) {
    match words {
        Words::Indexed => {
            // Tokens are letters and digits, so quoting them is all it takes.
            let quoted: Vec<String> = tokens.iter().map(|token| format!("\"{token}\"")).collect();
            statement.push(format!(" FROM words w{join} WHERE w.words MATCH "));
            statement.bind(quoted.join(" AND ").into());
            statement.push(" AND NOT EXISTS (SELECT 1 FROM new_words n WHERE n.seq = w.rowid)");
        }
        Words::Waiting => {
            statement.push(format!(" FROM new_words w{join} WHERE w.tokens IS NOT NULL"));
            for token in tokens {
                statement.push(" AND instr(w.tokens, ").bind(format!(" {token} ").into()).push(") > 0");
            }
        }
    }
}

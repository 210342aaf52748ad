//! How PostgreSQL says what the compiler of queries wants to say.
//!
//! The compiler has chosen already which rows to start from, with numbers that the planner does not have (right after
//! a large import it knows nothing at all), so the planner gets no chance to choose again.

use realnet_core::model::Bounds;
use realnet_core::query::Property;
use uuid::Uuid;

use super::row::ITEM_COLUMNS;
use crate::dialect::{Dialect, Index, Joined};
use crate::statement::{Array, Bind, Statement};

/// So many of the newest rows are looked at to learn how common words are.
const SAMPLE: usize = 500;
/// If so many of them match, others are soon found by looking through the rows.
const DENSE: usize = 10;
/// So many pairs of org and type are sampled one by one.
const FEW_PAIRS: usize = 8;

/// PostgreSQL.
pub(super) struct PostgresDialect;

impl Dialect for PostgresDialect {
    fn columns(&self) -> &'static str {
        ITEM_COLUMNS
    }

    /// As the planner reckons: by the size of the file, and how many items a page of it had when that was last looked at.
    fn size(&self) -> &'static str {
        "SELECT (pg_relation_size(oid) / current_setting('block_size')::int \
         * CASE WHEN relpages > 0 AND reltuples > 0 THEN reltuples / relpages ELSE 10 END)::bigint \
         FROM pg_class WHERE oid = 'items'::regclass"
    }

    fn passing(&self) -> usize {
        8
    }

    fn row(&self) -> &'static str {
        "id"
    }

    fn row_of_entry(&self) -> &'static str {
        "item"
    }

    fn marks(&self) -> Option<&'static str> {
        Some("k.marks")
    }

    /// `OFFSET 0` keeps the planner from looking into a subquery: the rows before it stay the outer loop.
    fn join(&self, to: Joined) -> &'static str {
        match to {
            Joined::Keys => " CROSS JOIN LATERAL (SELECT * FROM items x WHERE x.id = k.item OFFSET 0) i",
            Joined::Grants => " CROSS JOIN LATERAL (SELECT * FROM items x WHERE x.id = g.item OFFSET 0) i",
            Joined::Page => " CROSS JOIN LATERAL (SELECT * FROM items x WHERE x.id = p.r OFFSET 0) i",
            Joined::Descendants => " CROSS JOIN LATERAL (SELECT * FROM items x WHERE x.id = d.id OFFSET 0) i",
        }
    }

    fn index(&self, _: Index) -> &'static str {
        ""
    }

    fn key_column(&self, property: Property) -> Option<&'static str> {
        match property {
            Property::Visibility => Some("k.visibility"),
            // Hardly ever asked for: by rows of restricted items, and where a field is shared with other types.
            Property::Type => Some("(SELECT t.type FROM items t WHERE t.id = k.item)"),
            _ => None,
        }
    }

    fn ids_in(&self, column: &str, ids: &[Uuid], statement: &mut Statement) {
        match ids {
            [id] => statement.push(format!("{column} = ")).bind((*id).into()),
            many => {
                let ids = Array::Ids(many.iter().copied().map(Some).collect());
                statement.push(format!("{column} = ANY(")).bind(Bind::Array(ids)).push(")")
            }
        };
    }

    fn end_of_exists(&self) -> &'static str {
        " OFFSET 0"
    }

    fn aside(&self) -> (&'static str, &'static str) {
        ("(", ") IS TRUE")
    }

    fn reads_groups_by_range(&self) -> bool {
        true
    }

    fn id_text(&self, column: &str) -> String {
        format!("{column}::text")
    }

    fn attribute(&self, key: &str, statement: &mut Statement) {
        statement.push("i.attributes::json -> ").bind(key.into());
    }

    fn attribute_text(&self, key: &str, statement: &mut Statement) {
        statement.push("(");
        self.attribute(key, statement);
        statement.push(")::text COLLATE \"C\"");
    }

    fn as_json(&self, column: &str) -> String {
        format!("to_json({column})")
    }

    fn is_public(&self) -> &'static str {
        "i.public"
    }

    fn has_tags(&self, tags: &[String], statement: &mut Statement) {
        if tags.is_empty() {
            statement.push("true");
        } else {
            // The first condition is that of the index.
            statement.push("(i.tags <> '{}' AND i.tags @> ").bind(texts(tags)).push(")");
        }
    }

    fn search_source(&self, tokens: &[String], _with_items: bool, statement: &mut Statement) {
        statement.push(" FROM (SELECT w.* FROM items w WHERE ");
        write_search("w", tokens, statement);
        statement.push(" OFFSET 0) i WHERE 1 = 1");
    }

    fn has_words(&self, tokens: &[String], statement: &mut Statement) -> bool {
        // Rows are found by other indexes where this is asked.
        statement.push("(");
        write_search("i", tokens, statement);
        statement.push(" IS TRUE)");
        true
    }

    fn search_probe(
        &self,
        tokens: &[String],
        pairs: Option<&[(Uuid, Uuid)]>,
        few: usize,
    ) -> Option<Statement> {
        let mut statement = Statement::of(format!(
            "SELECT CASE WHEN count(*) < {DENSE} THEN 0 ELSE {few} + 1 END::bigint FROM ("
        ));
        match pairs {
            Some(pairs) if (1..=FEW_PAIRS).contains(&pairs.len()) => {
                for (index, (org, type_id)) in pairs.iter().enumerate() {
                    statement.push(if index > 0 { " UNION ALL SELECT * FROM (" } else { "SELECT * FROM (" });
                    statement
                        .push("SELECT x.search, x.words FROM items x WHERE x.org = ")
                        .bind((*org).into());
                    statement.push(" AND x.type >= ").bind((*type_id).into());
                    statement.push(" AND x.type <= ").bind((*type_id).into());
                    let rows = SAMPLE / pairs.len();
                    statement.push(format!(" ORDER BY x.type DESC, x.id DESC LIMIT {rows}) b{index}"));
                }
            }
            _ => {
                let newest = "SELECT x.search, x.words FROM items x ORDER BY x.id DESC LIMIT";
                statement.push(format!("{newest} {SAMPLE}"));
            }
        }
        statement.push(") s WHERE ");
        write_search("s", tokens, &mut statement);
        Some(statement)
    }

    fn touches(&self, boxes: &[Bounds], statement: &mut Statement) -> bool {
        statement.push("(");
        write_boxes("i", boxes, statement);
        // Never the index of places: the rows are found by another.
        statement.push(") IS TRUE");
        true
    }

    fn boxes_source(&self, boxes: &[Bounds], _with_items: bool, statement: &mut Statement) {
        statement.push(" FROM (SELECT x.* FROM items x WHERE ");
        write_boxes("x", boxes, statement);
        statement.push(" OFFSET 0) i WHERE 1 = 1");
    }
}

/// Whether the bounds touch one of the boxes.
fn write_boxes(alias: &str, boxes: &[Bounds], statement: &mut Statement) {
    for (index, bounds) in boxes.iter().enumerate() {
        let corners =
            format!("({},{}),({},{})", bounds.max_lon, bounds.max_lat, bounds.min_lon, bounds.min_lat);
        statement.push(format!("{}{alias}.bounds && ", if index > 0 { " OR " } else { "" }));
        statement.bind(corners.into()).push("::text::box");
    }
    statement.push(if boxes.is_empty() { "false" } else { "" });
}

/// Both places where the words of an item may be; see the schema.
fn write_search(alias: &str, tokens: &[String], statement: &mut Statement) {
    // Tokens are letters and digits, so quoting them is all it takes.
    let quoted: Vec<String> = tokens.iter().map(|token| format!("'{token}'")).collect();
    statement.push(format!("({alias}.search @@ ")).bind(quoted.join(" & ").into());
    statement.push(format!("::text::tsquery OR {alias}.words @> ")).bind(texts(tokens)).push(")");
}

fn texts(values: &[String]) -> Bind {
    Bind::Array(Array::Texts(values.iter().cloned().map(Some).collect()))
}

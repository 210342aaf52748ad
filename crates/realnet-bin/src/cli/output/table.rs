//! Tables for people: what one looks for, cut to the terminal. The whole is in `-o json`.

use comfy_table::{ColumnConstraint, ContentArrangement, Row, Table, presets};
use serde_json::Value;

use super::{cell, flat};

/// Below this many columns, a list leaves out when items were changed.
const WIDE: u16 = 120;

/// A list of items, or of types, which have fields instead of values.
pub fn list(items: &[Value], width: Option<u16>) -> String {
    let are_types = items.iter().any(|item| item.get("fields").is_some_and(Value::is_array));
    if are_types { types(items, width) } else { records(items, width) }
}

fn records(items: &[Value], width: Option<u16>) -> String {
    let dated = width.is_none_or(|width| width >= WIDE);
    let mut columns = vec!["id", "type", "name", "attributes"];
    if dated {
        columns.push("updated");
    }
    let rows = items.iter().map(|item| {
        let text = |key: &str| item.get(key).map(cell).unwrap_or_default();
        let mut row = vec![text("id"), text("type"), text("name"), pairs(item)];
        if dated {
            row.push(minute(&text("updated_at")));
        }
        row
    });
    table(&columns, rows, width)
}

fn types(items: &[Value], width: Option<u16>) -> String {
    let rows = items.iter().map(|item| {
        let text = |key: &str| item.get(key).map(cell).unwrap_or_default();
        let endpoint = item.pointer("/attributes/endpoint").map(cell).unwrap_or_default();
        let fields = item.get("fields").and_then(Value::as_array).into_iter().flatten();
        let names: Vec<String> = fields.filter_map(|field| field.get("name")).map(cell).collect();
        vec![text("name"), text("base"), endpoint, names.join(" ")]
    });
    table(&["name", "base", "endpoint", "own fields"], rows, width)
}

/// Objects by the named columns.
pub fn rows(rows: &[Value], columns: &[&str], width: Option<u16>) -> String {
    let of = |row: &Value| columns.iter().map(|key| row.get(*key).map(cell).unwrap_or_default()).collect();
    table(columns, rows.iter().map(of), width)
}

/// One document: a line per property that has a value, attributes and fields among them.
pub fn document(value: &Value, width: Option<u16>) -> String {
    let mut table = empty(width);
    // A type also says what follows from it, for programs.
    let is_type = value.get("effective").is_some();
    for (key, text) in flat(value) {
        let is_derived = is_type && matches!(key.as_str(), "effective" | "schema" | "fields");
        if !is_derived && !text.is_empty() && text != "[]" {
            table.add_row([key, text]);
        }
    }
    let fields = value.pointer("/effective/fields").and_then(Value::as_array);
    for field in fields.into_iter().flatten() {
        let name = field.get("name").map(cell).unwrap_or_default();
        table.add_row([format!("field {name}"), described(field)]);
    }
    table.to_string()
}

/// A field in words: its type, then its options.
fn described(field: &Value) -> String {
    let mut words = vec![field.get("type").map(cell).unwrap_or_default()];
    for (key, value) in field.as_object().into_iter().flatten() {
        match (key.as_str(), value) {
            ("name" | "type", _) | (_, Value::Bool(false)) => {}
            (_, Value::Bool(true)) => words.push(key.clone()),
            _ => words.push(format!("{key}={}", cell(value))),
        }
    }
    words.join(" ")
}

fn pairs(item: &Value) -> String {
    let attributes = item.get("attributes").and_then(Value::as_object).into_iter().flatten();
    attributes.map(|(key, value)| format!("{key}={}", cell(value))).collect::<Vec<_>>().join(" ")
}

/// `2026-01-31T12:00:05.123456Z` as `2026-01-31 12:00`.
fn minute(time: &str) -> String {
    time.get(..16).unwrap_or(time).replace('T', " ")
}

fn table(columns: &[&str], rows: impl Iterator<Item = Vec<String>>, width: Option<u16>) -> String {
    let mut table = empty(width);
    table.set_header(columns.to_vec());
    for row in rows {
        let mut row = Row::from(row);
        if width.is_some() {
            row.max_height(2);
        }
        table.add_row(row);
    }
    // What is copied from a table, ids above all, stays in one piece.
    if let Some(column) = table.column_mut(0) {
        column.set_constraint(ColumnConstraint::ContentWidth);
    }
    table.to_string()
}

fn empty(width: Option<u16>) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_BORDERS_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    if let Some(width) = width {
        table.set_width(width);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn item() -> Value {
        json!({"id": "01a205dc-2e58-71e7-a499-3916b28fee60", "type": "Note", "name": "A", "status": null, "tags": [],
            "attributes": {"text": "many words ".repeat(40)}, "updated_at": "2026-01-31T12:00:05.123456Z"})
    }

    #[test]
    fn a_list_fits_the_terminal_and_keeps_ids_whole() {
        for width in [80, 100, 140] {
            let text = list(&[item(), item()], Some(width));
            assert!(text.lines().all(|line| line.chars().count() <= usize::from(width)), "{text}");
            assert_eq!(text.matches("01a205dc-2e58-71e7-a499-3916b28fee60").count(), 2, "{text}");
            assert!(text.lines().count() <= 8, "{text}");
        }
        assert!(list(&[item()], None).contains("2026-01-31 12:00"), "a pipe gets every column");
    }

    #[test]
    fn types_are_listed_by_their_fields() {
        let note = json!({"name": "Note", "base": "Item", "attributes": {"endpoint": "notes", "icon": "x"},
            "fields": [{"name": "text", "type": "text"}, {"name": "size", "type": "integer"}]});
        let text = list(&[note], Some(80));
        assert!(text.contains("text size") && text.contains("notes") && !text.contains("icon"), "{text}");
    }

    #[test]
    fn a_document_shows_what_has_a_value() {
        let text = document(&item(), Some(80));
        assert!(
            text.contains("attributes.text") && !text.contains("status") && !text.contains("tags"),
            "{text}"
        );
        let note = json!({"name": "Note", "schema": {"x": 1}, "effective": {"fields":
            [{"name": "kind", "type": "enum", "values": ["a"], "required": true, "unique": false}]}});
        let text = document(&note, None);
        assert!(text.contains("field kind") && text.contains("enum values=[\"a\"] required"), "{text}");
        assert!(!text.contains("schema"), "{text}");
    }
}

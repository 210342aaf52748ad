//! Tables for people: what one looks for, cut to the terminal. The whole is in `-o json`.

use comfy_table::{ColumnConstraint, ContentArrangement, Row, Table, presets};
use serde_json::Value;

use super::{cell, flat};

/// Below this many columns, a list leaves out when items were changed.
const WIDE: u16 = 120;
/// Below this many columns there is no room for others beside an id.
const NARROW: u16 = 60;

/// A list of items, or of types, which have fields instead of values.
pub fn list(items: &[Value], width: Option<u16>) -> String {
    let are_types = items.iter().any(|item| item.get("fields").is_some_and(Value::is_array));
    if are_types { types(items, width) } else { records(items, width) }
}

/// Columns for whole items; those of a selection are its own.
fn records(items: &[Value], width: Option<u16>) -> String {
    let is_whole = items.iter().any(|item| item.get("id").is_some() && item.get("attributes").is_some());
    if !is_whole {
        return selected(items, width);
    }
    if width.is_some_and(|width| width < NARROW) {
        return narrow(items, width);
    }
    let dated = width.is_none_or(|width| width >= WIDE);
    // A terminal of the usual size has little room beside an id: what is the same in all rows can go.
    let of_one_type = items.windows(2).all(|pair| pair[0].get("type") == pair[1].get("type"));
    let typed = dated || !of_one_type || items.len() == 1;
    let mut columns = vec!["id"];
    columns.extend(typed.then_some("type"));
    columns.extend(["name", "attributes"]);
    columns.extend(dated.then_some("updated"));
    let rows = items.iter().map(|item| {
        let text = |key: &str| item.get(key).map(cell).unwrap_or_default();
        let mut row = vec![text("id")];
        row.extend(typed.then(|| text("type")));
        row.extend([text("name"), pairs(item)]);
        row.extend(dated.then(|| minute(&text("updated_at"))));
        row
    });
    table(&columns, rows, width)
}

/// What was selected, a column each, in the order of first appearance.
fn selected(items: &[Value], width: Option<u16>) -> String {
    let found: Vec<Vec<(String, String)>> = items.iter().map(flat).collect();
    let mut columns: Vec<&str> = Vec::new();
    for (key, _) in found.iter().flatten() {
        if !columns.contains(&key.as_str()) {
            columns.push(key);
        }
    }
    let rows = found.iter().map(|row| {
        let value = |column: &&str| row.iter().find(|(key, _)| key == column).map(|(_, value)| value.clone());
        columns.iter().map(|column| value(column).unwrap_or_default()).collect()
    });
    let heads: Vec<&str> = columns.iter().map(|column| column.trim_start_matches("attributes.")).collect();
    table(&heads, rows, width)
}

/// Below the other each: a line with name and id, one with the attributes.
fn narrow(items: &[Value], width: Option<u16>) -> String {
    let mut table = empty(width);
    for item in items {
        let text = |key: &str| item.get(key).map(cell).unwrap_or_default();
        let lines = [text("name"), text("id"), pairs(item)];
        let lines: Vec<String> = lines.into_iter().filter(|line| !line.is_empty()).collect();
        table.add_row([lines.join("\n")]);
    }
    table.to_string()
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
    fn a_selection_has_its_own_columns() {
        let items =
            [json!({"name": "A", "attributes": {"minutes": 30}}), json!({"name": "B", "attributes": {}})];
        let text = list(&items, Some(80));
        let head = text.lines().nth(1).unwrap();
        assert!(head.contains("name") && head.contains("minutes") && !head.contains("attributes"), "{text}");
        assert!(!text.contains("id") && !text.contains("updated"), "{text}");
    }

    #[test]
    fn little_room_is_left_to_what_differs() {
        let row = |text: &str| json!({"id": "01a205dc-2e58-71e7-a499-3916b28fee60", "type": "Note", "name": text, "attributes": {"a": 1}});
        let text = list(&[row("x"), row("y")], Some(80));
        assert!(!text.contains("Note") && !text.contains("type"), "{text}");
        let mut other = row("z");
        other["type"] = json!("Task");
        assert!(list(&[row("x"), other], Some(80)).contains("Task"));
        let text = list(&[row("x"), row("y")], Some(40));
        assert_eq!(text.matches("01a205dc-2e58-71e7-a499-3916b28fee60").count(), 2, "ids are whole: {text}");
        assert!(text.contains("a=1") && text.lines().all(|line| line.chars().count() <= 40), "{text}");
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

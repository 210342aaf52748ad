//! What is printed: tables on a terminal, JSON when piped, errors on stderr.

use std::io::{IsTerminal, Write};
use std::str::FromStr;

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::Value;

/// How answers are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Columns for people.
    Table,
    /// Indented JSON.
    Json,
    /// Comma-separated values with a header line.
    Csv,
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "table" => Ok(Self::Table),
            "json" => Ok(Self::Json),
            "csv" => Ok(Self::Csv),
            _ => Err("expected table, json or csv".to_owned()),
        }
    }
}

impl Format {
    /// What was asked for, else a table for a terminal and JSON for a pipe.
    pub fn or_default(asked: Option<Self>) -> Self {
        let default = if std::io::stdout().is_terminal() { Self::Table } else { Self::Json };
        asked.unwrap_or(default)
    }
}

/// Prints a line. A closed pipe is no error: the reader has seen enough.
pub fn line(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Prints a line to stderr.
pub fn error(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Prints one document.
pub fn document(value: &Value, format: Format) {
    match format {
        Format::Json => json(value),
        Format::Csv => csv(std::slice::from_ref(value)),
        Format::Table => {
            let mut table = empty_table();
            for (key, value) in value.as_object().into_iter().flatten() {
                table.add_row([key.clone(), cell(value)]);
            }
            line(&table.to_string());
        }
    }
}

/// Prints a list of items.
pub fn items(items: &[Value], format: Format) {
    match format {
        Format::Json => json(&Value::from(items)),
        Format::Csv => csv(items),
        Format::Table => {
            let mut table = empty_table();
            table.set_header(["id", "type", "name", "attributes", "updated"]);
            for item in items {
                let attributes = item.get("attributes").and_then(Value::as_object);
                let attributes =
                    attributes.into_iter().flatten().map(|(key, value)| format!("{key}={}", cell(value)));
                let text = |key: &str| item.get(key).map(cell).unwrap_or_default();
                let attributes = attributes.collect::<Vec<_>>().join(" ");
                table.add_row([text("id"), text("type"), text("name"), attributes, text("updated_at")]);
            }
            line(&table.to_string());
        }
    }
}

fn json(value: &Value) {
    line(&serde_json::to_string_pretty(value).unwrap_or_default());
}

fn empty_table() -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_BORDERS_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    table
}

/// A value in a cell: text bare, all else as JSON; characters that steer a terminal are dropped.
fn cell(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    text.chars().filter(|character| !character.is_control() || *character == '\n').collect()
}

/// The columns are all properties and attributes that occur, in order of first appearance.
fn csv(items: &[Value]) {
    let rows: Vec<Vec<(String, String)>> = items.iter().map(flat).collect();
    let mut columns: Vec<&str> = Vec::new();
    for (key, _) in rows.iter().flatten() {
        if !columns.contains(&key.as_str()) {
            columns.push(key);
        }
    }
    line(&columns.iter().map(|column| quoted(column)).collect::<Vec<_>>().join(","));
    for row in &rows {
        let value = |column: &&str| {
            let found = row.iter().find(|(key, _)| key == column);
            found.map(|(_, value)| quoted(value)).unwrap_or_default()
        };
        line(&columns.iter().map(value).collect::<Vec<_>>().join(","));
    }
}

fn flat(item: &Value) -> Vec<(String, String)> {
    let mut row = Vec::new();
    for (key, value) in item.as_object().into_iter().flatten() {
        match (key.as_str(), value) {
            ("attributes", Value::Object(attributes)) => {
                row.extend(attributes.iter().map(|(key, value)| (format!("attributes.{key}"), cell(value))));
            }
            _ => row.push((key.clone(), cell(value))),
        }
    }
    row
}

/// RFC 4180. A leading character that makes a spreadsheet compute is kept as text by a quote mark in front.
fn quoted(text: &str) -> String {
    let text = match text.chars().next() {
        Some('=' | '@' | '+') => format!("'{text}"),
        _ => text.to_owned(),
    };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn cells_do_not_steer_the_terminal() {
        assert_eq!(cell(&json!("a\u{1b}[31mb")), "a[31mb");
        assert_eq!(cell(&json!({"a": 1})), r#"{"a":1}"#);
    }

    #[test]
    fn csv_quotes_what_needs_it() {
        assert_eq!(quoted("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(quoted("=1+1"), "'=1+1");
        let mut row = flat(&json!({"id": "1", "attributes": {"x": true}}));
        row.sort();
        assert_eq!(row, [("attributes.x".into(), "true".into()), ("id".into(), "1".into())]);
    }
}

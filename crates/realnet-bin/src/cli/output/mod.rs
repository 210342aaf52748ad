//! What is printed: tables on a terminal, JSON when piped, errors on stderr.

mod csv;
mod table;

use std::io::{IsTerminal, Write};
use std::str::FromStr;

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
        Format::Csv => line(&csv::lines(std::slice::from_ref(value))),
        Format::Table => line(&table::document(value, width())),
    }
}

/// Prints a list of items or of types.
pub fn items(items: &[Value], format: Format) {
    list(items, format, table::list);
}

/// Prints a list of anything else: a table has the named columns, the other forms have everything.
pub fn rows(rows: &[Value], columns: &[&str], format: Format) {
    list(rows, format, |rows, width| table::rows(rows, columns, width));
}

/// Prints rows of these columns, in this order; JSON has everything.
pub fn columns(rows: &[Value], columns: &[&str], format: Format) {
    match format {
        Format::Csv => line(&csv::columns(rows, columns)),
        other => self::rows(rows, columns, other),
    }
}

/// The header line of a list without items, as far as it is known: what was selected, else what every item has.
pub fn header(select: Option<&str>) {
    line(&csv::header(select));
}

fn list(items: &[Value], format: Format, table: impl Fn(&[Value], Option<u16>) -> String) {
    match format {
        Format::Json => json(&Value::from(items)),
        // Without a row, nobody knows the columns; lists of items do (see `header`).
        Format::Csv if items.is_empty() => {}
        Format::Csv => line(&csv::lines(items)),
        Format::Table if items.is_empty() => error("nothing found"),
        Format::Table => line(&table(items, width())),
    }
}

fn json(value: &Value) {
    line(&serde_json::to_string_pretty(value).unwrap_or_default());
}

/// Columns of the terminal; none when the output goes elsewhere, where nothing is cut.
fn width() -> Option<u16> {
    let is_terminal = std::io::stdout().is_terminal();
    is_terminal.then(|| terminal_size::terminal_size().map(|(width, _)| width.0)).flatten()
}

/// A value in a cell: text bare, all else as JSON; characters that steer a terminal are dropped.
pub fn cell(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    text.chars().filter(|character| !character.is_control() || *character == '\n').collect()
}

/// Property names and cells of a document, its attributes among them as `attributes.NAME`.
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
    fn attributes_stand_among_the_properties() {
        let mut row = flat(&json!({"id": "1", "attributes": {"x": true}}));
        row.sort();
        assert_eq!(row, [("attributes.x".into(), "true".into()), ("id".into(), "1".into())]);
    }
}

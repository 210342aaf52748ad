//! What is printed: tables on a terminal, JSON when piped, errors on stderr.

mod csv;
mod table;

use std::borrow::Cow;
use std::fmt::Write as _;
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
    styled_line(&for_output(text, std::io::stdout().is_terminal()));
}

/// Prints a line to stderr.
pub fn error(text: &str) {
    styled_error(&for_output(text, std::io::stderr().is_terminal()));
}

/// Prints a line of our own, which may have colours.
pub fn styled_line(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Prints such a line to stderr.
pub fn styled_error(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Text as it may be printed: on a terminal, what others have written steers nothing.
fn for_output(text: &str, is_terminal: bool) -> Cow<'_, str> {
    if !is_terminal || !text.contains(is_steering) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_steering(character) { shown.extend(character.escape_unicode()) } else { shown.push(character) }
    }
    Cow::Owned(shown)
}

/// Whether a character makes a terminal do something else than show it: controls, and what turns the direction of text round.
fn is_steering(character: char) -> bool {
    let turns = matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || (character.is_control() && !matches!(character, '\n' | '\t'))
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
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    let text = if std::io::stdout().is_terminal() { plain_json(&text) } else { text };
    line(&text);
}

/// JSON that says the same without characters that steer a terminal. They stand within its texts only.
fn plain_json(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_steering(character) {
            let _ = write!(shown, "\\u{:04x}", u32::from(character));
        } else {
            shown.push(character);
        }
    }
    shown
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
    fn what_others_have_written_does_not_steer_the_terminal() {
        let text = "a\u{1b}]0;x\u{7}\u{9b}31m\u{202e}b\n\tc\u{7f}\r";
        assert_eq!(for_output(text, true), "a\\u{1b}]0;x\\u{7}\\u{9b}31m\\u{202e}b\n\tc\\u{7f}\\u{d}");
        assert_eq!(for_output(text, false), text, "a program gets it as it is");
        assert_eq!(for_output("größe \u{200f}", true), "größe \u{200f}");
        let value = json!({"name": text});
        let shown = plain_json(&serde_json::to_string_pretty(&value).unwrap());
        assert!(!shown.contains(is_steering), "{shown}");
        assert_eq!(serde_json::from_str::<Value>(&shown).unwrap(), value);
    }

    #[test]
    fn attributes_stand_among_the_properties() {
        let mut row = flat(&json!({"id": "1", "attributes": {"x": true}}));
        row.sort();
        assert_eq!(row, [("attributes.x".into(), "true".into()), ("id".into(), "1".into())]);
    }
}

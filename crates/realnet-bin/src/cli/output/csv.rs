//! Comma-separated values, for spreadsheets and scripts.

use serde_json::Value;

use super::flat;

/// A header and one line per item. The columns are all properties and attributes that occur, in order of first
/// appearance.
pub fn lines(items: &[Value]) -> String {
    let rows: Vec<Vec<(String, String)>> = items.iter().map(flat).collect();
    let mut columns: Vec<&str> = Vec::new();
    for (key, _) in rows.iter().flatten() {
        if !columns.contains(&key.as_str()) {
            columns.push(key);
        }
    }
    let mut lines = vec![columns.iter().map(|column| quoted(column)).collect::<Vec<_>>().join(",")];
    for row in &rows {
        let value = |column: &&str| {
            let found = row.iter().find(|(key, _)| key == column);
            found.map(|(_, value)| quoted(value)).unwrap_or_default()
        };
        lines.push(columns.iter().map(value).collect::<Vec<_>>().join(","));
    }
    lines.join("\n")
}

/// RFC 4180. A leading character that makes a spreadsheet compute is kept as text by a quote mark in front.
fn quoted(text: &str) -> String {
    let text = match text.chars().next() {
        Some('=' | '@' | '+' | '\t' | '\r') => format!("'{text}"),
        Some('-') if text.parse::<f64>().is_err() => format!("'{text}"),
        _ => text.to_owned(),
    };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_needs_quotes_has_them() {
        assert_eq!(quoted("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(quoted("=1+1"), "'=1+1");
        assert_eq!((quoted("-1+cmd").as_str(), quoted("-1.5").as_str()), ("'-1+cmd", "-1.5"));
    }

    #[test]
    fn every_key_that_occurs_is_a_column() {
        let items =
            [json!({"name": "a", "attributes": {"x": 1}}), json!({"name": "b", "attributes": {"y": 2}})];
        assert_eq!(lines(&items), "name,attributes.x,attributes.y\na,1,\nb,,2");
    }
}

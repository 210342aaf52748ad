//! Comma-separated values, for spreadsheets and scripts.

use realnet_core::model::Item;
use serde_json::Value;

use super::flat;

/// The header of a list without items: the columns of its selection, named as they would be; else those of all items, whose
/// attributes nobody knows.
pub fn header(select: Option<&str>) -> String {
    let Some(select) = select else {
        let always = Item::PROPERTIES.iter().filter(|name| **name != "attributes");
        return always.copied().collect::<Vec<_>>().join(",");
    };
    let mut depth = 0_usize;
    let parts = select.split(|character| {
        depth += usize::from(character == '(');
        depth -= usize::from(character == ')' && depth > 0);
        character == ',' && depth == 0
    });
    let name = |part: &str| {
        let name = part.split('(').next().unwrap_or(part).trim();
        if Item::PROPERTIES.contains(&name) || name.starts_with("attributes.") {
            quoted(name)
        } else {
            quoted(&format!("attributes.{name}"))
        }
    };
    parts.map(name).collect::<Vec<_>>().join(",")
}

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
    table(&rows, &columns)
}

/// A header and one line per row, of these columns.
pub fn columns(rows: &[Value], columns: &[&str]) -> String {
    let rows: Vec<Vec<(String, String)>> = rows.iter().map(flat).collect();
    table(&rows, columns)
}

fn table(rows: &[Vec<(String, String)>], columns: &[&str]) -> String {
    let mut lines = vec![columns.iter().map(|column| quoted(column)).collect::<Vec<_>>().join(",")];
    for row in rows {
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
    fn an_empty_list_has_its_header() {
        assert_eq!(
            header(Some("name, minutes,author(name,born),owner")),
            "name,attributes.minutes,attributes.author,owner"
        );
        assert!(header(None).starts_with("id,type,instance,name,tags,"));
        assert_eq!(header(Some("a)b,c")), "attributes.a)b,attributes.c");
    }

    #[test]
    fn every_key_that_occurs_is_a_column() {
        let items =
            [json!({"name": "a", "attributes": {"x": 1}}), json!({"name": "b", "attributes": {"y": 2}})];
        assert_eq!(lines(&items), "name,attributes.x,attributes.y\na,1,\nb,,2");
    }
}

//! Rows to write as a source in SQL: a few as VALUES, many as one array per column, so that a thousand rows are one
//! statement whose text is always the same.

use crate::statement::{Array, Bind, Statement};

/// Above so many rows columns are sent as arrays. Up to here the text tells the number of rows, and few texts are
/// few prepared statements.
const FEW: usize = 4;

/// Adds `(VALUES …) AS r(columns)` or `unnest(…) AS r(columns)`. All rows have one value per column, of one kind each.
pub(super) fn push_rows(statement: &mut Statement, columns: &'static str, rows: Vec<Vec<Bind>>) {
    if rows.len() <= FEW {
        push_values(statement, rows);
    } else {
        push_arrays(statement, rows);
    }
    statement.push(" AS r(").push(columns).push(")");
}

fn push_values(statement: &mut Statement, rows: Vec<Vec<Bind>>) {
    statement.push("(VALUES ");
    for (number, row) in rows.into_iter().enumerate() {
        statement.push(if number == 0 { "(" } else { ", (" });
        for (index, bind) in row.into_iter().enumerate() {
            if index > 0 {
                statement.push(", ");
            }
            statement.bind(bind);
        }
        statement.push(")");
    }
    statement.push(")");
}

fn push_arrays(statement: &mut Statement, rows: Vec<Vec<Bind>>) {
    let mut columns: Vec<Array> = Vec::new();
    for row in rows {
        for (index, bind) in row.into_iter().enumerate() {
            match columns.get_mut(index) {
                Some(column) => column.add(bind),
                None => columns.push(Array::starting_with(bind)),
            }
        }
    }
    statement.push("unnest(");
    for (index, column) in columns.into_iter().enumerate() {
        if index > 0 {
            statement.push(", ");
        }
        statement.bind(Bind::Array(column));
    }
    statement.push(")");
}

impl Array {
    fn starting_with(bind: Bind) -> Self {
        let mut array = match bind {
            Bind::Bool(_) => Self::Bools(Vec::new()),
            Bind::Int(_) | Bind::OptionalInt(_) => Self::Ints(Vec::new()),
            Bind::Text(_) | Bind::OptionalText(_) => Self::Texts(Vec::new()),
            Bind::Bytes(_) => Self::Bytes(Vec::new()),
            Bind::Id(_) | Bind::OptionalId(_) => Self::Ids(Vec::new()),
            Bind::Float(_) | Bind::Late(_) | Bind::Array(_) => unreachable!("rows hold none of these"),
        };
        array.add(bind);
        array
    }

    fn add(&mut self, bind: Bind) {
        match (self, bind) {
            (Self::Bools(values), Bind::Bool(value)) => values.push(value),
            (Self::Ints(values), Bind::Int(value)) => values.push(Some(value)),
            (Self::Ints(values), Bind::OptionalInt(value)) => values.push(value),
            (Self::Texts(values), Bind::Text(value)) => values.push(Some(value)),
            (Self::Texts(values), Bind::OptionalText(value)) => values.push(value),
            (Self::Bytes(values), Bind::Bytes(value)) => values.push(value),
            (Self::Ids(values), Bind::Id(value)) => values.push(Some(value)),
            (Self::Ids(values), Bind::OptionalId(value)) => values.push(value),
            _ => unreachable!("a column holds values of one kind"),
        }
    }
}

/// Text as an element of PostgreSQL's array literal: `"a \" b"`.
pub(super) fn array_literal(elements: &[String]) -> String {
    let mut text = String::from("{");
    for (index, element) in elements.iter().enumerate() {
        text.push_str(if index == 0 { "\"" } else { ",\"" });
        for letter in element.chars() {
            if matches!(letter, '"' | '\\') {
                text.push('\\');
            }
            text.push(letter);
        }
        text.push('"');
    }
    text.push('}');
    text
}

/// Tokens as the text form of a tsvector: `'a' 'it''s'`.
pub(super) fn vector_literal(tokens: &[String]) -> String {
    let mut text = String::new();
    for token in tokens {
        text.push('\'');
        for letter in token.chars() {
            if matches!(letter, '\'' | '\\') {
                text.push(letter);
            }
            text.push(letter);
        }
        text.push_str("' ");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_quoted() {
        assert_eq!(array_literal(&["a".into(), r#"b"\,{}"#.into()]), r#"{"a","b\"\\,{}"}"#);
        assert_eq!(array_literal(&[]), "{}");
        assert_eq!(vector_literal(&["a".into(), r"it's\".into()]), r"'a' 'it''s\\' ");
    }
}

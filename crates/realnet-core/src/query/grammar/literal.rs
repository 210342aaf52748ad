//! Reading the right side of a comparison by what the left side is.

use serde_json::Value;
use uuid::Uuid;

use super::attribute::is_text;
use super::condition::Operator;
use super::names::Shape;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::model::{FieldKind, Visibility};
use crate::query::{Literal, MAX_PATTERN, Property};
use crate::registry::formats;

/// Reads a value to compare with.
pub(super) fn typed(shape: &Shape, text: &str, pointer: &str) -> Result<Literal> {
    let literal = match shape {
        Shape::Property(property) => of_property(*property, text),
        Shape::Field { kind, values, .. } => of_kind(*kind, values, text),
        Shape::Untyped(kind) => Ok(untyped(*kind, text)),
    };
    literal.map_err(|expected| match mistaken_operator(text) {
        Some(word) => {
            Error::malformed_at(pointer, format!("{expected}; '{word}' is no operator: {OPERATORS}"))
        }
        None => Error::malformed_at(pointer, expected),
    })
}

/// What may stand before the point of a filter.
const OPERATORS: &str = "these are eq, neq, gt, gte, lt, lte, like, ilike, in, is, cs and not";

/// A word before a point where a value does not fit was probably meant as an operator.
fn mistaken_operator(text: &str) -> Option<&str> {
    let (word, _) = text.split_once('.')?;
    let is_word = (1..=8).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_alphabetic());
    (is_word && word != "not" && Operator::parse(word).is_none()).then_some(word)
}

/// Reads a pattern of `like`.
pub(super) fn pattern(shape: &Shape, text: &str, pointer: &str) -> Result<Literal> {
    let is_text = match shape {
        Shape::Property(property) => matches!(
            property,
            Property::Type | Property::Instance | Property::Name | Property::Status | Property::Visibility
        ),
        Shape::Field { kind, .. } => is_text(*kind) || *kind == FieldKind::Json,
        Shape::Untyped(_) => true,
    };
    if text.len() > MAX_PATTERN {
        Err(Error::malformed_at(pointer, format!("a pattern has at most {MAX_PATTERN} bytes")))
    } else if is_text {
        Ok(Literal::Text(text.to_owned()))
    } else {
        Err(Error::malformed_at(pointer, "only text is compared with a pattern"))
    }
}

/// The literal of `is.true` and `is.false`.
pub(super) fn boolean(shape: &Shape, value: bool, pointer: &str) -> Result<Literal> {
    match shape {
        Shape::Property(Property::Public)
        | Shape::Field { kind: FieldKind::Boolean | FieldKind::Json, .. }
        | Shape::Untyped(_) => Ok(Literal::Boolean(value)),
        _ => Err(Error::malformed_at(
            pointer,
            "only true or false values are compared with is.true or is.false",
        )),
    }
}

fn of_property(property: Property, text: &str) -> Result<Literal, String> {
    match property {
        Property::Id | Property::ParentId | Property::LinkedItemId | Property::Owner | Property::Org => {
            id(text)
        }
        Property::Type | Property::Instance | Property::Name | Property::Status => {
            Ok(Literal::Text(text.to_owned()))
        }
        Property::Visibility => match Visibility::parse(text) {
            Some(value) => Ok(Literal::Text(value.as_str().to_owned())),
            None => Err("expected visible, hidden or restricted".to_owned()),
        },
        Property::ValidFrom | Property::ValidTo | Property::CreatedAt | Property::UpdatedAt => {
            moment(text).map(Literal::Time).ok_or_else(expected_time)
        }
        Property::Public => flag(text),
        Property::Version => number(text),
    }
}

fn of_kind(kind: FieldKind, values: &[Value], text: &str) -> Result<Literal, String> {
    match kind {
        FieldKind::Integer | FieldKind::Number => number(text),
        FieldKind::Boolean => flag(text),
        FieldKind::Uuid | FieldKind::Reference | FieldKind::File => id(text),
        FieldKind::Datetime => moment(text).map(Literal::Time).ok_or_else(expected_time),
        FieldKind::Decimal => canonical(kind, text).map(Literal::Decimal),
        FieldKind::Date | FieldKind::Time | FieldKind::Duration => canonical(kind, text).map(Literal::Text),
        FieldKind::Enum => one_of(values, text),
        FieldKind::String | FieldKind::Text | FieldKind::Email | FieldKind::Url | FieldKind::Slug => {
            Ok(Literal::Text(text.to_owned()))
        }
        FieldKind::Json | FieldKind::Geo | FieldKind::Secret => Ok(Literal::Untyped(text.to_owned())),
    }
}

/// Some of the types declare the field: text in that kind's canonical form finds their values.
fn untyped(kind: Option<FieldKind>, text: &str) -> Literal {
    let canonical = match kind {
        Some(FieldKind::Datetime) => moment(text).map(|moment| moment.to_string()),
        Some(
            kind @ (FieldKind::Uuid
            | FieldKind::Reference
            | FieldKind::File
            | FieldKind::Decimal
            | FieldKind::Time
            | FieldKind::Duration),
        ) => canonical(kind, text).ok(),
        _ => None,
    };
    Literal::Untyped(canonical.unwrap_or_else(|| text.to_owned()))
}

fn canonical(kind: FieldKind, text: &str) -> Result<String, String> {
    let mut value = Value::from(text);
    formats::canonicalize(kind, &mut value)?;
    match value {
        Value::String(text) => Ok(text),
        other => Ok(other.to_string()),
    }
}

fn number(text: &str) -> Result<Literal, String> {
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
    number.map(Literal::Number).ok_or_else(|| format!("expected a number, not '{}'", shortened(text)))
}

fn flag(text: &str) -> Result<Literal, String> {
    text.parse().map(Literal::Boolean).map_err(|_| "expected true or false".to_owned())
}

fn id(text: &str) -> Result<Literal, String> {
    Uuid::parse_str(text).map(Literal::Id).map_err(|_| "expected the id (UUID) of an item".to_owned())
}

/// A moment; a bare date is its midnight in UTC.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    let midnight = || (text.len() == 10).then(|| Timestamp::parse(&format!("{text}T00:00:00Z"))).flatten();
    Timestamp::parse(text).or_else(midnight)
}

pub(super) fn expected_time() -> String {
    "expected a time such as 2026-01-31T12:00:00Z (a + in an offset is written %2B)".to_owned()
}

fn one_of(values: &[Value], text: &str) -> Result<Literal, String> {
    let found = values.iter().find(|value| match value {
        Value::String(value) => value == text,
        other => *text == other.to_string(),
    });
    match found {
        Some(Value::Number(_)) => number(text),
        Some(Value::Bool(value)) => Ok(Literal::Boolean(*value)),
        Some(_) => Ok(Literal::Text(text.to_owned())),
        None if values.is_empty() => Ok(Literal::Untyped(text.to_owned())),
        None => {
            let words: Vec<String> = values
                .iter()
                .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
                .collect();
            Err(format!("expected one of {}", words.join(", ")))
        }
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(64).collect()
}

//! Sort keys: bytes whose order is the order of the values, with a tag byte per class of value.
//!
//! Classes sort among each other as booleans, numbers, decimals, text, ids, other JSON; then absent values. Only
//! values of one class compare with each other. Dates and times are text in their canonical form; durations are
//! plain text too and sort as such.

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::Decimal;
use crate::model::FieldKind;
use crate::model::value::{canonical_value_text, canonicalize};
use crate::query::Literal;

/// The sort key of an absent value: greater than every other key.
pub const NULL_KEY: &[u8] = &[0xff];

/// The longest key, in bytes. Longer text is cut and a hash of the whole appended: equality stays exact, while the
/// order of texts that agree in the first 478 bytes is that of their hashes.
pub const MAX_KEY: usize = 512;

const BOOLEAN: u8 = 0x10;
const NUMBER: u8 = 0x20;
const DECIMAL: u8 = 0x28;
const TEXT: u8 = 0x30;
const ID: u8 = 0x40;
const JSON: u8 = 0x50;
const TOGETHER: u8 = 0x60;

/// The sortable form of a value of a field of `kind`.
///
/// A value that does not fit the kind (stored before the kind was declared) has the key of an undeclared one.
pub fn sort_key(value: &Value, kind: FieldKind) -> Vec<u8> {
    let special = match (kind, value) {
        (FieldKind::Uuid | FieldKind::Reference | FieldKind::File, Value::String(text)) => {
            Uuid::parse_str(text).ok().map(id_key)
        }
        (FieldKind::Decimal, Value::String(text)) => decimal_key(text),
        (FieldKind::Decimal, Value::Number(number)) => decimal_key(&number.to_string()),
        _ => None,
    };
    special.unwrap_or_else(|| natural_key(value))
}

/// The sortable form of an undeclared value.
pub(crate) fn natural_key(value: &Value) -> Vec<u8> {
    match value {
        Value::Null => NULL_KEY.to_vec(),
        Value::Bool(value) => boolean_key(*value),
        Value::Number(number) => number.as_f64().map_or_else(|| NULL_KEY.to_vec(), number_key),
        Value::String(text) => tagged(TEXT, text.as_bytes()),
        Value::Array(_) | Value::Object(_) => tagged(JSON, canonical_value_text(value).as_bytes()),
    }
}

/// One key for several: equal where all of them are, in no order.
pub(super) fn joined_key(keys: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(keys.iter().map(|key| key.len() + 2).sum());
    for key in keys {
        // With its length before it, the end of one is not the beginning of the next. No key is longer than its bound.
        bytes.extend_from_slice(&(key.len() as u16).to_be_bytes());
        bytes.extend_from_slice(key);
    }
    tagged(TOGETHER, &bytes)
}

/// The key that a literal compares with, on values of a field of `kind`. `None` when no value of the kind can be equal to
/// or comparable with the literal, and for [`Literal::Untyped`], which has several readings.
pub fn literal_key(literal: &Literal, kind: FieldKind) -> Option<Vec<u8>> {
    match literal {
        Literal::Text(text) => Some(sort_key(&Value::String(text.clone()), kind)),
        Literal::Number(number) if kind == FieldKind::Decimal => decimal_key(&number.to_string()),
        Literal::Number(number) => Some(number_key(*number)),
        Literal::Decimal(text) => decimal_key(text),
        Literal::Boolean(value) => Some(boolean_key(*value)),
        Literal::Time(moment) => Some(tagged(TEXT, moment.to_string().as_bytes())),
        Literal::Id(id) => Some(id_key(*id)),
        Literal::Untyped(_) => None,
    }
}

/// The keys of the same class: from the first (inclusive) to the second (exclusive). What is greater than a key is
/// above it and below the second; [`NULL_KEY`] is outside of every class.
pub fn class_range(key: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let tag = key.first().copied().unwrap_or(NULL_KEY[0]);
    (vec![tag], vec![tag.saturating_add(1)])
}

/// Whether a sort key is that of a number or a decimal.
pub fn is_number_key(key: &[u8]) -> bool {
    matches!(key, [NUMBER | DECIMAL, ..])
}

/// The value that a sort key was made of; `None` where the key does not tell all of it: long texts, numbers beyond the integers
/// that doubles hold, decimals, documents.
pub fn value_of_key(key: &[u8]) -> Option<Value> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match key {
        NULL_KEY => Some(Value::Null),
        [BOOLEAN, value] => Some((*value != 0).into()),
        [NUMBER, bits @ ..] => {
            let sortable = u64::from_be_bytes(bits.try_into().ok()?);
            let bits = if sortable >> 63 == 1 { sortable ^ (1 << 63) } else { !sortable };
            let number = f64::from_bits(bits);
            canonicalize(number.into()).ok().filter(|_| number.abs() < EXACT)
        }
        // What is cut holds a byte that no text has.
        [TEXT, text @ ..] => std::str::from_utf8(text).ok().map(Value::from),
        [ID, ..] => id_of_key(key).map(|id| id.to_string().into()),
        _ => None,
    }
}

/// The id inside the sort key of a reference.
pub fn id_of_key(key: &[u8]) -> Option<Uuid> {
    match key {
        [ID, id @ ..] => Uuid::from_slice(id).ok(),
        _ => None,
    }
}

fn tagged(tag: u8, bytes: &[u8]) -> Vec<u8> {
    const HASH: usize = 32;
    let mut key = Vec::with_capacity((bytes.len() + 1).min(MAX_KEY));
    key.push(tag);
    if bytes.len() < MAX_KEY {
        key.extend_from_slice(bytes);
    } else {
        // UTF-8 never holds the separator, so a cut key equals no whole one.
        key.extend_from_slice(&bytes[..MAX_KEY - HASH - 2]);
        key.push(0xff);
        key.extend_from_slice(&Sha256::digest(bytes));
    }
    key
}

fn boolean_key(value: bool) -> Vec<u8> {
    vec![BOOLEAN, u8::from(value)]
}

pub(crate) fn number_key(number: f64) -> Vec<u8> {
    // Both zeros are one value.
    let bits = (number + 0.0).to_bits();
    let sortable = if bits >> 63 == 0 { bits ^ (1 << 63) } else { !bits };
    let mut key = vec![NUMBER];
    key.extend_from_slice(&sortable.to_be_bytes());
    key
}

fn decimal_key(text: &str) -> Option<Vec<u8>> {
    let decimal = Decimal::parse(text)?;
    let mut bytes = Vec::new();
    decimal.write_key(&mut bytes);
    Some(tagged(DECIMAL, &bytes))
}

fn id_key(id: Uuid) -> Vec<u8> {
    let mut key = vec![ID];
    key.extend_from_slice(id.as_bytes());
    key
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::clock::Timestamp;

    #[test]
    fn classes_are_apart_and_null_is_last() {
        let values = [
            json!(false),
            json!(true),
            json!(-1),
            json!(0),
            json!(0.5),
            json!("A"),
            json!("a"),
            json!([1]),
            json!(null),
        ];
        let keys: Vec<_> = values.iter().map(natural_key).collect();
        assert!(keys.is_sorted_by(|a, b| a < b));
        assert_eq!(keys.last().unwrap(), NULL_KEY);
        let (from, to) = class_range(&keys[4]);
        assert!(from < keys[2] && keys[4] < to && to < keys[5]);
    }

    #[test]
    fn literals_meet_the_keys_of_their_values() {
        let id = Uuid::from_u128(77);
        let moment = Timestamp::from_micros(1);
        for (literal, value, kind) in [
            (Literal::Text("ä".into()), json!("ä"), FieldKind::String),
            (Literal::Number(5.0), json!(5), FieldKind::Integer),
            (Literal::Number(5.0), json!("5.00"), FieldKind::Decimal),
            (Literal::Decimal("1.5".into()), json!("1.50"), FieldKind::Decimal),
            (Literal::Boolean(true), json!(true), FieldKind::Boolean),
            (Literal::Time(moment), json!(moment.to_string()), FieldKind::Datetime),
            (Literal::Id(id), json!(id.to_string().to_uppercase()), FieldKind::Reference),
        ] {
            assert_eq!(literal_key(&literal, kind), Some(sort_key(&value, kind)), "{literal:?}");
        }
        assert_eq!(id_of_key(&sort_key(&json!(id.to_string()), FieldKind::File)), Some(id));
        assert_eq!(id_of_key(&sort_key(&json!("no id"), FieldKind::File)), None);
    }

    #[test]
    fn keys_tell_their_values() {
        let id = Uuid::from_u128(7).to_string();
        for (value, kind) in [
            (json!(null), FieldKind::String),
            (json!(true), FieldKind::Boolean),
            (json!(0), FieldKind::Integer),
            (json!(-5), FieldKind::Integer),
            (json!(9_007_199_254_740_991_i64), FieldKind::Integer),
            (json!(-0.1), FieldKind::Number),
            (json!(5e-324), FieldKind::Number),
            (json!(""), FieldKind::String),
            (json!("ä".repeat(255)), FieldKind::String),
            (json!("2026-01-31"), FieldKind::Date),
            (json!(id), FieldKind::Reference),
        ] {
            assert_eq!(value_of_key(&sort_key(&value, kind)), Some(value));
        }
        for (value, kind) in [
            (json!("ä".repeat(256)), FieldKind::Text),
            (json!(9_007_199_254_740_993_i64), FieldKind::Json),
            (json!(1e300), FieldKind::Number),
            (json!("1.5"), FieldKind::Decimal),
            (json!([1]), FieldKind::Json),
        ] {
            assert_eq!(value_of_key(&sort_key(&value, kind)), None, "{value}");
        }
    }

    #[test]
    fn long_text_is_cut_and_stays_distinct() {
        let (a, b) = ("x".repeat(5000), "x".repeat(5000) + "y");
        let key = |text: &str| sort_key(&json!(text), FieldKind::Text);
        assert_eq!(key(&a).len(), MAX_KEY);
        assert_ne!(key(&a), key(&b));
        assert!(key(&"x".repeat(511)).len() == MAX_KEY && key(&"x".repeat(511)) != key(&"x".repeat(512)));
        assert!(key(&"w".repeat(5000)) < key(&a) && key("x") < key(&a));
    }

    proptest! {
        #[test]
        fn numbers_sort_by_value(a in -1e18..1e18_f64, b in -1e18..1e18_f64) {
            prop_assert_eq!(a.total_cmp(&b), number_key(a).cmp(&number_key(b)));
        }

        #[test]
        fn decimals_sort_by_value(a in any::<i64>(), b in any::<i64>(), scale in 0_u32..12) {
            let text = |n: i64| {
                let unit = 10_i128.pow(scale);
                let (whole, rest) = (i128::from(n).abs() / unit, i128::from(n).abs() % unit);
                format!("{}{whole}.{rest:0width$}", if n < 0 { "-" } else { "" }, width = scale as usize)
            };
            let key = |n| sort_key(&json!(text(n)), FieldKind::Decimal);
            prop_assert_eq!(a.cmp(&b), key(a).cmp(&key(b)));
        }

        #[test]
        fn text_sorts_by_code_point(a in "\\PC{0,40}", b in "\\PC{0,40}") {
            let key = |text: &str| sort_key(&json!(text), FieldKind::String);
            prop_assert_eq!(a.chars().cmp(b.chars()), key(&a).cmp(&key(&b)));
        }

        #[test]
        fn keys_are_equal_only_for_equal_text(a in "[ab]{470,520}", b in "[ab]{470,520}") {
            let key = |text: &str| sort_key(&json!(text), FieldKind::String);
            prop_assert_eq!(a == b, key(&a) == key(&b));
            prop_assert_eq!(key(&a), key(&a.clone()));
        }
    }
}

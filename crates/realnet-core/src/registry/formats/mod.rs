//! The values of field kinds: reading them, their one canonical form, and their order.

pub(crate) mod decimal;
mod geo;
pub(crate) mod temporal;
mod text;

use std::cmp::Ordering;

use serde_json::{Number, Value};
use uuid::Uuid;

use crate::model::FieldKind;

/// The largest integer that every JSON reader understands exactly: 2^53.
pub(super) const MAX_INTEGER: i64 = 9_007_199_254_740_992;

/// Brings one value (no list, not null) to the canonical form of `kind`; the error says what is expected.
pub(crate) fn canonicalize(kind: FieldKind, value: &mut Value) -> Result<(), &'static str> {
    match kind {
        FieldKind::String | FieldKind::Text => text(value, "expected text").map(|_| ()),
        FieldKind::Secret => checked(value, |text| !text.is_empty(), "expected text that is not empty"),
        FieldKind::Email => checked(value, text::is_email, "expected an e-mail address"),
        FieldKind::Url => {
            checked(value, text::is_url, "expected an absolute URL such as https://example.com/")
        }
        FieldKind::Slug => {
            checked(value, text::is_slug, "expected lower-case letters, digits and single hyphens")
        }
        FieldKind::Uuid => rewritten(value, id, "expected a UUID"),
        FieldKind::Reference | FieldKind::File => rewritten(value, id, "expected the id (UUID) of an item"),
        FieldKind::Integer => integer(value),
        FieldKind::Number => number(value),
        FieldKind::Decimal => {
            rewritten(value, decimal::canonical, "expected a decimal as text, such as \"12.5\"")
        }
        FieldKind::Boolean => {
            if value.is_boolean() {
                Ok(())
            } else {
                Err("expected true or false")
            }
        }
        FieldKind::Date => checked(value, temporal::is_date, "expected a date such as 2026-01-31"),
        FieldKind::Datetime => {
            rewritten(value, temporal::datetime, "expected a time with offset such as 2026-01-31T12:00:00Z")
        }
        FieldKind::Time => rewritten(value, temporal::time_of_day, "expected a time of day such as 23:59:59"),
        FieldKind::Duration => {
            rewritten(value, temporal::duration, "expected an ISO 8601 duration such as PT15M")
        }
        FieldKind::Geo => geo::check(value),
        FieldKind::Enum | FieldKind::Json => Ok(()),
    }
}

/// The order of two canonical values of kinds that have bounds.
pub(super) fn compare(kind: FieldKind, left: &Value, right: &Value) -> Option<Ordering> {
    if kind == FieldKind::Integer || kind == FieldKind::Number {
        return left.as_f64()?.partial_cmp(&right.as_f64()?);
    }
    let (left, right) = (left.as_str()?, right.as_str()?);
    match kind {
        FieldKind::Decimal => Some(decimal::compare(left, right)),
        FieldKind::Duration => Some(temporal::nominal_micros(left)?.cmp(&temporal::nominal_micros(right)?)),
        // The canonical texts of dates and times sort as what they mean.
        _ => Some(left.cmp(right)),
    }
}

fn text<'a>(value: &'a Value, expected: &'static str) -> Result<&'a str, &'static str> {
    value.as_str().ok_or(expected)
}

fn checked(value: &Value, is_valid: fn(&str) -> bool, expected: &'static str) -> Result<(), &'static str> {
    if is_valid(text(value, expected)?) { Ok(()) } else { Err(expected) }
}

/// Replaces the text only where its canonical form differs.
fn rewritten(
    value: &mut Value,
    canonical: fn(&str) -> Option<String>,
    expected: &'static str,
) -> Result<(), &'static str> {
    let old = text(value, expected)?;
    let new = canonical(old).ok_or(expected)?;
    if new != old {
        *value = Value::String(new);
    }
    Ok(())
}

fn id(text: &str) -> Option<String> {
    Uuid::parse_str(text).ok().map(|id| id.hyphenated().to_string())
}

fn integer(value: &mut Value) -> Result<(), &'static str> {
    const EXPECTED: &str = "expected a whole number within ±2^53";
    if let Some(whole) = value.as_i64() {
        return if whole.unsigned_abs() <= MAX_INTEGER.unsigned_abs() { Ok(()) } else { Err(EXPECTED) };
    }
    let float = value.as_f64().ok_or(EXPECTED)?;
    if float.fract() != 0.0 || float.abs() > MAX_INTEGER as f64 {
        return Err(EXPECTED);
    }
    *value = Value::Number(Number::from(float as i64));
    Ok(())
}

fn number(value: &mut Value) -> Result<(), &'static str> {
    let number = value.as_number().ok_or("expected a number")?;
    if let Some(float) = number.as_f64()
        && number.is_f64()
        && float.fract() == 0.0
        && float.abs() <= MAX_INTEGER as f64
    {
        *value = Value::Number(Number::from(float as i64));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn canonical(kind: FieldKind, value: Value) -> Option<Value> {
        let mut value = value;
        canonicalize(kind, &mut value).ok().map(|()| value)
    }

    #[test]
    fn values_have_one_form() {
        for (kind, given, expected) in [
            (FieldKind::Integer, json!(3.0), json!(3)),
            (FieldKind::Number, json!(-0.0), json!(0)),
            (FieldKind::Decimal, json!("+0012.500"), json!("12.5")),
            (FieldKind::Decimal, json!("-0.00"), json!("0")),
            (FieldKind::Datetime, json!("2026-01-02T03:04:05+01:00"), json!("2026-01-02T02:04:05.000000Z")),
            (FieldKind::Time, json!("23:59"), json!("23:59:00")),
            (FieldKind::Time, json!("23:59:59.250"), json!("23:59:59.25")),
            (FieldKind::Duration, json!("pt15m"), json!("PT15M")),
            (
                FieldKind::Uuid,
                json!("67E55044-10B1-426F-9247-BB680E5FE0C8"),
                json!("67e55044-10b1-426f-9247-bb680e5fe0c8"),
            ),
            (FieldKind::Email, json!("A@Example.test"), json!("A@Example.test")),
        ] {
            assert_eq!(canonical(kind, given.clone()), Some(expected.clone()), "{kind:?} {given}");
            assert_eq!(canonical(kind, expected.clone()), Some(expected), "idempotent");
        }
    }

    #[test]
    fn refuses_what_is_not_of_the_kind() {
        for (kind, bad) in [
            (FieldKind::Integer, json!(1.5)),
            (FieldKind::Integer, json!("1")),
            (FieldKind::Integer, json!(9_007_199_254_740_993_i64)),
            (FieldKind::Number, json!("1")),
            (FieldKind::Decimal, json!(1.5)),
            (FieldKind::Decimal, json!("1e5")),
            (FieldKind::Decimal, json!(".")),
            (FieldKind::Boolean, json!("true")),
            (FieldKind::Date, json!("2026-02-29")),
            (FieldKind::Date, json!("2026-1-1")),
            (FieldKind::Datetime, json!("2026-01-01T00:00:00")),
            (FieldKind::Datetime, json!("9999-12-31T23:59:59-01:00")),
            (FieldKind::Time, json!("24:00:00")),
            (FieldKind::Duration, json!("P")),
            (FieldKind::Duration, json!("PT")),
            (FieldKind::Duration, json!("P1H")),
            (FieldKind::Uuid, json!("x")),
            (FieldKind::Email, json!("a b@c.test")),
            (FieldKind::Email, json!("a@")),
            (FieldKind::Email, json!(" a@b.test")),
            (FieldKind::Url, json!("/relative")),
            (FieldKind::Url, json!("javascript:alert(1)")),
            (FieldKind::Slug, json!("a--b")),
            (FieldKind::Slug, json!("A")),
            (FieldKind::Secret, json!("")),
            (FieldKind::Geo, json!({"type": "Point", "coordinates": [200, 0]})),
        ] {
            assert_eq!(canonical(kind, bad.clone()), None, "{kind:?} {bad}");
        }
    }

    #[test]
    fn bounds_compare_by_meaning() {
        let order = |kind, left: &str, right: &str| compare(kind, &json!(left), &json!(right));
        assert_eq!(order(FieldKind::Decimal, "9", "10"), Some(Ordering::Less));
        assert_eq!(order(FieldKind::Decimal, "-9.5", "-9.25"), Some(Ordering::Less));
        assert_eq!(order(FieldKind::Duration, "PT90M", "PT1H"), Some(Ordering::Greater));
        assert_eq!(order(FieldKind::Date, "2026-01-31", "2026-02-01"), Some(Ordering::Less));
        assert_eq!(compare(FieldKind::Number, &json!(2), &json!(2.5)), Some(Ordering::Less));
    }
}

//! The forms of numbers in answers: each has one, whatever it was reckoned of.

use serde_json::Value;

use super::sum::plain;
use crate::model::value::canonicalize;

/// A number in the one form that it is answered in: a JSON number, or text for decimals.
pub(super) fn normal_number(text: &str, decimal: bool) -> Value {
    let plain = plain(text);
    if decimal {
        return plain.into();
    }
    let integer = plain.parse::<i64>().map(Value::from).or_else(|_| plain.parse::<u64>().map(Value::from));
    integer.unwrap_or_else(|_| rounded(plain))
}

/// A sum: whole ones as integers within 64 bits, else as text with all digits; others rounded once. Those of decimals are text.
pub(super) fn total(text: String, decimal: bool) -> Value {
    if decimal {
        return text.into();
    }
    match text.parse::<i64>() {
        Ok(integer) => integer.into(),
        Err(_) if text.contains('.') => rounded(text),
        Err(_) => text.into(),
    }
}

/// The nearest double; text where it has none.
fn rounded(text: String) -> Value {
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
    let canonical = number.and_then(|number| canonicalize(number.into()).ok());
    canonical.unwrap_or_else(|| text.into())
}

/// The sum by the number of values, as a double. The sum may be larger than the largest double, the mean is not.
pub(super) fn mean(sum: &str, numbers: u64) -> Value {
    let by = numbers as f64;
    let near = sum.parse::<f64>().unwrap_or_default();
    let mean = if near.is_finite() {
        near / by
    } else {
        format!("{sum}e-30").parse::<f64>().unwrap_or_default() / by * 1e30
    };
    canonicalize(mean.into()).unwrap_or_default()
}

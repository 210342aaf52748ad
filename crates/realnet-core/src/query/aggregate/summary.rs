//! What is known of the values of one operand within one group: enough for every figure, and to be put together of parts.
//!
//! Databases that reckon by themselves answer it in the form that [`Summary::parse`] reads.

use serde::Deserialize;
use serde_json::Value;

use super::Function;
use super::ends::{End, Number, keep};
use super::forms::{mean, total};
use super::sum::Sum;
use crate::error::{Error, Result};

/// The longest text that is read as a decimal: what fields take, and a sign and a point.
const MAX_DECIMAL: usize = 1002;

/// What has to be known of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wants {
    /// The sum of the numbers.
    pub sum: bool,
    /// The first and the last in the order of lists.
    pub ends: bool,
    /// Whether text in plain decimal notation is a number: the values are those of decimal fields.
    pub decimal: bool,
}

impl Wants {
    /// The longest text that is a decimal where [`Self::decimal`] asks for them: an optional `-`, digits, and optionally a point
    /// and digits.
    pub const MAX_DECIMAL: usize = MAX_DECIMAL;

    /// What either wants.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            sum: self.sum || other.sum,
            ends: self.ends || other.ends,
            decimal: self.decimal || other.decimal,
        }
    }

    fn is_decimal(self, text: &str) -> bool {
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
        self.decimal && text.len() <= MAX_DECIMAL && digits(whole) && digits(fraction)
    }
}

/// Values of one operand within one group.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    absent: u64,
    values: u64,
    numbers: u64,
    sum: Sum,
    low: End,
    high: End,
}

/// What databases answer.
#[derive(Deserialize)]
struct Form {
    absent: u64,
    values: u64,
    numbers: u64,
    sum: Option<String>,
    low: (Option<bool>, Option<String>, Option<String>),
    high: (Option<bool>, Option<String>, Option<String>),
}

impl Summary {
    /// Takes a value, so many times. Null is none.
    pub fn add(&mut self, value: &Value, times: u64, wants: Wants) {
        if value.is_null() || times == 0 {
            return;
        }
        self.values += times;
        match value {
            Value::Number(number) => self.add_number(&number.to_string(), times, wants),
            Value::String(text) if wants.is_decimal(text) => self.add_number(text, times, wants),
            Value::String(text) if wants.ends => {
                keep(&mut self.low.text, text, |new, old| new < old);
                keep(&mut self.high.text, text, |new, old| new > old);
            }
            Value::Bool(value) if wants.ends => {
                self.low.boolean = Some(self.low.boolean.map_or(*value, |low| low && *value));
                self.high.boolean = Some(self.high.boolean.map_or(*value, |high| high || *value));
            }
            _ => {}
        }
    }

    /// Takes a stored value in its JSON form; `None` where an item has none of its own.
    pub fn add_stored(&mut self, json: Option<&str>, wants: Wants) {
        let Some(json) = json else {
            self.absent += 1;
            return;
        };
        if let Ok(value) = json.parse::<i64>() {
            self.values += 1;
            self.add_integer(value, json, wants);
        } else if let Ok(value) = serde_json::from_str::<Value>(json) {
            self.add(&value, 1, wants);
        }
    }

    /// Says what the items without a value of their own have: a constant of their type or instance.
    pub fn fill(&mut self, constant: Option<&Value>, wants: Wants) {
        let absent = std::mem::take(&mut self.absent);
        if let Some(constant) = constant {
            self.add(constant, absent, wants);
        }
    }

    fn add_integer(&mut self, value: i64, text: &str, wants: Wants) {
        self.numbers += 1;
        if wants.sum {
            self.sum.add_integer(value, 1);
        }
        if wants.ends {
            self.ends(text, value as f64);
        }
    }

    fn add_number(&mut self, text: &str, times: u64, wants: Wants) {
        self.numbers += times;
        if wants.sum {
            self.sum.add(text, times);
        }
        if wants.ends {
            // Whatever is a number here is one to Rust, too.
            self.ends(text, text.parse().unwrap_or_default());
        }
    }

    fn ends(&mut self, text: &str, about: f64) {
        Number::keep(&mut self.low.number, text, about, false);
        Number::keep(&mut self.high.number, text, about, true);
    }

    /// Adds what another part of the group has.
    pub fn merge(&mut self, other: &Self, wants: Wants) {
        self.absent += other.absent;
        self.values += other.values;
        self.numbers += other.numbers;
        self.sum.merge(&other.sum);
        let counts = (self.values, self.numbers);
        for end in [&other.low, &other.high] {
            if let Some(number) = &end.number {
                self.ends(&number.text, number.about);
            }
            let others = [end.boolean.map(Value::from), end.text.clone().map(Value::from)];
            others.iter().flatten().for_each(|value| self.add(value, 1, Wants { decimal: false, ..wants }));
        }
        (self.values, self.numbers) = counts;
    }

    /// How many bytes it takes: by itself, and for texts and digits.
    pub fn size(&self) -> usize {
        size_of::<Self>() + self.sum.size() + self.low.size() + self.high.size()
    }

    /// Reads numbers as the microseconds of moments.
    pub fn into_moments(self) -> Self {
        let (low, high) = (self.low.into_moment(), self.high.into_moment());
        Self { numbers: 0, sum: Sum::default(), low, high, ..self }
    }

    /// Reads what a database has reckoned, a JSON object: `absent`, `values` and `numbers` are counts; `sum` is text; `low` and `high`
    /// are lists of a boolean, a number as text, and a text, each null where there is none.
    pub fn parse(text: &str) -> Result<Self> {
        let form: Form = serde_json::from_str(text)
            .map_err(|error| Error::internal("a summary that is none").with_source(error))?;
        let end = |(boolean, number, text): (Option<bool>, Option<String>, Option<String>)| {
            let number = number.map(|text| Number { about: text.parse().unwrap_or_default(), text });
            End { boolean, number, text }
        };
        let mut sum = Sum::default();
        form.sum.iter().for_each(|text| sum.add(text, 1));
        let Form { absent, values, numbers, low, high, .. } = form;
        Ok(Self { absent, values, numbers, sum, low: end(low), high: end(high) })
    }

    /// A figure. `decimal`: that of a decimal field, which is text.
    pub(super) fn figure(&self, function: Function, decimal: bool) -> Value {
        match function {
            Function::Count => self.values.into(),
            Function::Sum | Function::Avg if self.numbers == 0 => Value::Null,
            Function::Sum => total(self.sum.text(), decimal),
            Function::Avg => mean(&self.sum.text(), self.numbers),
            Function::Min => self.low.first(decimal),
            Function::Max => self.high.last(decimal),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::clock::Timestamp;

    const ALL: Wants = Wants { sum: true, ends: true, decimal: false };
    const DECIMAL: Wants = Wants { decimal: true, ..ALL };

    fn of(values: &[Value], wants: Wants) -> Summary {
        let mut summary = Summary::default();
        for value in values {
            summary.add(value, 1, wants);
        }
        summary
    }

    fn figures(summary: &Summary, wants: Wants) -> Value {
        [Function::Count, Function::Sum, Function::Avg, Function::Min, Function::Max]
            .map(|function| summary.figure(function, wants.decimal))
            .as_slice()
            .into()
    }

    #[test]
    fn figures_mean_what_they_say() {
        for (values, wants, expected) in [
            (json!([]), ALL, json!([0, null, null, null, null])),
            (json!([null, null]), ALL, json!([0, null, null, null, null])),
            (json!([1, 2, null]), ALL, json!([2, 3, 1.5, 1, 2])),
            (json!([0.1, 0.2]), ALL, json!([2, 0.3, 0.15, 0.1, 0.2])),
            (json!([2, "b", "a", true, [1], {"a": 1}]), ALL, json!([6, 2, 2, true, "b"])),
            (json!([true, false, true]), ALL, json!([3, null, null, false, true])),
            (json!([true]), ALL, json!([1, null, null, true, true])),
            (json!([false]), ALL, json!([1, null, null, false, false])),
            (
                json!([i64::MAX, 1]),
                ALL,
                json!([2, "9223372036854775808", 4_611_686_018_427_387_904.0_f64, 1, i64::MAX]),
            ),
            (
                json!([9_007_199_254_740_993_i64, 9_007_199_254_740_992_i64]),
                ALL,
                json!([
                    2,
                    18_014_398_509_481_985_i64,
                    9_007_199_254_740_992_i64,
                    9_007_199_254_740_992_i64,
                    9_007_199_254_740_993_i64
                ]),
            ),
            (json!([1e300, 1e300]), ALL, json!([2, format!("2{}", "0".repeat(300)), 1e300, 1e300, 1e300])),
            (json!(["10.5", "9", "x", "1e5"]), DECIMAL, json!([4, "19.5", 9.75, "9", "x"])),
            (json!(["10.50", "9.0"]), DECIMAL, json!([2, "19.5", 9.75, "9", "10.5"])),
        ] {
            let values = values.as_array().unwrap();
            assert_eq!(figures(&of(values, wants), wants), expected, "{values:?}");
            let stored = values.iter().map(Value::to_string).fold(Summary::default(), |mut all, json| {
                all.add_stored(Some(&json), wants);
                all
            });
            assert_eq!(figures(&stored, wants), expected, "{values:?} as stored");
            for cut in 0..=values.len() {
                let mut parts = of(&values[..cut], wants);
                parts.merge(&of(&values[cut..], wants), wants);
                assert_eq!(figures(&parts, wants), expected, "{values:?} of two parts, cut at {cut}");
            }
        }
    }

    #[test]
    fn what_a_database_says_is_read() {
        let text = r#"{"absent": 1, "values": 5, "numbers": 2, "sum": "20.50", "low": [false, "-1.5", "a"], "high": [true, "22", "b"]}"#;
        assert_eq!(figures(&Summary::parse(text).unwrap(), ALL), json!([5, 20.5, 10.25, false, "b"]));
        let none = r#"{"absent": 0, "values": 0, "numbers": 0, "sum": null, "low": [null, null, null], "high": [null, null, null]}"#;
        assert_eq!(figures(&Summary::parse(none).unwrap(), ALL), json!([0, null, null, null, null]));
        assert!(Summary::parse("{}").is_err());
    }

    #[test]
    fn means_are_within_doubles() {
        let largest = json!([f64::MAX, f64::MAX]);
        let figures = figures(&of(largest.as_array().unwrap(), ALL), ALL);
        let mean = figures[2].as_f64().unwrap();
        assert!((mean / f64::MAX - 1.0).abs() < 1e-12, "{mean}");
    }

    #[test]
    fn constants_count_for_those_without_a_value() {
        let mut summary = Summary::default();
        for json in [None, Some("null"), None, Some("5")] {
            summary.add_stored(json, ALL);
        }
        summary.fill(Some(&json!(7)), ALL);
        assert_eq!(figures(&summary, ALL), json!([3, 19, 19.0 / 3.0, 5, 7]));
        summary.fill(Some(&json!(7)), ALL);
        assert_eq!(summary.figure(Function::Count, false), json!(3), "what is filled stays so");
    }

    #[test]
    fn all_that_is_kept_is_counted() {
        let empty = Summary::default().size();
        assert_eq!(empty, size_of::<Summary>());
        let (nines, ones) = ("9".repeat(1000), "1".repeat(1000));
        let of_decimals = of(&[json!(nines), json!(ones)], DECIMAL).size() - empty;
        assert!((2400..2500).contains(&of_decimals), "two ends and the digits of the sum: {of_decimals}");
        let of_texts = of(&[json!("abc"), json!("x")], ALL).size() - empty;
        assert_eq!(of_texts, 4);
        assert_eq!(of(&[json!(5), json!(true)], ALL).size() - empty, 2);
    }

    #[test]
    fn moments_are_read_from_microseconds() {
        let summary = of(&[json!(1_000_000), json!(0)], ALL).into_moments();
        let moment = |micros| Timestamp::from_micros(micros).to_string();
        assert_eq!(figures(&summary, ALL), json!([2, null, null, moment(0), moment(1_000_000)]));
    }
}

//! The outermost values of an operand within one group, in the order of lists.

use std::cmp::Ordering;

use serde_json::Value;

use super::forms::normal_number;
use crate::clock::Timestamp;
use crate::index::Decimal;

/// The outermost value of each class, in the order of the classes.
#[derive(Debug, Clone, Default)]
pub(super) struct End {
    pub(super) boolean: Option<bool>,
    pub(super) number: Option<Number>,
    pub(super) text: Option<String>,
}

/// A number as text, and about how large it is.
#[derive(Debug, Clone)]
pub(super) struct Number {
    pub(super) about: f64,
    pub(super) text: String,
}

impl End {
    /// The bytes of its texts.
    pub(super) fn size(&self) -> usize {
        let number = self.number.as_ref().map(|number| number.text.len());
        number.unwrap_or_default() + self.text.as_ref().map(String::len).unwrap_or_default()
    }

    pub(super) fn first(&self, decimal: bool) -> Value {
        let boolean = || self.boolean.map(Value::from);
        boolean().or_else(|| self.number(decimal)).or_else(|| self.text()).unwrap_or_default()
    }

    pub(super) fn last(&self, decimal: bool) -> Value {
        let number = || self.number(decimal).or_else(|| self.boolean.map(Value::from));
        self.text().or_else(number).unwrap_or_default()
    }

    /// Reads its number as the microseconds of a moment.
    pub(super) fn into_moment(mut self) -> Self {
        let micros = self.number.take().and_then(|number| number.text.parse().ok());
        self.text = micros.map(|micros| Timestamp::from_micros(micros).to_string());
        self
    }

    fn number(&self, decimal: bool) -> Option<Value> {
        self.number.as_ref().map(|number| normal_number(&number.text, decimal))
    }

    fn text(&self) -> Option<Value> {
        self.text.clone().map(Value::from)
    }
}

impl Number {
    /// Keeps the greater, or else the less, of what is kept and another.
    pub(super) fn keep(kept: &mut Option<Self>, text: &str, about: f64, greater: bool) {
        let key = |text: &str| {
            let mut key = Vec::new();
            Decimal::parse(text).unwrap_or_default().write_key(&mut key);
            key
        };
        let Some(old) = kept else {
            *kept = Some(Self { about, text: text.to_owned() });
            return;
        };
        // Numbers that round to the same are compared digit by digit.
        let order = about
            .total_cmp(&old.about)
            .then_with(|| if old.text == text { Ordering::Equal } else { key(text).cmp(&key(&old.text)) });
        if order == (if greater { Ordering::Greater } else { Ordering::Less }) {
            *old = Self { about, text: text.to_owned() };
        }
    }
}

/// Keeps the better of what is kept and another text.
pub(super) fn keep(kept: &mut Option<String>, text: &str, is_better: impl Fn(&str, &str) -> bool) {
    if kept.as_deref().is_none_or(|old| is_better(text, old)) {
        *kept = Some(text.to_owned());
    }
}

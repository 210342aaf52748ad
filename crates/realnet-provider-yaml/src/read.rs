//! Reading YAML as JSON values, within bounds: nothing that is read is larger than the text that it comes from.

use std::cell::{Cell, RefCell};
use std::fmt;

use realnet_core::model::Map;
use realnet_core::model::value::MAX_DEPTH;
use realnet_provider_generic::Fault;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};

use super::depth;

/// The value of a text.
pub(crate) fn read(text: &[u8]) -> Result<Value, Fault> {
    let text =
        std::str::from_utf8(text).map_err(|error| Fault::at(text, error.valid_up_to(), "is no UTF-8"))?;
    if let Some(place) = depth::beyond(text, MAX_DEPTH) {
        return Err(Fault::at(text.as_bytes(), place, format!("nested deeper than {MAX_DEPTH} levels")));
    }
    // A value takes a byte of the text at least, and a character of a scalar one, too; escapes give up to three bytes for two.
    // Only aliases give more.
    let budget = Cell::new(2 * text.len() + 64);
    let twice = RefCell::new(None);
    let bounded = Bounded { depth: 0, budget: &budget, twice: &twice };
    bounded.deserialize(serde_yaml::Deserializer::from_str(text)).map_err(|error| {
        let place = error.location().map_or((0, 0), |place| (place.line(), place.column()));
        let key = twice.take();
        let (line, column) = key.and_then(|key: String| second(text, place, &key)).unwrap_or(place);
        let message = error.to_string();
        // The place stands at the end of the message, too.
        let words = message.rsplit_once(" at line ").map_or(message.as_str(), |(words, _)| words);
        Fault::new(line, column, words)
    })
}

/// Where a key stands for the second time in the block that begins at a place, which is all that an error tells.
fn second(text: &str, (line, column): (usize, usize), key: &str) -> Option<(usize, usize)> {
    let is_key = |rest: &str| {
        let rest = rest.trim_start_matches(['"', '\'']);
        let after = rest.strip_prefix(key).map(|rest| rest.trim_start_matches(['"', '\'']).trim_start());
        after.is_some_and(|after| after.starts_with(':'))
    };
    let indent = column.checked_sub(1)?;
    let lines = text.lines().enumerate().skip(line.checked_sub(1)?);
    let found = lines.filter(|(_, text)| text.get(indent..).is_some_and(is_key));
    found.map(|(index, _)| (index + 1, column)).nth(1)
}

/// Reads one value of so much depth.
#[derive(Clone, Copy)]
struct Bounded<'a> {
    depth: usize,
    budget: &'a Cell<usize>,
    /// The key that stands twice, when one does.
    twice: &'a RefCell<Option<String>>,
}

impl Bounded<'_> {
    /// Counts what is read.
    fn spend<E: Error>(&self, bytes: usize) -> Result<(), E> {
        match self.budget.get().checked_sub(bytes) {
            Some(left) => {
                self.budget.set(left);
                Ok(())
            }
            None => Err(E::custom("aliases make the document larger than it is written")),
        }
    }

    fn deeper<E: Error>(self) -> Result<Self, E> {
        if self.depth >= MAX_DEPTH {
            return Err(E::custom(format!("nested deeper than {MAX_DEPTH} levels")));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }

    fn text<E: Error>(&self, text: String) -> Result<String, E> {
        self.spend(text.len())?;
        Ok(text)
    }
}

impl<'de> DeserializeSeed<'de> for Bounded<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Bounded<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value that JSON has, too")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        self.spend(1)?;
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        self.spend(1)?;
        Ok(Value::from(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        self.spend(1)?;
        Ok(Value::from(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        self.spend(1)?;
        let number = Number::from_f64(value).ok_or_else(|| E::custom("a number that JSON does not have"))?;
        Ok(Value::Number(number))
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        // An empty value takes no character of its own, but what stands before it does.
        self.spend(1)?;
        Ok(Value::Null)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        self.visit_string(value.to_owned())
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        self.spend(1)?;
        self.text(value).map(Value::String)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        self.spend(1)?;
        let inner = self.deeper()?;
        let mut values = Vec::new();
        while let Some(value) = access.next_element_seed(inner)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        self.spend(1)?;
        let inner = self.deeper()?;
        let mut map = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            let key = self.text(key)?;
            if map.contains_key(&key) {
                self.twice.replace(Some(key.clone()));
                return Err(A::Error::custom(format!("the key '{key}' stands twice")));
            }
            let value = access.next_value_seed(inner)?;
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

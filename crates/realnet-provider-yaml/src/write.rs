//! Writing JSON values as YAML that other tools read in the same way.
//!
//! Texts are written without quotes where YAML 1.2 takes them for texts. Tools of YAML 1.1, which are many, take some of them for
//! something else, and write that back: those are put into quotes, too.

use std::borrow::Cow;

use realnet_provider_generic::{Ordered, ordered};
use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::Value;

/// Words of YAML 1.1, in lower case.
const WORDS: [&str; 8] = ["y", "n", "yes", "no", "on", "off", "=", "<<"];

/// The text of a value.
pub(crate) fn write(value: &Value) -> Result<String, serde_yaml::Error> {
    // What begins with a mark has to be in quotes: where they are wanted, a mark is written, and then goes.
    let mark = (0..u32::MAX).map(|number| format!("!{number}:")).find(|mark| !has(value, mark));
    let mark = mark.unwrap_or_default();
    let marked = serde_yaml::to_string(&Marked { value, mark: &mark })?;
    let text = marked.replace(&format!("'{mark}"), "'");
    if text.contains(&mark) { serde_yaml::to_string(&Ordered(value)) } else { Ok(text) }
}

/// Whether others take a text for something else: a truth value, a number, a time, a sign of theirs.
fn is_taken(text: &str) -> bool {
    let is_number = text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.'))
        && text.bytes().any(|byte| byte.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_digit() || b"_:.,+-TtZz ".contains(&byte));
    is_number || WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Whether some text within a value has these characters.
fn has(value: &Value, mark: &str) -> bool {
    match value {
        Value::String(text) => text.contains(mark),
        Value::Array(values) => values.iter().any(|value| has(value, mark)),
        Value::Object(map) => map.iter().any(|(key, value)| key.contains(mark) || has(value, mark)),
        _ => false,
    }
}

/// A value as it is written, with a mark before each text that is to be in quotes.
struct Marked<'a> {
    value: &'a Value,
    mark: &'a str,
}

impl Marked<'_> {
    fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if is_taken(text) { Cow::Owned(format!("{}{text}", self.mark)) } else { Cow::Borrowed(text) }
    }
}

impl Serialize for Marked<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let within = |value| Marked { value, mark: self.mark };
        match self.value {
            Value::Object(map) => {
                let mut members = serializer.serialize_map(Some(map.len()))?;
                for (key, value) in ordered(map) {
                    members.serialize_entry(&self.text(key), &within(value))?;
                }
                members.end()
            }
            Value::Array(values) => serializer.collect_seq(values.iter().map(within)),
            Value::String(text) => serializer.serialize_str(&self.text(text)),
            other => other.serialize(serializer),
        }
    }
}

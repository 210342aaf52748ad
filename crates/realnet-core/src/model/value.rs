//! Canonical values, so that every backend agrees: one form of numbers, no duplicate keys, no NUL, bounded depth.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};

use super::Map;
use crate::error::{Error, Result};

/// The deepest nesting that a document may have.
pub const MAX_DEPTH: usize = 64;

/// Parses JSON into its canonical form.
///
/// Refuses duplicate keys, NUL characters, nesting beyond [`MAX_DEPTH`] and invalid UTF-8; errors carry line
/// and column.
pub fn parse(bytes: &[u8]) -> Result<Value> {
    read(bytes, false)
}

/// As [`parse`], but NUL stays where it stands: for what a store has kept since before it was refused everywhere. See
/// [`replace_nul`].
pub fn parse_stored(bytes: &[u8]) -> Result<Value> {
    read(bytes, true)
}

fn read(bytes: &[u8], keeps_nul: bool) -> Result<Value> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = Canonical { depth: 0, keeps_nul }
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value));
    value.map_err(|error| Error::malformed(format!("the JSON can not be read: {error}")).with_source(error))
}

/// Brings a value built in memory to the canonical form of numbers; refuses NUL and deep nesting.
pub fn canonicalize(value: Value) -> Result<Value> {
    canonicalize_at(value, 0).map_err(Error::malformed)
}

/// Puts U+FFFD in the place of each NUL; answers whether there was one. Two keys that become the same by that are one.
pub fn replace_nul(value: &mut Value) -> bool {
    let replaced = |text: &mut String| {
        let found = text.contains('\0');
        if found {
            *text = text.replace('\0', "\u{fffd}");
        }
        found
    };
    match value {
        Value::String(text) => replaced(text),
        Value::Array(values) => values.iter_mut().fold(false, |found, value| replace_nul(value) | found),
        Value::Object(map) => {
            let mut found = map.values_mut().fold(false, |found, value| replace_nul(value) | found);
            let keys: Vec<String> = map.keys().filter(|key| key.contains('\0')).cloned().collect();
            for mut key in keys {
                let value = map.remove(&key);
                found |= replaced(&mut key);
                map.extend(value.map(|value| (key, value)));
            }
            found
        }
        _ => false,
    }
}

/// Whether a text or key of a JSON text holds a NUL, which stands there escaped.
pub fn nul_in_text(text: &str) -> bool {
    let escaped = |at: usize| text[..at].bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1;
    text.match_indices("\\u0000").any(|(at, _)| !escaped(at))
}

/// How many arrays and objects of a JSON text stand in each other at most.
pub fn depth_of_text(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut is_string, mut is_escaped) = (false, false);
    for byte in text.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_string => is_escaped = true,
            b'"' => is_string = !is_string,
            b'{' | b'[' if !is_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !is_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

fn canonicalize_at(value: Value, depth: usize) -> Result<Value, String> {
    if depth > MAX_DEPTH {
        return Err(format!("nested deeper than {MAX_DEPTH} levels"));
    }
    Ok(match value {
        Value::Number(number) => Value::Number(canonical_number(number)),
        Value::String(text) => Value::String(without_nul(text)?),
        Value::Array(values) => Value::Array(
            values.into_iter().map(|value| canonicalize_at(value, depth + 1)).collect::<Result<_, _>>()?,
        ),
        Value::Object(map) => Value::Object(
            map.into_iter()
                .map(|(key, value)| Ok((without_nul(key)?, canonicalize_at(value, depth + 1)?)))
                .collect::<Result<Map, String>>()?,
        ),
        other => other,
    })
}

fn without_nul(text: String) -> Result<String, String> {
    if text.contains('\0') { Err("text holds a NUL character".to_owned()) } else { Ok(text) }
}

/// Whole numbers within ±2^53 are written as integers, all else as the shortest form of the double.
fn canonical_number(number: Number) -> Number {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match number.as_f64() {
        Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() <= EXACT => {
            Number::from(float as i64)
        }
        _ => number,
    }
}

/// The canonical text of an object: keys sorted at every level, no white space.
///
/// Whether a map of `serde_json` sorts its keys depends on features that any crate of a program may switch on, so the
/// order is made here.
pub fn canonical_text(map: &Map) -> String {
    let mut text = String::with_capacity(128);
    write_object(map, &mut text);
    text
}

/// The canonical text of any value, as [`canonical_text`] writes it inside of objects.
pub fn canonical_value_text(value: &Value) -> String {
    let mut text = String::new();
    write_value(value, &mut text);
    text
}

fn write_object(map: &Map, text: &mut String) {
    let mut entries: Vec<(&String, &Value)> = map.iter().collect();
    entries.sort_unstable_by_key(|(key, _)| *key);
    text.push('{');
    for (index, (key, value)) in entries.into_iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        write_scalar(key, text);
        text.push(':');
        write_value(value, text);
    }
    text.push('}');
}

fn write_value(value: &Value, text: &mut String) {
    match value {
        Value::Object(map) => write_object(map, text),
        Value::Array(values) => {
            text.push('[');
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write_value(value, text);
            }
            text.push(']');
        }
        scalar => write_scalar(scalar, text),
    }
}

fn write_scalar<T: serde::Serialize + ?Sized>(scalar: &T, text: &mut String) {
    // Text, numbers, booleans and null always have a JSON form.
    text.push_str(&serde_json::to_string(scalar).unwrap_or_default());
}

/// Reads a value canonically while it is parsed, so that duplicates are seen.
#[derive(Clone, Copy)]
struct Canonical {
    depth: usize,
    keeps_nul: bool,
}

impl<'de> DeserializeSeed<'de> for Canonical {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Canonical {
    fn text<E: serde::de::Error>(&self, text: String) -> Result<String, E> {
        if self.keeps_nul { Ok(text) } else { without_nul(text).map_err(E::custom) }
    }

    fn deeper<E: serde::de::Error>(&self) -> Result<Self, E> {
        if self.depth >= MAX_DEPTH {
            return Err(E::custom(format!("nested deeper than {MAX_DEPTH} levels")));
        }
        Ok(Self { depth: self.depth + 1, ..*self })
    }
}

impl<'de> Visitor<'de> for Canonical {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("a number is out of range"))?;
        Ok(Value::Number(canonical_number(number)))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Value, E> {
        self.visit_string(value.to_owned())
    }

    fn visit_string<E: serde::de::Error>(self, value: String) -> Result<Value, E> {
        self.text(value).map(Value::String)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let deeper = self.deeper()?;
        let mut values = Vec::new();
        while let Some(value) = access.next_element_seed(deeper)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        use serde::de::Error as _;
        let deeper = self.deeper()?;
        let mut map = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            let key = self.text::<A::Error>(key)?;
            if map.contains_key(&key) {
                return Err(A::Error::custom(format!("the key '{key}' stands twice")));
            }
            let value = access.next_value_seed(deeper)?;
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn depth_is_that_of_containers() {
        for (text, depth) in [
            ("1", 0),
            ("{}", 1),
            (r#"{"a":[1,{"b":[]}],"c":{}}"#, 4),
            (r#"{"[[[{\"[[\\":"]}\"[[["}"#, 1),
            (r#"["\\",[]]"#, 2),
        ] {
            assert_eq!(depth_of_text(text), depth, "{text}");
        }
    }

    #[test]
    fn numbers_have_one_form() {
        assert_eq!(
            parse(b"[1.0, -0.0, 1e3, 0.5, 9007199254740993]").unwrap().to_string(),
            "[1,0,1000,0.5,9007199254740993]"
        );
        assert_eq!(canonicalize(json!(2.0)).unwrap(), json!(2));
    }

    #[test]
    fn text_has_sorted_keys_at_every_level() {
        let value = parse(br#"{"b":{"z":1,"a":[{"y":null,"x":"\u00e9\""}]},"a":true}"#).unwrap();
        let text = canonical_text(value.as_object().unwrap());
        assert_eq!(text, r#"{"a":true,"b":{"a":[{"x":"é\"","y":null}],"z":1}}"#);
        assert_eq!(parse(text.as_bytes()).unwrap(), value);
    }

    #[test]
    fn nul_is_found_and_replaced() {
        for (text, found) in [
            (r#"{"a":"x\u0000y"}"#, true),
            (r#"{"\u0000":1}"#, true),
            (r#"{"a":"\\\u0000"}"#, true),
            (r#"{"a":"\\u0000"}"#, false),
            (r#"{"a":"\\\\u0000 u0000"}"#, false),
            (r#"{"a":[{"b":["\u0000"]}]}"#, true),
        ] {
            assert_eq!(nul_in_text(text), found, "{text}");
            let mut value = parse_stored(text.as_bytes()).unwrap();
            assert_eq!(canonical_value_text(&value), text, "it stays as it is");
            assert_eq!(parse(text.as_bytes()).is_err(), found, "{text}");
            assert_eq!(replace_nul(&mut value), found, "{text}");
            assert_eq!(canonicalize(value.clone()).unwrap(), value, "{text}");
            assert!(!replace_nul(&mut value));
        }
        let mut value = json!({"a\0": "b\0c"});
        assert!(replace_nul(&mut value));
        assert_eq!(value, json!({"a\u{fffd}": "b\u{fffd}c"}));
    }

    #[test]
    fn refuses_what_backends_disagree_on() {
        for (bad, word) in [
            (r#"{"a":1,"a":2}"#.to_owned(), "twice"),
            (r#""a\u0000b""#.to_owned(), "NUL"),
            (format!("{}{}", "[".repeat(100), "]".repeat(100)), "deeper"),
            ("{} x".to_owned(), "trailing"),
            ("{\"a\":".to_owned(), "EOF"),
            ("1e999".to_owned(), "out of range"),
        ] {
            let error = parse(bad.as_bytes()).unwrap_err();
            assert!(error.message().contains(word), "{bad}: {error}");
        }
        assert!(parse(b"\"\xff\"").is_err());
    }
}

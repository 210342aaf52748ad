//! What a document store asks of a format: how a value becomes text that people read and edit, and back.

use std::fmt;

use realnet_core::model::{Map, value};
use serde::ser::{Serialize, SerializeMap as _, SerializeSeq as _, Serializer};
use serde_json::Value;

/// What may stand before a text.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// These keys come first wherever they stand, in this order; all others follow in the order of the alphabet.
const FIRST: [&str; 6] = ["id", "type", "type_id", "name", "base", "org"];

/// A format of documents.
///
/// The same value always gives the same text, and a small change of it a small change of the text: one line for each scalar,
/// keys in the order of [`ordered`]. What [`Self::encode`] has written, [`Self::decode`] gives back.
pub trait Codec: Send + Sync + 'static {
    /// Its name, such as `json`; also that of a store in this format.
    fn name(&self) -> &'static str;

    /// The ending of its files, without a dot.
    fn extension(&self) -> &'static str;

    /// The text of a value, ending with a line feed.
    ///
    /// # Errors
    /// Internal when the value has no such text, which no value within the bounds of [`value::MAX_DEPTH`] is known to lack.
    fn encode(&self, value: &Value) -> realnet_core::Result<String>;

    /// The value of a text, in which a NUL stays what it is. Bounded by the length of the text: what would grow beyond it is refused, as are keys that stand twice,
    /// and nesting deeper than [`value::MAX_DEPTH`].
    fn decode(&self, text: &[u8]) -> Result<Value, Fault>;
}

/// Why a text is no document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The line, from 1; 0 when it is not known.
    pub line: usize,
    /// The column, from 1; 0 when it is not known.
    pub column: usize,
    /// What is wrong there.
    pub message: String,
}

impl Fault {
    /// A fault at a place.
    pub fn new(line: usize, column: usize, message: impl Into<String>) -> Self {
        Self { line, column, message: message.into() }
    }

    /// A fault at so many bytes from the beginning of a text.
    pub fn at(text: &[u8], offset: usize, message: impl Into<String>) -> Self {
        let before = &text[..offset.min(text.len())];
        let line_begin = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |position| position + 1);
        let line = before.split(|byte| *byte == b'\n').count();
        let column = String::from_utf8_lossy(&before[line_begin..]).chars().count() + 1;
        Self::new(line, column, message)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, self.column) {
            (0, _) => f.write_str(&self.message),
            (line, column) => write!(f, "line {line}, column {column}: {}", self.message),
        }
    }
}

impl std::error::Error for Fault {}

/// The members of an object in the order in which documents have them: what tells an object first, then by name.
pub fn ordered(map: &Map) -> Vec<(&String, &Value)> {
    let rank = |key: &str| FIRST.iter().position(|first| *first == key).unwrap_or(FIRST.len());
    let mut members: Vec<(&String, &Value)> = map.iter().collect();
    members.sort_by(|(a, _), (b, _)| (rank(a), a).cmp(&(rank(b), b)));
    members
}

/// A value that serializes with its objects [`ordered`], whatever library writes it.
#[derive(Debug, Clone, Copy)]
pub struct Ordered<'a>(pub &'a Value);

impl Serialize for Ordered<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(map) => {
                let mut members = serializer.serialize_map(Some(map.len()))?;
                for (key, value) in ordered(map) {
                    members.serialize_entry(key, &Ordered(value))?;
                }
                members.end()
            }
            Value::Array(values) => {
                let mut elements = serializer.serialize_seq(Some(values.len()))?;
                for value in values {
                    elements.serialize_element(&Ordered(value))?;
                }
                elements.end()
            }
            scalar => scalar.serialize(serializer),
        }
    }
}

/// The value of a document in its canonical form, as stores keep it. NUL, which no text has any more and texts of earlier versions
/// may have, is replaced: a folder with such a document opens, and what it says from then on can be kept anywhere.
pub(super) fn read(codec: &dyn Codec, text: &[u8], document: &str) -> Result<Value, Fault> {
    // Some editors put a mark before the text that says in which order its bytes are.
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    if text.iter().all(u8::is_ascii_whitespace) {
        return Err(Fault::new(0, 0, "the document is empty"));
    }
    let mut value = codec.decode(text).map_err(|fault| unfinished_merge(text).unwrap_or(fault))?;
    if value::replace_nul(&mut value) {
        tracing::warn!(document, "a document holds NUL characters, which are read as U+FFFD");
    }
    value::canonicalize(value).map_err(|error| Fault::new(0, 0, error.message()))
}

/// Where git has left both sides of a conflict in a text, which is why it can not be read.
pub(super) fn unfinished_merge(text: &[u8]) -> Option<Fault> {
    let mut lines = text.split(|byte| *byte == b'\n').zip(1..);
    let (_, line) = lines.find(|(text, _)| text.starts_with(b"<<<<<<< "))?;
    lines.find(|(text, _)| text.starts_with(b"======="))?;
    lines.find(|(text, _)| text.starts_with(b">>>>>>> "))?;
    Some(Fault::new(
        line,
        1,
        "a merge that is not finished: git has left both sides here, and one is to stay",
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::Json;
    use super::*;

    #[test]
    fn what_tells_an_object_comes_first() {
        let value = json!({"b": {"z": 1, "name": "n"}, "a": [{"y": 1, "id": 2}], "type": "T", "id": "i"});
        let text = serde_json::to_string(&Ordered(&value)).unwrap();
        assert_eq!(text, r#"{"id":"i","type":"T","a":[{"id":2,"y":1}],"b":{"name":"n","z":1}}"#);
    }

    #[test]
    fn a_mark_of_the_byte_order_is_no_part_of_a_document() {
        let text = "\u{feff}{\"a\": 1}";
        assert_eq!(read(&Json, text.as_bytes(), "a"), Ok(json!({"a": 1})));
    }

    #[test]
    fn what_is_empty_or_half_merged_is_told_as_that() {
        let told = |text: &str| read(&Json, text.as_bytes(), "a").unwrap_err().to_string();
        for empty in ["", "\u{feff}", " \r\n\n"] {
            assert_eq!(told(empty), "the document is empty");
        }
        let merge = "{\n<<<<<<< HEAD\n\"a\": 1\n=======\n\"a\": 2\n>>>>>>> theirs\n}\n";
        assert!(told(merge).starts_with("line 2, column 1: a merge that is not finished"), "{}", told(merge));
        for no_merge in ["<<<<<<< HEAD\n", "{\n=======\n>>>>>>> a\n<<<<<<< b\n"] {
            assert!(!told(no_merge).contains("merge"), "{}", told(no_merge));
        }
        // What can be read is none, whatever it holds.
        let text = "\"<<<<<<< a ======= >>>>>>> b\"";
        assert!(read(&Json, text.as_bytes(), "a").is_ok());
    }

    #[test]
    fn places_count_characters() {
        let text = "ab\nöü x\n".as_bytes();
        let fault = Fault::at(text, text.iter().position(|byte| *byte == b'x').unwrap(), "m");
        assert_eq!((fault.line, fault.column), (2, 4));
        assert_eq!(fault.to_string(), "line 2, column 4: m");
    }
}

//! What is said of files in a form, in parameters or in the metadata of an upload, and the documents that it makes.
//!
//! It is kept as the texts that came, once for all files that they are said of: a document is many times as large in memory, so each
//! is made when its item is, one after the other.

use realnet_core::model::value;
use realnet_core::{Error, Result};
use serde_json::{Map, Value, json};

/// What the server says of a content: no form does.
pub(crate) const OF_CONTENTS: [&str; 3] = ["size", "checksum", "content_type"];
/// What decides who may create an item, and where.
const OF_RIGHTS: [&str; 3] = ["type", "instance", "parent_id"];
/// What a text takes beside its bytes, about.
const OVERHEAD: usize = 64;

/// What is said of the files that come; texts, since forms know nothing else.
#[derive(Debug, Clone, Default)]
pub(crate) struct Said {
    texts: Vec<Text>,
    /// How many bytes the texts have.
    bytes: usize,
    /// How many files have come.
    files: usize,
    /// Whether a type was asked for.
    pub(crate) has_type: bool,
    /// The name, for a single file.
    pub(crate) name: Option<String>,
}

/// A name and its value.
#[derive(Debug, Clone)]
struct Text {
    name: String,
    value: String,
    /// How many files stood before it.
    files: usize,
}

/// How much of what is said holds for a file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extent {
    texts: usize,
    /// The bytes of that.
    pub(crate) bytes: usize,
}

impl Said {
    /// Takes a name and its value: a property, `attributes` as JSON, or an attribute.
    ///
    /// # Errors
    /// Malformed when the value of `attributes`, `tags`, `location` or `public` is none, and when there is a NUL in it.
    pub(crate) fn add(&mut self, name: &str, text: String) -> Result<()> {
        if name.contains('\0') || text.contains('\0') {
            return Err(Error::malformed_at(name.replace('\0', "\u{fffd}"), "holds a NUL character"));
        }
        let name = match name {
            "name" => {
                self.name = Some(text);
                return Ok(());
            }
            "parent" => "parent_id",
            name if OF_CONTENTS.contains(&name) => {
                return Err(Error::malformed_at(name, "is what the content says"));
            }
            name => name,
        };
        // What can not be read is refused before a file is taken.
        value_of(name, &text)?;
        self.has_type |= name == "type";
        self.bytes += name.len() + text.len() + OVERHEAD;
        self.texts.push(Text { name: name.to_owned(), value: text, files: self.files });
        Ok(())
    }

    /// Notes that a file has come: what is said from here on is of others.
    pub(crate) fn note_file(&mut self) -> Extent {
        self.files += 1;
        self.extent()
    }

    /// How much is said so far.
    pub(crate) fn extent(&self) -> Extent {
        Extent { texts: self.texts.len(), bytes: self.bytes }
    }

    /// The document of a file with this name and type.
    pub(crate) fn document(&self, extent: Extent, name: &str, type_name: Option<&str>) -> Value {
        let mut document = Map::new();
        let mut tagged = None;
        for Text { name, value, files } in self.texts.iter().take(extent.texts) {
            // They could be read when they came.
            let Ok(value) = value_of(name, value) else { continue };
            match (document.get_mut(name), value) {
                (Some(Value::Object(known)), Value::Object(more)) if name == "attributes" => {
                    known.extend(more);
                }
                (Some(Value::Array(known)), Value::Array(more))
                    if name == "tags" && tagged == Some(*files) =>
                {
                    known.extend(more);
                }
                (_, value) => drop(document.insert(name.clone(), value)),
            }
            if name == "tags" {
                tagged = Some(*files);
            }
        }
        Self::complete(document, name, type_name)
    }

    /// So much of the document of a file as decides who may create it.
    pub(crate) fn outline(&self, name: &str, type_name: Option<&str>) -> Value {
        let known = self.texts.iter().filter(|text| OF_RIGHTS.contains(&&*text.name));
        let document = known.map(|text| (text.name.clone(), Value::from(&*text.value))).collect();
        Self::complete(document, name, type_name)
    }

    fn complete(mut document: Map<String, Value>, name: &str, type_name: Option<&str>) -> Value {
        document.insert("name".to_owned(), name.into());
        if let Some(type_name) = type_name {
            document.insert("type".to_owned(), type_name.into());
        }
        Value::Object(document)
    }
}

/// The value that a text is, by the name that it is given under.
fn value_of(name: &str, text: &str) -> Result<Value> {
    let parsed = || value::parse(text.as_bytes()).map_err(|_| Error::malformed_at(name, "expected JSON"));
    match name {
        "location" => parsed(),
        "attributes" => match parsed()? {
            value @ (Value::Object(_) | Value::Null) => Ok(value),
            _ => Err(Error::malformed_at(name, "expected an object")),
        },
        "public" => {
            let flag = parsed()?.as_bool();
            flag.map(|flag| json!(flag)).ok_or_else(|| Error::malformed_at(name, "expected true or false"))
        }
        "tags" => tags(text),
        _ => Ok(text.into()),
    }
}

/// Words between commas, or a list of them in JSON.
fn tags(text: &str) -> Result<Value> {
    if !text.trim_start().starts_with('[') {
        return Ok(text.split(',').map(str::trim).filter(|tag| !tag.is_empty()).collect());
    }
    let list = value::parse(text.as_bytes()).ok().filter(|list| {
        list.as_array()
            .is_some_and(|tags| tags.iter().all(|tag| tag.as_str().is_some_and(|tag| !tag.is_empty())))
    });
    let expected = "expected words between commas, or a list of words in JSON: [\"a\", \"b\"]";
    list.ok_or_else(|| Error::malformed_at("tags", expected))
}

#[cfg(test)]
mod tests {
    use realnet_core::ErrorKind;

    use super::*;

    fn said(texts: &[(&str, &str)]) -> Result<Said> {
        let mut said = Said::default();
        for (name, text) in texts {
            said.add(name, (*text).to_owned())?;
        }
        Ok(said)
    }

    fn whole(said: &Said) -> Value {
        said.document(said.extent(), "n", None)
    }

    #[test]
    fn texts_make_documents() {
        let said = said(&[
            ("note", "1"),
            ("note", "2"),
            ("public", "true"),
            ("parent", "p"),
            ("attributes", r#"{"a": 1, "b": 1}"#),
            ("attributes", r#"{"b": 2}"#),
        ])
        .unwrap();
        let expected = json!({"name": "n", "note": "2", "public": true, "parent_id": "p", "attributes": {"a": 1, "b": 2}});
        assert_eq!(whole(&said), expected);
        assert_eq!(said.outline("n", Some("Image")), json!({"name": "n", "type": "Image", "parent_id": "p"}));
    }

    #[test]
    fn tags_are_words_or_a_list_and_add_up() {
        for (texts, expected) in [
            (&[("tags", "a, b,")][..], json!(["a", "b"])),
            (&[("tags", r#" ["a,b", "c"]"#)], json!(["a,b", "c"])),
            (&[("tags", "c"), ("tags", "d")], json!(["c", "d"])),
            (&[("tags", "[]"), ("tags", "d")], json!(["d"])),
        ] {
            assert_eq!(whole(&said(texts).unwrap())["tags"], expected, "{texts:?}");
        }
        for bad in ["[a,b]", "[1]", "[\"\"]", "[\"a\",", "[[\"a\"]]"] {
            assert_eq!(said(&[("tags", bad)]).unwrap_err().kind(), ErrorKind::Malformed, "{bad}");
        }
    }

    #[test]
    fn what_is_said_behind_a_file_is_of_others() {
        let mut said = said(&[("tags", "a"), ("note", "1"), ("attributes", r#"{"x": 1}"#)]).unwrap();
        let first = said.note_file();
        for (name, text) in [("tags", "b"), ("tags", "c"), ("note", "2"), ("attributes", r#"{"y": 2}"#)] {
            said.add(name, text.to_owned()).unwrap();
        }
        let second = said.note_file();
        let document = |extent| said.document(extent, "n", None);
        assert_eq!(document(first), json!({"name": "n", "tags": ["a"], "note": "1", "attributes": {"x": 1}}));
        assert_eq!(
            document(second),
            json!({"name": "n", "tags": ["b", "c"], "note": "2", "attributes": {"x": 1, "y": 2}})
        );
        assert!(second.bytes > first.bytes + 8);
    }

    #[test]
    fn nul_and_what_is_no_value_are_refused_at_their_name() {
        for (name, text, at) in [
            ("description", "a\0b", "description"),
            ("tags", "x\0", "tags"),
            ("name", "\0", "name"),
            ("a\0b", "x", "a\u{fffd}b"),
            ("attributes", r#"{"a": "\u0000"}"#, "attributes"),
            ("attributes", "[1]", "attributes"),
            ("public", "yes", "public"),
            ("location", "{", "location"),
            ("checksum", "x", "checksum"),
        ] {
            let error = said(&[(name, text)]).map(drop).unwrap_err();
            assert_eq!((error.kind(), &*error.violations()[0].pointer), (ErrorKind::Malformed, at), "{name}");
        }
    }
}

//! How large the documents of an export may be: as large as what a server takes becomes when it is written, so that to read an export
//! from anybody takes little memory, and what could not be imported is named before anything is sent.

use realnet_core::model::Item;
use realnet_provider_generic::Ordered;
use serde_json::{Map, Value};

use super::layout::Form;
use crate::cli::Failure;

/// The largest document of an item, in bytes: its attributes have 4 MiB as JSON, and more with the layout of a document.
pub const MAX_DOCUMENT: u64 = 16 << 20;
/// The largest declaration of a type, in bytes.
pub const MAX_DECLARATION: u64 = 4 << 20;
/// What the declarations of an export may take together once they are read, in bytes of memory, about.
pub const MAX_DECLARED: usize = 64 << 20;

/// What an item says at most, as JSON: attributes, and some besides.
const MAX_SAID: usize = Item::MAX_ATTRIBUTES + (1 << 20);
/// A value takes so much memory, whatever it is.
const NODE: usize = 64;

/// Refuses the text of an item before it is read where it says more than any item may: values take many times the memory of their text.
pub fn check_text(text: &[u8], form: Form) -> Result<(), String> {
    if least(text, form) <= MAX_SAID {
        return Ok(());
    }
    Err(format!("says more than {} MiB, which is more than a server takes", MAX_SAID >> 20))
}

/// What the values of a text have as JSON at the least, in bytes.
fn least(text: &[u8], form: Form) -> usize {
    // Elements are so long that there can not be too many of them in a document.
    if form == Form::Xml {
        return 0;
    }
    let visible = text.iter().filter(|byte| !byte.is_ascii_whitespace()).count();
    // Six letters may stand for one byte.
    let escapes = text.windows(2).filter(|pair| *pair == b"\\u").count();
    visible.saturating_sub(5 * escapes)
}

/// Refuses the members of an item with larger attributes than a server takes. `length`: that of its text.
pub fn check_attributes(members: &Map<String, Value>, length: usize) -> Result<(), String> {
    // No form is four times as short as JSON.
    if length < Item::MAX_ATTRIBUTES / 4 {
        return Ok(());
    }
    let Some(attributes) = members.get("attributes") else { return Ok(()) };
    let size = attributes.to_string().len();
    if size <= Item::MAX_ATTRIBUTES {
        return Ok(());
    }
    Err(format!(
        "'attributes' have {size} bytes as JSON, and a server takes {} at most",
        Item::MAX_ATTRIBUTES
    ))
}

/// How much memory a value takes, about.
pub fn memory(value: &Value) -> usize {
    NODE + match value {
        Value::String(text) => text.len(),
        Value::Array(values) => values.iter().map(memory).sum(),
        Value::Object(members) => members.iter().map(|(name, value)| name.len() + memory(value)).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

/// The text of a document, which has at most so many bytes: JSON goes without its layout where that would be longer.
pub fn text_of(value: &Value, form: Form, most: u64) -> Result<String, Failure> {
    let mut text = form.codec().encode(value)?;
    if text.len() as u64 > most && form == Form::Json {
        text = serde_json::to_string(&Ordered(value))?;
        text.push('\n');
    }
    if text.len() as u64 <= most {
        return Ok(text);
    }
    let hint = if form == Form::Json { "" } else { " (--format json is shorter)" };
    Err(format!("its document has {} bytes, and {most} are the most{hint}", text.len()).into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const FORMS: [Form; 3] = [Form::Json, Form::Yaml, Form::Xml];

    #[test]
    fn what_a_server_takes_is_read_in_every_form() {
        for value in [
            json!({"attributes": {"a": [[], {}, "", 0, null, true, -1.5, "é\n\u{1}"]}}),
            json!({"attributes": {"deep": [[[[{"a": {"b": [0, 0, 0]}}]]]], "text": "\u{10348} \\u"}}),
            json!({"attributes": {"list": vec![json!([]); 500], "many": vec![json!(null); 500]}}),
        ] {
            let size = value.to_string().len();
            for form in FORMS {
                let text = form.codec().encode(&value).unwrap();
                assert!(least(text.as_bytes(), form) <= size + 200, "{form:?}: {text}");
            }
        }
        // As programs write it that know ASCII only.
        assert_eq!(least(br#"["\u00e9", "\u0041"]"#, Form::Json), br#"["",""]"#.len() + 2);
    }

    #[test]
    fn what_says_too_much_is_not_read() {
        let zeros = |count: usize| format!("[{}0]", "0, ".repeat(count));
        assert_eq!(check_text(zeros(1 << 20).as_bytes(), Form::Json), Ok(()));
        for form in [Form::Json, Form::Yaml] {
            let said = check_text(zeros(3 << 20).as_bytes(), form).unwrap_err();
            assert!(said.contains("more than 5 MiB"), "{said}");
        }
        let indented = format!("[{}]", " ".repeat(15 << 20));
        assert_eq!(check_text(indented.as_bytes(), Form::Json), Ok(()));
    }

    #[test]
    fn attributes_are_measured_as_the_server_does() {
        let members = |count: usize| -> Map<String, Value> {
            serde_json::from_value(json!({"attributes": {"a": "x".repeat(count)}})).unwrap()
        };
        let most = Item::MAX_ATTRIBUTES - r#"{"a":""}"#.len();
        assert_eq!(check_attributes(&members(most), most), Ok(()));
        let said = check_attributes(&members(most + 1), most + 1).unwrap_err();
        assert!(said.contains("4194305 bytes"), "{said}");
    }

    #[test]
    fn a_document_that_would_be_too_long_goes_without_layout() {
        let value = json!({"b": [1, 2, 3], "id": "i"});
        let compact = "{\"id\":\"i\",\"b\":[1,2,3]}\n";
        assert!(text_of(&value, Form::Json, 1000).unwrap().contains("\n  \"b\""));
        assert_eq!(text_of(&value, Form::Json, compact.len() as u64).unwrap(), compact);
        for (form, hint) in [(Form::Json, false), (Form::Yaml, true), (Form::Xml, true)] {
            let said = text_of(&value, form, 10).unwrap_err().to_string();
            assert!(said.contains("10 are the most") && said.contains("--format json") == hint, "{said}");
        }
    }

    #[test]
    fn memory_grows_with_the_number_of_values() {
        assert!(memory(&json!(vec![0; 1000])) > 64_000);
        assert!(memory(&json!({"a": "x".repeat(1000)})) > 1000);
    }
}

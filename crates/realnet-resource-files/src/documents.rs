//! What is said of files in a form or in parameters, as the document of an item.

use std::sync::Arc;

use realnet_core::model::value;
use realnet_core::provider::Content;
use realnet_core::resource::default::NewFile;
use realnet_core::{Error, Result};
use serde_json::{Map, Value, json};

/// What the server says of a content: no form does.
pub(crate) const OF_CONTENTS: [&str; 3] = ["size", "checksum", "content_type"];

/// What is said of the files that come; texts, since forms know nothing else.
#[derive(Debug, Clone, Default)]
pub(crate) struct Said {
    /// Shared with the files that have come already.
    document: Arc<Map<String, Value>>,
    /// Whether a type was asked for.
    pub(crate) has_type: bool,
    /// The name, for a single file.
    pub(crate) name: Option<String>,
}

impl Said {
    /// Takes a name and its value: a property, `attributes` as JSON, or an attribute.
    ///
    /// # Errors
    /// Malformed when the value of `attributes`, `tags`, `location` or `public` is none.
    pub(crate) fn add(&mut self, name: &str, text: String) -> Result<()> {
        let parsed = |text: &str| {
            let expected = || Error::malformed_at(name, "expected JSON");
            value::parse(text.as_bytes()).map_err(|_| expected())
        };
        let value = match name {
            "name" => {
                self.name = Some(text);
                return Ok(());
            }
            "attributes" | "location" => parsed(&text)?,
            "public" => json!(
                parsed(&text)?
                    .as_bool()
                    .ok_or_else(|| Error::malformed_at(name, "expected true or false"))?
            ),
            "tags" => text.split(',').map(str::trim).filter(|tag| !tag.is_empty()).collect(),
            "parent" => return self.add("parent_id", text),
            name if OF_CONTENTS.contains(&name) => {
                return Err(Error::malformed_at(name, "is what the content says"));
            }
            _ => Value::String(text),
        };
        self.has_type |= name == "type";
        let document = Arc::make_mut(&mut self.document);
        match (document.get_mut(name), value) {
            (Some(Value::Object(known)), Value::Object(more)) if name == "attributes" => known.extend(more),
            (_, value) => drop(document.insert(name.to_owned(), value)),
        }
        Ok(())
    }

    /// The document of a file with this name and type.
    pub(crate) fn document(&self, name: &str, type_name: Option<&str>) -> Value {
        let mut document = (*self.document).clone();
        document.extend(own(name, type_name));
        Value::Object(document)
    }

    /// A file with this name and type, and a content.
    pub(crate) fn file(
        &self,
        name: &str,
        type_name: Option<&str>,
        content: Content,
        content_type: String,
    ) -> NewFile {
        let (document, own) = (Arc::clone(&self.document), own(name, type_name));
        NewFile { id: None, document, own, content, content_type }
    }
}

/// What is said of one file alone.
fn own(name: &str, type_name: Option<&str>) -> Map<String, Value> {
    let mut own = Map::new();
    own.insert("name".to_owned(), name.into());
    if let Some(type_name) = type_name {
        own.insert("type".to_owned(), type_name.into());
    }
    own
}

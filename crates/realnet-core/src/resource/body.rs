//! A document of an item as a caller writes it: properties, and attributes nested or flat.

use serde_json::Value;

use crate::error::{Error, Result};
use crate::model::{Item, Map};

/// A document taken apart. Values are canonical (see [`crate::model::value`]).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Body {
    /// Properties other than `attributes`, as given.
    pub properties: Map,
    /// Attributes, nested and flat ones together.
    pub attributes: Map,
    /// Whether `attributes` was null: in a merge patch all of them go.
    pub clears: bool,
}

impl Body {
    /// Takes a document apart. A key that is no property is an attribute; the same key both ways is malformed.
    pub fn parse(document: Value) -> Result<Self> {
        let Value::Object(mut document) = document else {
            return Err(Error::malformed_at("", "expected an object with the properties of an item"));
        };
        let mut body = Self::default();
        match document.remove("attributes") {
            None => {}
            Some(Value::Null) => body.clears = true,
            Some(Value::Object(attributes)) => body.attributes = attributes,
            Some(_) => return Err(Error::malformed_at("/attributes", "expected an object")),
        }
        for (key, value) in document {
            if Item::PROPERTIES.contains(&key.as_str()) {
                body.properties.insert(key, value);
            } else if body.attributes.contains_key(&key) {
                let pointer = format!("/{}", escaped(&key));
                return Err(Error::malformed_at(
                    pointer,
                    "stands both in the document and in its attributes",
                ));
            } else {
                body.attributes.insert(key, value);
            }
        }
        Ok(body)
    }

    /// A property that is given and not null.
    pub fn property(&self, key: &str) -> Option<&Value> {
        self.properties.get(key).filter(|value| !value.is_null())
    }

    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        self.properties.is_empty() && self.attributes.is_empty() && !self.clears
    }
}

/// A key as a segment of a JSON pointer.
fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nested_and_flat_attributes_mix() {
        let body = Body::parse(json!({"name": "Acme", "tier": "pro", "attributes": {"size": 3}})).unwrap();
        assert_eq!(Value::Object(body.attributes), json!({"tier": "pro", "size": 3}));
        assert_eq!(Value::Object(body.properties), json!({"name": "Acme"}));
    }

    #[test]
    fn the_same_key_both_ways_is_malformed() {
        let error = Body::parse(json!({"tier": 1, "attributes": {"tier": 1}})).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Malformed);
        assert_eq!(error.violations()[0].pointer, "/tier");
    }

    #[test]
    fn only_objects_are_documents() {
        for bad in [json!([1]), json!("x"), json!(null), json!({"attributes": [1]})] {
            assert!(Body::parse(bad.clone()).is_err(), "{bad}");
        }
    }
}

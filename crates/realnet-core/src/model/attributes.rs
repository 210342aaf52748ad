//! An item's attributes: JSON text as stored, parsed only when somebody looks inside.

use std::fmt;
use std::sync::OnceLock;

use serde_json::Value;
use serde_json::value::RawValue;

use super::Map;
use crate::error::{Error, Result};

/// A canonical JSON object, kept as text, as a map, or both.
///
/// Reading an item copies the text from the store to the answer; only filters, patches and
/// validation pay for parsing.
#[derive(Clone, Default)]
pub struct Attributes {
    text: OnceLock<Box<str>>,
    map: OnceLock<Map>,
}

impl Attributes {
    /// As text; what [`Self::slim`] leaves alone.
    const SMALL: usize = 4096;

    /// From a map whose values are canonical (see [`super::value::canonicalize`]).
    pub fn from_map(map: Map) -> Self {
        let cell = OnceLock::new();
        // A fresh cell is empty, so this always stores the map.
        let _ = cell.set(map);
        Self { text: OnceLock::new(), map: cell }
    }

    /// From text that this type wrote earlier; it is parsed when first needed.
    pub fn from_stored(text: impl Into<Box<str>>) -> Self {
        let cell = OnceLock::new();
        let _ = cell.set(text.into());
        Self { text: cell, map: OnceLock::new() }
    }

    /// The attributes as a map. Text that is not an object reads as empty: stores verify what they load.
    pub fn as_map(&self) -> &Map {
        self.map.get_or_init(|| {
            self.text.get().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
        })
    }

    /// The attributes as canonical JSON text.
    pub fn as_text(&self) -> &str {
        self.text.get_or_init(|| {
            let map = self.map.get_or_init(Map::new);
            super::value::canonical_text(map).into_boxed_str()
        })
    }

    /// One value.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_map().get(key)
    }

    /// The map, owned.
    pub fn into_map(self) -> Map {
        self.as_map();
        self.map.into_inner().unwrap_or_default()
    }

    /// Keeps the text alone, which is less than a map takes: for what waits until it is needed.
    pub fn pack(&mut self) {
        self.as_text();
        self.map = OnceLock::new();
    }

    /// As [`Self::pack`], where it is worth it: small ones stay as they are.
    pub fn slim(&mut self) {
        if self.size() > Self::SMALL {
            self.pack();
        }
    }

    /// Whether there is no attribute.
    pub fn is_empty(&self) -> bool {
        match self.text.get() {
            Some(text) => &**text == "{}",
            None => self.as_map().is_empty(),
        }
    }

    /// Length of the JSON text in bytes.
    pub fn size(&self) -> usize {
        self.as_text().len()
    }

    /// Checks that stored text is a JSON object.
    pub fn verify(&self) -> Result<()> {
        let text = self.as_text();
        serde_json::from_str::<Map>(text)
            .map(|_| ())
            .map_err(|error| Error::internal("stored attributes are not a JSON object").with_source(error))
    }
}

impl From<Map> for Attributes {
    fn from(map: Map) -> Self {
        Self::from_map(map)
    }
}

impl PartialEq for Attributes {
    fn eq(&self, other: &Self) -> bool {
        self.as_text() == other.as_text()
    }
}

impl Eq for Attributes {}

impl fmt::Debug for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.as_map()).finish()
    }
}

impl serde::Serialize for Attributes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(self.as_text()).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl<'de> serde::Deserialize<'de> for Attributes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Map::deserialize(deserializer).map(Self::from_map)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_map_agree() {
        let stored = Attributes::from_stored(r#"{"a":1,"b":"x"}"#);
        let built = Attributes::from_map(serde_json::from_str(r#"{"b":"x","a":1}"#).unwrap());
        assert_eq!(stored, built);
        assert_eq!(built.as_text(), r#"{"a":1,"b":"x"}"#);
        assert_eq!(stored.get("a"), Some(&Value::from(1)));
        let mut packed = built.clone();
        packed.slim();
        assert!(packed.map.get().is_some(), "it is small");
        packed.pack();
        assert!(packed.map.get().is_none());
        assert_eq!((&packed, packed.get("b")), (&built, Some(&Value::from("x"))));
    }

    #[test]
    fn corrupt_text_is_found_by_verify() {
        assert!(Attributes::from_stored("[1]").verify().is_err());
        assert!(Attributes::from_stored("{}").verify().is_ok());
    }
}

//! An initialization document: types and items as an author wrote them, tolerances applied, places kept.

use std::sync::Arc;

use serde_json::Value;

use super::place::{Place, refused};
use super::{parse_items, parse_types, position};
use crate::acl::Grant;
use crate::error::{Error, Result, Violation};
use crate::model::{Field, Map, value};

/// Which layer a document belongs to, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    /// Types and items that know nothing of apps.
    Resource,
    /// App types and items; they may refer to resource types.
    App,
}

/// A parsed document: the unit that a load, a plan and the record of what was applied speak of.
#[derive(Debug, Clone)]
pub struct Document {
    pub(super) source: Arc<str>,
    pub(super) layer: Layer,
    pub(super) types: Vec<TypeEntry>,
    pub(super) items: Vec<ItemEntry>,
    /// What is contradictory, but was so in old documents: refused unless compatible reading is asked for.
    pub(super) contradictions: Vec<Violation>,
}

/// A type as written.
#[derive(Debug, Clone)]
pub(super) struct TypeEntry {
    pub(super) name: String,
    /// As written, or the surrounding type's; `None` means Item.
    pub(super) base: Option<String>,
    pub(super) attributes: Map,
    pub(super) fields: Vec<(Field, Place)>,
    pub(super) access: Option<Vec<Grant>>,
    pub(super) instances: Vec<InstanceEntry>,
    pub(super) place: Place,
}

/// An instance as written; of the type that declares it unless `type_name` says otherwise.
#[derive(Debug, Clone)]
pub(super) struct InstanceEntry {
    pub(super) name: String,
    pub(super) type_name: Option<String>,
    pub(super) attributes: Map,
    pub(super) access: Option<Vec<Grant>>,
    pub(super) place: Place,
}

/// An item as written.
#[derive(Debug, Clone)]
pub(super) struct ItemEntry {
    pub(super) name: String,
    pub(super) type_name: String,
    /// Properties besides name, type and place, as JSON: `instance status visibility location valid_from valid_to
    /// public linked_item_id tags access`.
    pub(super) properties: Map,
    pub(super) attributes: Map,
    pub(super) items: Vec<ItemEntry>,
    pub(super) place: Place,
}

impl Document {
    /// Reads a document from its value. `positions` gives line and column of a JSON pointer, where the format has
    /// them. Everything that is wrong is reported at once.
    pub fn from_value(
        source: impl Into<Arc<str>>,
        value: &Value,
        positions: impl Fn(&str) -> Option<(u32, u32)> + Send + Sync + 'static,
    ) -> Result<Self> {
        let source = source.into();
        let root = Place::new(Arc::clone(&source), Arc::new(positions));
        let mut violations = Vec::new();
        let mut document = Self {
            layer: layer_of(&source),
            source,
            types: Vec::new(),
            items: Vec::new(),
            contradictions: Vec::new(),
        };
        let Value::Object(map) = value else {
            return Err(refused(vec![root.violation("expected an object with types and items")]));
        };
        for (key, value) in map {
            match key.as_str() {
                "types" => parse_types::list(value, None, &root.below(key), &mut document, &mut violations),
                "items" => {
                    document.items = parse_items::list(value, &root.below(key), &mut violations);
                }
                // Words about the document itself.
                "$schema" | "name" | "description" | "version" => {}
                other => {
                    violations.push(
                        root.below(key)
                            .violation(format!("'{other}' is not known here, expected types and items")),
                    );
                }
            }
        }
        if violations.is_empty() { Ok(document) } else { Err(refused(violations)) }
    }

    /// Where it came from.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Its layer.
    pub fn layer(&self) -> Layer {
        self.layer
    }

    /// The same document in another layer than its name says.
    #[must_use]
    pub fn with_layer(mut self, layer: Layer) -> Self {
        self.layer = layer;
        self
    }

    /// The same document as part of another source, such as `builtin:core.json`.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Arc<str>>) -> Self {
        self.source = source.into();
        self
    }
}

/// Reads a JSON document. Duplicate keys and deep nesting are refused; errors name source, line and column.
pub fn parse_json(source: &str, text: &str) -> Result<Document> {
    let value = value::parse(text.as_bytes())
        .map_err(|error| Error::malformed(format!("{source}: {}", error.message())))?;
    let text: Arc<str> = Arc::from(text);
    Document::from_value(source, &value, move |pointer| position::locate(&text, pointer))
}

/// `x_apps.json` and `apps.json` are of the app layer.
fn layer_of(source: &str) -> Layer {
    let file = source.rsplit(['/', '\\', ':']).next().unwrap_or(source);
    let stem = file.split('.').next().unwrap_or(file).to_lowercase();
    if stem == "apps" || stem.ends_with("_apps") { Layer::App } else { Layer::Resource }
}

/// Booleans may be written as text.
pub(super) fn tolerant_bool(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// Reads the attributes of an entry: the object `attributes` and every key that is none of `known`.
pub(super) fn folded_attributes(
    map: &Map,
    known: &[&str],
    place: &Place,
    violations: &mut Vec<Violation>,
) -> Map {
    let mut attributes = match map.get("attributes") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(attributes)) => attributes.clone(),
        Some(_) => {
            violations.push(place.below("attributes").violation("expected an object"));
            Map::new()
        }
    };
    for (key, value) in map.iter().filter(|(key, _)| !known.contains(&key.as_str()) && *key != "attributes") {
        if attributes.insert(key.clone(), value.clone()).is_some() {
            let segment = crate::registry::problems::escaped(key);
            violations.push(place.below(segment).violation("stands here and among the attributes"));
        }
    }
    attributes
}

/// Reads a text that must be there and not be empty.
pub(super) fn required_text(
    map: &Map,
    key: &str,
    place: &Place,
    violations: &mut Vec<Violation>,
) -> Option<String> {
    match map.get(key) {
        Some(Value::String(text)) if !text.trim().is_empty() => Some(text.clone()),
        None => {
            violations.push(place.violation(format!("'{key}' is missing")));
            None
        }
        Some(_) => {
            violations.push(place.below(key).violation(format!("'{key}' must be text that is not empty")));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_follow_from_names() {
        for (source, layer) in [
            ("core.json", Layer::Resource),
            ("builtin:apps.json", Layer::App),
            ("/etc/init/crm_apps.yaml", Layer::App),
            ("mapps.json", Layer::Resource),
        ] {
            assert_eq!(layer_of(source), layer, "{source}");
        }
    }

    #[test]
    fn errors_name_source_line_and_column() {
        let text = "{\"types\": [\n  {\"name\": \"A\", \"fields\": [\n    {\"name\": \"f\", \"type\": \"strin\"}]},\n  {\"base\": 3}]}";
        let error = parse_json("x.json", text).unwrap_err();
        let details: Vec<&str> =
            error.violations().iter().map(|violation| violation.detail.as_str()).collect();
        assert!(details[0].starts_with("x.json:3:5: type A: field f: "), "{details:?}");
        assert!(details[0].contains("strin"), "{details:?}");
        assert!(details[1].starts_with("x.json:4:3: 'name' is missing"), "{details:?}");
        assert!(error.message().contains("more"), "{error}");
        let twice = parse_json("x.json", "{\"types\": [],\n \"types\": []}").unwrap_err();
        assert!(twice.message().starts_with("x.json: ") && twice.message().contains("line 2"), "{twice}");
    }

    #[test]
    fn tolerances() {
        let document = parse_json(
            "x.json",
            r#"{"types": [{"name": "A", "icon": "x", "strict": "true", "inherits_access": "true", "fields": [{"name": "f", "type": "string", "required": "true"}],
                "types": [{"name": "B", "instances": [{"name": "I", "color": "red"}]}]}],
               "items": [{"name": "One", "type": "A", "f": "v", "public": "true", "items": [{"name": "Two", "type": "B"}]}]}"#,
        )
        .unwrap();
        let [a, b] = document.types.as_slice() else { panic!("{:?}", document.types) };
        assert_eq!(
            (a.attributes["icon"].as_str(), a.attributes["strict"].as_bool()),
            (Some("x"), Some(true))
        );
        assert_eq!(a.attributes["inherits_access"].as_bool(), Some(true));
        assert!(a.fields[0].0.required);
        assert_eq!(b.base.as_deref(), Some("A"));
        assert_eq!(b.instances[0].attributes["color"], "red");
        let item = &document.items[0];
        assert_eq!(
            (item.attributes["f"].as_str(), item.properties["public"].as_bool()),
            (Some("v"), Some(true))
        );
        assert_eq!(item.items[0].name, "Two");
    }
}

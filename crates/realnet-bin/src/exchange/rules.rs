//! What the values of items have to be like, by the types that will count: the checks that a server makes of a new item, made before
//! anything is sent to one, so that all that is wrong is told at once. What only the server knows (what is unique, who may) is not among them.

use std::sync::Arc;

use realnet_core::acl::Caller;
use realnet_core::clock::System;
use realnet_core::load::{Document, Options, State, TYPE_KEYS, Target, plan};
use realnet_core::registry::TypeRegistry;
use realnet_core::secret::Secrets;
use realnet_core::{Uuid, Violation};
use serde_json::{Map, Value, json};

use super::document::attributes;

/// Modules whose items are what their documents say.
const PLAIN: [&str; 2] = ["items", "files"];

/// What a type says of the values of its items, with all that it inherits: what is nearer to the item is added first.
#[derive(Debug, Default)]
pub struct Model {
    fields: Vec<Value>,
    constants: Map<String, Value>,
    instances: Map<String, Value>,
    /// What carries out operations on them.
    module: Option<String>,
}

impl Model {
    /// Adds a declaration, or what a server says of a type as a whole.
    pub fn add(&mut self, source: &Value) {
        let module = source["module"].as_str().map(str::to_owned);
        self.module = self.module.take().or(module);
        for field in source["fields"].as_array().into_iter().flatten() {
            if !self.fields.iter().any(|known| known["name"] == field["name"]) {
                self.fields.push(field.clone());
            }
        }
        let folded = source.as_object().into_iter().flatten();
        let folded = folded.filter(|(key, _)| !TYPE_KEYS.contains(&key.as_str()) && *key != "attributes");
        for (key, value) in source["attributes"].as_object().into_iter().flatten().chain(folded) {
            self.constants.entry(key.clone()).or_insert_with(|| value.clone());
        }
        match &source["instances"] {
            Value::Array(entries) => {
                for entry in entries {
                    let mut constants = entry["attributes"].as_object().cloned().unwrap_or_default();
                    let folded =
                        entry.as_object().into_iter().flatten().filter(|(key, _)| *key != "attributes");
                    constants.extend(folded.map(|(key, value)| (key.clone(), value.clone())));
                    self.instance(entry["name"].as_str().unwrap_or_default(), &Value::Object(constants));
                }
            }
            Value::Object(entries) => {
                for (name, attributes) in entries {
                    self.instance(name, attributes);
                }
            }
            _ => {}
        }
    }

    fn instance(&mut self, name: &str, attributes: &Value) {
        self.instances.entry(name.to_owned()).or_insert_with(|| attributes.clone());
    }

    /// The rules; none where they can not be made out, which leaves it to the server.
    pub fn rules(&self, name: &str) -> Option<Rules> {
        // The root of all types has no bases that could be put together with it, and others than plain modules make something else of
        // what they are given.
        let is_plain = self.module.as_deref().is_none_or(|module| PLAIN.contains(&module));
        if name.eq_ignore_ascii_case("Item") || !is_plain {
            return None;
        }
        let names: Vec<&str> = self.fields.iter().filter_map(|field| field["name"].as_str()).collect();
        let matters = |key: &str| key == "strict" || names.contains(&key);
        let only = |all: &Value| -> Map<String, Value> {
            let all = all.as_object().into_iter().flatten().filter(|(key, _)| matters(key));
            all.map(|(key, value)| (key.clone(), value.clone())).collect()
        };
        let instances: Vec<Value> = self
            .instances
            .iter()
            .map(|(name, constants)| json!({"name": name, "attributes": only(constants)}))
            .collect();
        let constants = only(&Value::Object(self.constants.clone()));
        let fields: Vec<Value> = self.fields.iter().filter_map(field).collect();
        let declaration = json!({"name": name, "base": "Item", "fields": fields,
            "attributes": constants, "instances": instances});
        let document = json!({"types": [{"name": "Item"}, declaration]});
        let document = Document::from_value("types", &document, |_| None).ok()?;
        let state = State {
            registry: Arc::new(TypeRegistry::default()),
            sources: Vec::new(),
            items: Vec::new(),
            secrets: Secrets::default(),
        };
        let target = Target::of(Arc::new(Caller::system(Uuid::nil())));
        let options = Options { items: false, ..Options::default() };
        let plan = plan(&state, &[document], &target, options, &System).ok()?;
        plan.next_registry.map(|registry| Rules { name: name.to_owned(), registry })
    }
}

/// A field as far as values are concerned; none of those that only the server sets.
fn field(field: &Value) -> Option<Value> {
    let mut field = field.clone();
    if field["readonly"] == json!(true) {
        return None;
    }
    // Where it leads is for the server to see.
    if matches!(field["type"].as_str(), Some("reference" | "file")) {
        field["type"] = json!("reference");
        field["reference"] = json!("Item");
    }
    let members = field.as_object_mut()?;
    for other in ["mime", "max_size", "on_delete", "unique", "index"] {
        members.shift_remove(other);
    }
    // It may have a default that is not shown.
    if members.get("read").is_some_and(|roles| !roles.is_null()) {
        members.shift_remove("required");
    }
    Some(field)
}

/// The rules for items of one type.
#[derive(Debug)]
pub struct Rules {
    name: String,
    registry: Arc<TypeRegistry>,
}

impl Rules {
    /// What is wrong with a document of a new item.
    pub fn violations(&self, document: &Map<String, Value>) -> Vec<Violation> {
        let Some(info) = self.registry.system(&self.name) else { return Vec::new() };
        let instance = document.get("instance").and_then(Value::as_str);
        let mut own = attributes(document).cloned().unwrap_or_default();
        info.apply_defaults(instance, &mut own);
        let mut violations = match info.validate(instance, &mut own) {
            Ok(()) => Vec::new(),
            Err(error) => error.violations().to_vec(),
        };
        for violation in &mut violations {
            let name = violation.pointer.strip_prefix("/attributes/").unwrap_or_default();
            if info.field(name).is_some_and(|field| field.is_secret()) && !own.contains_key(name) {
                violation.detail = String::from(
                    "is required, and secrets are in no export: put it among the attributes of the document",
                );
            }
        }
        violations
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(rules: &Rules, document: Value) -> Vec<String> {
        let document: Map<String, Value> = serde_json::from_value(document).unwrap();
        let violations = rules.violations(&document).into_iter();
        violations.map(|violation| format!("{}: {}", violation.pointer, violation.detail)).collect()
    }

    #[test]
    fn values_are_as_the_types_have_them() {
        let mut model = Model::default();
        model.add(&json!({"name": "Book", "base": "Thing", "strict": true, "fields": [
            {"name": "state", "type": "enum", "values": ["new", "old"], "required": true, "default": "new"},
            {"name": "author", "type": "reference", "reference": "Author", "required": true, "on_delete": "restrict"},
            {"name": "cover", "type": "file", "mime": ["image/*"]},
            {"name": "pin", "type": "secret", "required": true},
            {"name": "size", "type": "integer", "readonly": true, "required": true}],
            "instances": [{"name": "Rare", "attributes": {"pages": 7, "color": "red"}}]}));
        model.add(&json!({"fields": [{"name": "state", "type": "string"},
            {"name": "pages", "type": "integer", "min": 1, "required": true}],
            "attributes": {"icon": "book"}, "instances": {"Old": {"pages": 3}}}));
        let rules = model.rules("Book").unwrap();
        let id = Uuid::from_u128(1);
        let good = json!({"attributes": {"author": id, "cover": id, "pin": "x", "pages": 2}});
        assert_eq!(told(&rules, good), [""; 0]);
        for instance in ["Rare", "Old"] {
            let given = json!({"instance": instance, "attributes": {"author": id, "pin": "x"}});
            assert_eq!(told(&rules, given), [""; 0], "{instance} has pages");
        }
        let said =
            told(&rules, json!({"attributes": {"author": "nobody", "state": "lost", "pages": 0, "more": 1}}));
        for pointer in ["/attributes/author", "/attributes/state", "/attributes/pages"] {
            assert!(said.iter().any(|words| words.starts_with(pointer)), "{pointer}: {said:?}");
        }
        assert!(said.iter().any(|words| words.contains("more")), "{said:?}");
        let secret = said.iter().find(|words| words.starts_with("/attributes/pin"));
        assert!(secret.is_some_and(|words| words.contains("secrets are in no export")), "{said:?}");
        assert!(Model::default().rules("Item").is_none());
        model.add(&json!({"module": "accounts"}));
        assert!(model.rules("Book").is_none());
    }
}

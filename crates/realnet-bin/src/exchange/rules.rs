//! What the values of items have to be like, by the types that will count: the checks that a server makes of a new item, made before
//! anything is sent to one, so that all that is wrong is told at once. What only the server knows (what is unique, who may) is not among them.

use std::collections::HashSet;
use std::sync::Arc;

use realnet_core::acl::Caller;
use realnet_core::clock::System;
use realnet_core::load::{Document, Options, State, TYPE_KEYS, Target, plan};
use realnet_core::registry::TypeRegistry;
use realnet_core::secret::Secrets;
use realnet_core::{Uuid, Violation};
use serde_json::{Map, Value, json};

use super::document::attributes;

/// The root of all types.
const ROOT: &str = "Item";
/// Modules whose items are what their documents say.
const PLAIN: [&str; 2] = ["items", "files"];

/// The rules for items of the first of these types; the others are its bases, one after the other, of which the last may say all that it
/// inherits itself. They are put together as a server does it. None where they can not be made out, which leaves it to the server.
pub fn of(chain: &[(&str, &Value)]) -> Option<Rules> {
    let (name, _) = chain.first()?;
    let module = chain.iter().find_map(|(_, source)| source["module"].as_str());
    // The root has no values of its own, and other modules make something else of what they are given.
    if name.eq_ignore_ascii_case(ROOT) || module.is_some_and(|module| !PLAIN.contains(&module)) {
        return None;
    }
    let fields = chain.iter().filter_map(|(_, source)| source["fields"].as_array()).flatten();
    let names: HashSet<&str> = fields.filter_map(|field| field["name"].as_str()).collect();
    let mut types = vec![json!({"name": ROOT})];
    let mut base = ROOT;
    for (name, source) in chain.iter().rev() {
        let declaration = declaration(name, base, source, &names);
        if name.eq_ignore_ascii_case(ROOT) {
            types = vec![declaration];
        } else {
            types.push(declaration);
            base = name;
        }
    }
    let document = Document::from_value("types", &json!({ "types": types }), |_| None).ok()?;
    let state = State {
        registry: Arc::new(TypeRegistry::default()),
        sources: Vec::new(),
        items: Vec::new(),
        secrets: Secrets::default(),
    };
    let target = Target::of(Arc::new(Caller::system(Uuid::nil())));
    let options = Options { items: false, ..Options::default() };
    let plan = plan(&state, &[document], &target, options, &System).ok()?;
    plan.next_registry.map(|registry| Rules { name: (*name).to_owned(), registry })
}

/// A type as far as values are concerned. `names`: of all fields; nothing else that is said has to do with values.
fn declaration(name: &str, base: &str, source: &Value, names: &HashSet<&str>) -> Value {
    let only = |said: &Value| -> Map<String, Value> {
        let folded =
            said.as_object().into_iter().flatten().filter(|(key, _)| !TYPE_KEYS.contains(&key.as_str()));
        let all = said["attributes"].as_object().into_iter().flatten().chain(folded);
        let all = all.filter(|(key, _)| *key == "strict" || names.contains(key.as_str()));
        all.map(|(key, value)| (key.clone(), value.clone())).collect()
    };
    let instances: Vec<Value> = match &source["instances"] {
        Value::Array(entries) => {
            entries.iter().map(|entry| json!({"name": entry["name"], "attributes": only(entry)})).collect()
        }
        Value::Object(entries) => {
            let told = |(name, own): (&String, &Value)| json!({"name": name, "attributes": only(own)});
            entries.iter().map(told).collect()
        }
        _ => Vec::new(),
    };
    let fields: Vec<Value> = source["fields"].as_array().into_iter().flatten().filter_map(field).collect();
    let mut declaration =
        json!({"name": name, "fields": fields, "attributes": only(source), "instances": instances});
    if !name.eq_ignore_ascii_case(ROOT) {
        declaration["base"] = json!(base);
    }
    declaration
}

/// A field as far as values are concerned.
fn field(field: &Value) -> Option<Value> {
    let mut field = field.clone();
    // Where it leads is for the server to see.
    if matches!(field["type"].as_str(), Some("reference" | "file")) {
        field["type"] = json!("reference");
        field["reference"] = json!(ROOT);
    }
    let is_readonly = field["readonly"] == json!(true);
    let members = field.as_object_mut()?;
    for other in ["mime", "max_size", "on_delete", "unique", "index", "readonly"] {
        members.shift_remove(other);
    }
    // Only the server sets it, or it may have a default that is not shown.
    if is_readonly || members.get("read").is_some_and(|roles| !roles.is_null()) {
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
        let book = json!({"name": "Book", "base": "Thing", "strict": true, "fields": [
            {"name": "state", "type": "enum", "values": ["new", "old"], "required": true, "default": "new"},
            {"name": "author", "type": "reference", "reference": "Author", "required": true, "on_delete": "restrict"},
            {"name": "cover", "type": "file", "mime": ["image/*"]},
            {"name": "pin", "type": "secret", "required": true},
            {"name": "size", "type": "integer", "readonly": true, "required": true}],
            "instances": [{"name": "Rare", "attributes": {"pages": 7, "color": "red"}}]});
        let thing = json!({"fields": [{"name": "pages", "type": "integer", "min": 1, "required": true}],
            "attributes": {"icon": "book"}, "instances": {"Old": {"pages": 3}}, "module": "items"});
        let rules = of(&[("Book", &book), ("Thing", &thing)]).unwrap();
        let id = Uuid::from_u128(1);
        let good = json!({"attributes": {"author": id, "cover": id, "pin": "x", "pages": 2}});
        assert_eq!(told(&rules, good), [""; 0]);
        let given = json!({"instance": "Rare", "attributes": {"author": id, "pin": "x"}});
        assert_eq!(told(&rules, given), [""; 0], "it has pages");
        let said =
            told(&rules, json!({"attributes": {"author": "nobody", "state": "lost", "pages": 0, "more": 1}}));
        for pointer in ["/attributes/author", "/attributes/state", "/attributes/pages"] {
            assert!(said.iter().any(|words| words.starts_with(pointer)), "{pointer}: {said:?}");
        }
        assert!(said.iter().any(|words| words.contains("more")), "{said:?}");
        let secret = said.iter().find(|words| words.starts_with("/attributes/pin"));
        assert!(secret.is_some_and(|words| words.contains("secrets are in no export")), "{said:?}");
        assert!(of(&[("Item", &thing)]).is_none() && of(&[]).is_none());
        assert!(of(&[("Book", &book), ("Account", &json!({"module": "accounts"}))]).is_none());
    }

    #[test]
    fn what_is_narrowed_is_inherited() {
        let base = json!({"name": "Base", "fields": [{"name": "words", "type": "string", "multiple": true},
            {"name": "state", "type": "enum", "values": ["new", "old"], "required": true, "default": "new"}]});
        let derived = json!({"name": "Derived", "base": "Base", "fields": [
            {"name": "words", "type": "string", "max_length": 5},
            {"name": "state", "type": "enum", "values": ["new"]}]});
        let item = json!({"fields": [], "module": "items"});
        let rules = of(&[("Derived", &derived), ("Base", &base), ("Item", &item)]).unwrap();
        assert_eq!(told(&rules, json!({"attributes": {"words": ["a", "b"]}})), [""; 0]);
        let said = told(&rules, json!({"attributes": {"words": ["too long"], "state": "old"}}));
        for pointer in ["/attributes/words", "/attributes/state"] {
            assert!(said.iter().any(|words| words.starts_with(pointer)), "{pointer}: {said:?}");
        }
    }
}

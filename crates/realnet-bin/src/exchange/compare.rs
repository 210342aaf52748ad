//! How an item that is there already differs from its document, as the steps of a JSON Patch that make it equal.

use serde_json::{Map, Value, json};

use super::document::{KEYS, attributes};
use super::types::Fields;

/// The steps; none where nothing differs. What only the server sets is passed over, as are secrets, which nobody is shown.
pub fn steps(present: &Map<String, Value>, wanted: &Map<String, Value>, fields: &Fields) -> Vec<Value> {
    let mut steps = Vec::new();
    let none = Map::new();
    let (own, given) = (attributes(present).unwrap_or(&none), attributes(wanted).unwrap_or(&none));
    let is_ours = |name: &str| fields.get(name).is_none_or(|field| !field.readonly && !field.secret);
    let add = |steps: &mut Vec<Value>, path: String, value: &Value| {
        steps.push(json!({"op": "add", "path": path, "value": value}));
    };
    for key in KEYS.into_iter().filter(|key| !matches!(*key, "id" | "type" | "attributes")) {
        // Who says nothing of the owner wants no other one.
        let is_meant = key != "owner" || wanted.contains_key(key);
        if is_meant && present.get(key) != wanted.get(key) {
            add(&mut steps, format!("/{key}"), wanted.get(key).unwrap_or(&Value::Null));
        }
    }
    for (name, value) in given.iter().filter(|(name, _)| is_ours(name)) {
        if own.get(name) != Some(value) {
            add(&mut steps, pointer(name), value);
        }
    }
    for (name, value) in own.iter().filter(|(name, _)| is_ours(name) && !given.contains_key(*name)) {
        // A new item would have got it by itself.
        let is_default = fields.get(name).is_some_and(|field| field.default.as_ref() == Some(value));
        if !is_default {
            steps.push(json!({"op": "remove", "path": pointer(name)}));
        }
    }
    steps
}

/// Those steps that set what is not there yet, or of a list only a part, among the given names of properties and fields.
pub fn completing(steps: Vec<Value>, present: &Map<String, Value>, names: &[String]) -> Vec<Value> {
    let own = |name: &String| present.get(name).or_else(|| attributes(present)?.get(name));
    let completes = |step: &Value| {
        let named = |name: &&String| {
            step["path"] == json!(format!("/{name}")) || step["path"] == json!(pointer(name))
        };
        let is_part = |name: &String| match (own(name), &step["value"]) {
            (None, _) => true,
            (Some(Value::Array(some)), Value::Array(all)) => some.iter().all(|one| all.contains(one)),
            _ => false,
        };
        step["op"] == "add" && names.iter().find(named).is_some_and(is_part)
    };
    steps.into_iter().filter(completes).collect()
}

fn pointer(name: &str) -> String {
    format!("/attributes/{}", name.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(value: Value) -> Map<String, Value> {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn steps_say_what_differs() {
        let fields = Fields::default();
        let present = members(json!({"id": "i", "name": "a", "status": "s", "owner": "o",
            "attributes": {"x": 1, "a/b": {"c": 1}, "gone": true}}));
        assert!(steps(&present, &present, &fields).is_empty());
        let wanted =
            members(json!({"id": "j", "name": "b", "attributes": {"x": 1, "a/b": {"d": 1}, "new": null}}));
        assert_eq!(
            steps(&present, &wanted, &fields),
            [
                json!({"op": "add", "path": "/name", "value": "b"}),
                json!({"op": "add", "path": "/status", "value": null}),
                json!({"op": "add", "path": "/attributes/a~1b", "value": {"d": 1}}),
                json!({"op": "add", "path": "/attributes/new", "value": null}),
                json!({"op": "remove", "path": "/attributes/gone"}),
            ]
        );
    }

    #[test]
    fn what_is_absent_can_be_completed() {
        let present = members(json!({"name": "a", "attributes": {"x": 1, "l": [1], "m": [3]}}));
        let wanted = members(
            json!({"name": "b", "parent_id": "p", "attributes": {"x": 2, "y": "r", "l": [1, 2], "m": [1]}}),
        );
        let steps = steps(&present, &wanted, &Fields::default());
        let names = ["parent_id", "x", "y", "l", "m"].map(str::to_owned);
        let paths: Vec<Value> =
            completing(steps, &present, &names).into_iter().map(|step| step["path"].clone()).collect();
        assert_eq!(paths, ["/parent_id", "/attributes/y", "/attributes/l"]);
    }
}

//! Tests of documents in which something is wrong: what is said of it, and what compatible reading makes of it.

use serde_json::{Value, json};

use super::tests::{World, crm, document, org};
use super::{Options, parse_json};

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let refusal = |value: Value| {
        let world = World::default();
        let mut base = crm("pro");
        for part in ["types", "items"] {
            let more = value[part].as_array().cloned().unwrap_or_default();
            base[part].as_array_mut().unwrap().extend(more);
        }
        let text = serde_json::to_string_pretty(&base).unwrap();
        let error = world.plan(&[parse_json("x.json", &text).unwrap()], Options::default()).unwrap_err();
        assert!(
            error.violations().iter().all(|violation| violation.detail.starts_with("x.json:")),
            "{error:?}"
        );
        error.violations().iter().map(|violation| violation.detail.clone()).collect::<Vec<_>>().join("\n")
    };
    for (value, words) in [
        (json!({"types": [{"name": "X", "base": "Nothing"}]}), "unknown base Nothing"),
        (json!({"types": [{"name": "X", "base": "Y"}, {"name": "Y", "base": "X"}]}), "cycle"),
        (
            json!({"types": [{"name": "X", "fields": [{"name": "f", "type": "string", "min": 1}]}]}),
            "field f: min",
        ),
        (json!({"types": [{"name": "Customer", "base": "Folder"}]}), "has the base Folder here"),
        (json!({"types": [{"name": "X", "instances": [{"name": "I"}, {"name": "i"}]}]}), "stands twice"),
        (
            json!({"types": [{"name": "X", "instances": [{"name": "I", "type": "Nothing"}]}]}),
            "unknown type Nothing",
        ),
        (
            json!({"types": [{"name": "X", "instances": [{"name": "I", "type": "Y"}]},
            {"name": "Y", "instances": [{"name": "I", "type": "X"}]}]}),
            "members of each other",
        ),
        (json!({"items": [{"name": "I", "type": "Nothing"}]}), "type Nothing is unknown"),
        (json!({"items": [{"name": "Acme", "type": "Customer"}]}), "stands beside it"),
        (json!({"items": [{"name": "I", "type": "Customer", "tier": "gold"}]}), "email: is required"),
        (json!({"items": [{"name": "I", "type": "Folder", "instance": "None"}]}), "has no instance None"),
        (
            json!({"items": [{"name": "I", "type": "Folder", "to": {"$ref": {"type": "Folder", "name": "?"}}}]}),
            "not there",
        ),
        (
            json!({"items": [{"name": "A", "type": "Folder", "to": {"$ref": {"type": "Folder", "name": "B"}}},
            {"name": "B", "type": "Folder", "to": {"$ref": {"type": "Item", "name": "A"}}}]}),
            "refer to each other",
        ),
    ] {
        let details = refusal(value.clone());
        assert!(details.contains(words), "{value}: {details}");
    }
}

#[test]
fn compatible_reading_warns() {
    let mut old = crm("pro");
    let types = old["types"].as_array_mut().unwrap();
    types.push(json!({"name": "Customer", "base": "Folder", "color": "red", "instances": [{"name": "I"}, {"name": "I"}]}));
    old["items"].as_array_mut().unwrap().push(json!({"name": "I", "type": "Nothing"}));
    let mut world = World::default();
    let documents = [document("old.json", &old)];
    let plan = world.plan(&documents, Options { compat: true, ..Options::default() }).unwrap();
    world.apply(&plan);
    assert_eq!(plan.warnings.len(), 4, "{:?}", plan.warnings);
    let customer = world.registry.find(org(), "Customer").unwrap();
    assert_eq!(customer.definition().base.as_deref(), Some("Item"));
    assert_eq!(customer.attributes()["color"], "red");
}

//! Tests of registries as a whole: inheritance, checks of declarations, validation.

use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{FieldRef, TypeRegistry, TypeSnapshot};
use crate::acl::Caller;
use crate::error::Violation;
use crate::model::{InstanceDefinition, Map, TypeDefinition};

pub(super) fn map(value: Value) -> Map {
    if let Value::Object(map) = value { map } else { Map::new() }
}

pub(super) fn define(
    number: u128,
    name: &str,
    base: Option<&str>,
    attributes: Value,
    fields: Value,
) -> TypeDefinition {
    TypeDefinition {
        id: Uuid::from_u128(number),
        org: None,
        name: name.to_owned(),
        base: base.map(str::to_owned),
        attributes: map(attributes),
        fields: serde_json::from_value(fields).unwrap(),
        access: None,
        instances: Vec::new(),
        version: 1,
        retired: Vec::new(),
    }
}

pub(super) fn item() -> TypeDefinition {
    define(1, "Item", None, json!({"icon": "category"}), json!([]))
}

pub(super) fn build(definitions: Vec<TypeDefinition>) -> crate::Result<TypeRegistry> {
    TypeRegistry::build(TypeSnapshot::of(definitions))
}

/// A registry of Item and one type `Thing` with the given fields.
fn thing(fields: Value) -> crate::Result<TypeRegistry> {
    build(vec![item(), define(2, "Thing", Some("Item"), json!({}), fields)])
}

pub(super) fn violations(registry: &TypeRegistry, name: &str, attributes: Value) -> Vec<Violation> {
    let info = registry.find(Uuid::nil(), name).unwrap();
    let mut attributes = map(attributes);
    match info.validate(None, &mut attributes) {
        Ok(()) => Vec::new(),
        Err(error) => error.violations().to_vec(),
    }
}

fn customer() -> TypeRegistry {
    thing(json!([
        {"name": "email", "type": "email", "required": true, "unique": true},
        {"name": "tier", "type": "enum", "values": ["free", "pro"], "default": "free", "index": true},
        {"name": "code", "type": "string", "pattern": "^[A-Z]{2,4}$", "max_length": 4},
        {"name": "amount", "type": "decimal", "precision": 6, "scale": 2, "min": "0", "max": "1000.50"},
        {"name": "seats", "type": "integer", "min": 1, "max": 10, "multiple_of": 2},
        {"name": "due", "type": "datetime", "min": "2020-01-01T00:00:00Z"},
        {"name": "labels", "type": "string", "multiple": true, "min_length": 2},
        {"name": "settings", "type": "json", "schema": {"type": "object", "required": ["a"],
            "properties": {"a": {"$ref": "#/$defs/small"}}, "$defs": {"small": {"type": "integer", "maximum": 9}}}},
        {"name": "serial", "type": "string", "readonly": true},
        {"name": "budget", "type": "number", "write": ["admin"]},
        {"name": "pin", "type": "secret"}
    ]))
    .unwrap()
}

#[test]
fn all_violations_come_at_once_with_pointers() {
    let found = violations(
        &customer(),
        "Thing",
        json!({"tier": "gold", "code": "abcde", "amount": "12345.678", "seats": 11, "due": "2019-01-01T00:00:00Z",
            "labels": ["ok", "x", 3], "settings": {"a": 10}, "budget": "much"}),
    );
    let expected = [
        ("/attributes/amount", "at most 1000.5"),
        ("/attributes/budget", "expected a number"),
        ("/attributes/code", "at most 4 characters"),
        ("/attributes/code", "pattern"),
        ("/attributes/due", "at least 2020"),
        ("/attributes/email", "is required"),
        ("/attributes/labels/1", "at least 2 characters"),
        ("/attributes/labels/2", "expected text"),
        ("/attributes/seats", "at most 10"),
        ("/attributes/seats", "multiple of 2"),
        ("/attributes/settings/a", "at most 9"),
        ("/attributes/tier", "one of free, pro"),
    ];
    let mut found: Vec<(&str, &str)> =
        found.iter().map(|violation| (violation.pointer.as_str(), violation.detail.as_str())).collect();
    found.sort_unstable();
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (pointer, word) in expected {
        assert!(
            found.iter().any(|(at, detail)| *at == pointer && detail.contains(word)),
            "{pointer} {word}: {found:#?}"
        );
    }
}

#[test]
fn valid_values_become_canonical_and_the_rest_is_kept() {
    let registry = customer();
    let info = registry.find(Uuid::nil(), "thing").unwrap();
    let mut attributes =
        map(json!({"email": "a@acme.test", "amount": "+007.50", "due": "2026-01-01T01:00:00+01:00",
        "seats": 4.0, "code": null, "settings": {"a": 1}, "other": {"deep": [null]}}));
    info.apply_defaults(None, &mut attributes);
    info.validate(None, &mut attributes).unwrap();
    assert_eq!(
        Value::Object(attributes),
        json!({"email": "a@acme.test", "amount": "7.5", "due": "2026-01-01T00:00:00.000000Z", "seats": 4,
            "code": null, "settings": {"a": 1}, "other": {"deep": [null]}, "tier": "free"})
    );
}

#[test]
fn constants_satisfy_required_fields() {
    let mut vip = define(
        2,
        "Thing",
        Some("Item"),
        json!({}),
        json!([{"name": "tier", "type": "string", "required": true}]),
    );
    vip.instances = vec![InstanceDefinition {
        name: "Vip".into(),
        attributes: map(json!({"tier": "pro"})),
        access: None,
    }];
    let gold = define(3, "Gold", Some("Thing"), json!({"tier": "gold"}), json!([]));
    let registry = build(vec![item(), vip, gold]).unwrap();
    let thing = registry.find(Uuid::nil(), "Thing").unwrap();
    assert!(thing.validate(None, &mut Map::new()).is_err());
    assert!(thing.validate(Some("VIP"), &mut Map::new()).is_ok());
    assert!(thing.validate(Some("VIP"), &mut map(json!({"tier": null}))).is_err(), "null is no value");
    let unknown = thing.validate(Some("Other"), &mut map(json!({"tier": "x"}))).unwrap_err();
    assert_eq!(unknown.violations()[0].pointer, "/instance");
    let gold = registry.find(Uuid::nil(), "Gold").unwrap();
    assert!(gold.validate(None, &mut Map::new()).is_ok());
    assert_eq!(gold.schema().get("required"), None);
    assert_eq!(thing.schema()["required"], json!(["tier"]));
}

#[test]
fn strict_types_refuse_what_is_not_declared() {
    let strict =
        define(2, "Thing", Some("Item"), json!({"strict": true}), json!([{"name": "a", "type": "string"}]));
    let registry = build(vec![item(), strict]).unwrap();
    let found = violations(&registry, "Thing", json!({"a": "x", "b/c": 1}));
    assert_eq!(found, [Violation::new("/attributes/b~1c", "is not declared by type Thing")]);
}

#[test]
fn callers_set_only_what_they_may() {
    let registry = customer();
    let info = registry.find(Uuid::nil(), "Thing").unwrap();
    let user = Caller { role: Some(crate::acl::OrgRole::User), ..Caller::anonymous(Uuid::nil()) };
    let admin = Caller { role: Some(crate::acl::OrgRole::Admin), ..Caller::anonymous(Uuid::nil()) };
    let before = map(json!({"serial": "S1", "budget": 5, "pin": "1234", "email": "a@b.test"}));
    let change = |key: &str, value: Value| {
        let mut after = before.clone();
        after.insert(key.to_owned(), value);
        after
    };
    assert!(info.check_writable(&user, Some(&before), &before).is_ok());
    let serial = info.check_writable(&admin, Some(&before), &change("serial", json!("S2"))).unwrap_err();
    assert_eq!(serial.violations()[0].pointer, "/attributes/serial");
    let budget = change("budget", json!(6));
    assert_eq!(
        info.check_writable(&user, Some(&before), &budget).unwrap_err().kind(),
        crate::ErrorKind::Forbidden
    );
    assert!(info.check_writable(&admin, Some(&before), &budget).is_ok());
    let mut replaced = map(json!({"email": "b@b.test"}));
    info.carry_over(&user, &before, &mut replaced);
    assert_eq!(
        Value::Object(replaced),
        json!({"email": "b@b.test", "serial": "S1", "budget": 5, "pin": "1234"})
    );
}

#[test]
fn what_has_the_form_of_a_stored_secret_is_written_and_lost_by_nobody() {
    let registry = customer();
    let info = registry.find(Uuid::nil(), "Thing").unwrap();
    let admin = Caller { role: Some(crate::acl::OrgRole::Admin), ..Caller::anonymous(Uuid::nil()) };
    let kept = map(json!({"a/b": {"$sealed": "k:AAAA"}}));
    assert!(info.check_writable(&admin, Some(&kept), &kept).is_ok(), "as it was");
    for (before, after) in [
        (None, kept.clone()),
        (Some(&kept), map(json!({"a/b": {"$plain": 1}}))),
        (Some(&map(json!({}))), kept.clone()),
    ] {
        let error = info.check_writable(&admin, before, &after).unwrap_err();
        assert_eq!(error.violations()[0].pointer, "/attributes/a~1b");
    }
    for fine in [json!({"$plain": 1, "more": 2}), json!({"$price": 1}), json!([{"$plain": 1}])] {
        assert!(info.check_writable(&admin, None, &map(json!({"note": fine}))).is_ok());
    }
    let mut replaced = map(json!({"email": "b@b.test"}));
    info.carry_over(&admin, &kept, &mut replaced);
    assert_eq!(replaced.get("a/b"), kept.get("a/b"), "nobody was shown it, and nobody leaves it out");
}

#[test]
fn bad_declarations_are_named() {
    for (field, word) in [
        (json!({"name": "owner", "type": "string"}), "property that every item has"),
        (json!({"name": "a.b", "type": "string"}), "the name must be"),
        (json!({"name": "f", "type": "string", "min": 1}), "min does not fit"),
        (json!({"name": "f", "type": "string", "pattern": "(unclosed"}), "no regular expression"),
        (json!({"name": "f", "type": "string", "pattern": "(a)\\1"}), "no regular expression"),
        (json!({"name": "f", "type": "string", "min_length": 5, "max_length": 4}), "over max_length"),
        (
            json!({"name": "f", "type": "string", "max_length": 3, "default": "long"}),
            "default: must have at most 3",
        ),
        (json!({"name": "f", "type": "integer", "default": "1"}), "default: expected a whole number"),
        (json!({"name": "f", "type": "integer", "min": 5, "max": 4}), "over max"),
        (json!({"name": "f", "type": "integer", "min": "a"}), "min: expected"),
        (json!({"name": "f", "type": "enum"}), "needs values"),
        (json!({"name": "f", "type": "enum", "values": ["a", "a"]}), "twice"),
        (json!({"name": "f", "type": "json", "unique": true}), "unique does not fit"),
        (json!({"name": "f", "type": "geo", "index": true}), "index does not fit"),
        (json!({"name": "f", "type": "secret", "default": "x"}), "no default"),
        (json!({"name": "f", "type": "json", "schema": {"type": "thing"}}), "no JSON Schema"),
        (
            json!({"name": "f", "type": "json", "schema": {"$ref": "https://example.test/s"}}),
            "refers to no part",
        ),
        (json!({"name": "f", "type": "reference", "reference": "Nothing"}), "unknown type Nothing"),
        (json!({"name": "f", "type": "reference", "required": true, "on_delete": "clear"}), "clear"),
        (json!({"name": "f", "type": "decimal", "precision": 2, "scale": 3}), "over precision"),
        (json!({"name": "f", "type": "file", "mime": ["image"]}), "media type"),
    ] {
        let name = field["name"].as_str().unwrap().to_owned();
        let error = thing(json!([field])).unwrap_err();
        let violation = &error.violations()[0];
        assert!(violation.detail.contains(word), "{field}: {violation:?}");
        assert_eq!(violation.pointer, format!("/types/Thing/fields/{name}"));
        assert!(violation.detail.contains("Thing"), "{violation:?}");
    }
}

#[test]
fn a_field_whose_index_is_being_built_may_not_become_a_reference_to_nothing() {
    let with = |target: &str| {
        let fields = json!([{"name": "f", "type": "reference", "reference": target}]);
        let definitions = vec![item(), define(2, "Thing", Some("Item"), json!({}), fields)];
        let building = vec![FieldRef { declared_by: Uuid::from_u128(2), name: "f".into() }];
        TypeRegistry::build(TypeSnapshot { building, ..TypeSnapshot::of(definitions) })
    };
    let error = with("Nothing").err().unwrap().report();
    assert!(error.contains("unknown type Nothing"), "{error}");
    let registry = with("Item").unwrap();
    let field = registry.find(Uuid::nil(), "Thing").unwrap().field("f").unwrap();
    assert_eq!(field.reference, Some(item().id), "what is written meanwhile is checked as well");
    assert!(field.index().is_some(), "the commit that makes it a reference indexes it");
}

#[test]
fn bases_form_a_tree() {
    let cycle = build(vec![
        item(),
        define(2, "A", Some("B"), json!({}), json!([])),
        define(3, "B", Some("A"), json!({}), json!([])),
    ]);
    assert!(cycle.unwrap_err().message().contains("cycle"));
    let unknown = build(vec![item(), define(2, "A", Some("Nothing"), json!({}), json!([]))]);
    assert!(unknown.unwrap_err().message().contains("unknown base Nothing"));
    let twice = build(vec![item(), define(2, "item", Some("Item"), json!({}), json!([]))]);
    assert!(twice.unwrap_err().message().contains("defined twice"));
    let endpoints = build(vec![
        item(),
        define(2, "A", Some("Item"), json!({"endpoint": "b"}), json!([])),
        define(3, "B", Some("Item"), json!({}), json!([])),
    ]);
    assert!(endpoints.unwrap_err().message().contains("name of type B"));
}

#[test]
fn constants_obey_fields() {
    let fields = json!([{"name": "due", "type": "datetime"}]);
    let good = define(2, "Thing", Some("Item"), json!({"due": "2026-01-01T00:00:00Z"}), fields.clone());
    let registry = build(vec![item(), good]).unwrap();
    let info = registry.find(Uuid::nil(), "Thing").unwrap();
    assert_eq!(info.constant(None, "due"), Some(&json!("2026-01-01T00:00:00.000000Z")));
    assert_eq!(info.constant(None, "icon"), None, "meta attributes stay on the type");
    let bad = define(2, "Thing", Some("Item"), json!({"due": "soon"}), fields);
    let error = build(vec![item(), bad]).unwrap_err();
    assert_eq!(error.violations()[0].pointer, "/types/Thing/attributes/due");
}

proptest! {
    /// Whatever the order of the store, the registry is the same.
    #[test]
    fn order_of_definitions_does_not_matter(order in Just((0..8_u32).collect::<Vec<_>>()).prop_shuffle()) {
        let definitions = |order: &[u32]| {
            let mut all = vec![];
            for number in order {
                let base = if *number == 0 { "Item".to_owned() } else { format!("T{}", (number - 1) / 2) };
                all.push(define(u128::from(*number) + 2, &format!("T{number}"), Some(&base),
                    json!({"k": number}), json!([{"name": format!("f{number}"), "type": "string"}])));
            }
            all.push(item());
            all
        };
        let sorted: Vec<u32> = (0..8).collect();
        let one = build(definitions(&sorted)).unwrap();
        let other = build(definitions(&order)).unwrap();
        let names = |registry: &TypeRegistry| registry.types().map(|info| info.name().to_string()).collect::<Vec<_>>();
        prop_assert_eq!(names(&one), names(&other));
        prop_assert_eq!(one.snapshot(), other.snapshot());
    }

    /// What validation lets through is accepted again, unchanged: forms are canonical.
    #[test]
    fn validation_is_idempotent(whole in -2000_i64..2000, cents in 0_u32..1000, seconds in 0_i64..4_000_000_000) {
        let registry = customer();
        let info = registry.find(Uuid::nil(), "Thing").unwrap();
        let due = crate::clock::Timestamp::from_micros(seconds * 1_000_000).to_string();
        let mut attributes = map(json!({"email": "a@b.test", "amount": format!("{whole}.{cents:03}"), "due": due}));
        let given = attributes.clone();
        let valid = (0..=1000).contains(&whole) && cents % 10 == 0 && (whole < 1000 || cents <= 500)
            && seconds >= 1_577_836_800;
        prop_assert_eq!(info.validate(None, &mut attributes).is_ok(), valid, "{:?}", given);
        let once = attributes.clone();
        prop_assert_eq!(info.validate(None, &mut attributes).is_ok(), valid);
        prop_assert_eq!(once, attributes);
    }
}

#[test]
fn an_org_keeps_the_module_of_a_type_that_governs_its_own() {
    let module = |module: &str| json!({"module": module});
    let own = |number, name, base: &'static str, attributes| TypeDefinition {
        org: Some(Uuid::nil()),
        ..define(number, name, Some(base), attributes, json!([]))
    };
    let all = |more: Vec<TypeDefinition>| {
        let mut types = vec![
            define(1, "Item", None, module("items"), json!([])),
            define(2, "Accounts", Some("Item"), module("accounts"), json!([])),
        ];
        types.extend(more);
        build(types)
    };
    // What derives from plain items has the module that it likes, and the system may do as it pleases.
    let free = all(vec![own(3, "A", "Item", module("weather")), own(4, "B", "A", module("items"))]).unwrap();
    let governing = |registry: &TypeRegistry, name: &str| -> Vec<String> {
        let info = registry.find(Uuid::nil(), name).unwrap();
        registry.governing(info).map(|info| info.name().to_string()).collect()
    };
    assert!(governing(&free, "B").is_empty());
    assert!(all(vec![define(3, "A", Some("Accounts"), module("items"), json!([]))]).is_ok());
    let kept = all(vec![own(3, "A", "Accounts", json!({})), own(4, "B", "A", module("accounts"))]).unwrap();
    assert_eq!(governing(&kept, "B"), ["Accounts"]);
    for shed in [
        vec![own(3, "A", "Accounts", module("items"))],
        vec![own(3, "A", "Accounts", json!({})), own(4, "B", "A", module("weather"))],
    ] {
        let error = all(shed).unwrap_err();
        assert!(error.violations()[0].pointer.ends_with("/attributes/module"), "{error:?}");
        assert!(error.message().contains("stays accounts"), "{error}");
    }
}

#[test]
fn schemas_of_fields_do_not_disturb_each_other() {
    let schema = |kind: &str| json!({"$id": "urn:same", "$ref": "#/$defs/a", "$defs": {"a": {"type": kind}}});
    let registry = thing(json!([
        {"name": "one", "type": "json", "schema": schema("object")},
        {"name": "two", "type": "json", "schema": schema("array")}
    ]))
    .unwrap();
    assert!(violations(&registry, "Thing", json!({"one": {}, "two": []})).is_empty());
    assert_eq!(violations(&registry, "Thing", json!({"one": [], "two": {}})).len(), 2);
}

#[test]
fn endless_declarations_are_refused() {
    let twice = json!({"allOf": [{"$ref": "#/$defs/b"}, {"$ref": "#/$defs/b"}]});
    let many: Vec<String> = (0..1001).map(|index| index.to_string()).collect();
    for (field, words) in [
        (
            json!({"name": "a", "type": "json", "schema": {"items": twice, "$defs": {"b": {"items": twice}}}}),
            "two ways",
        ),
        (json!({"name": "a", "type": "enum", "values": many}), "more than 1000"),
    ] {
        let error = thing(json!([field])).unwrap_err();
        assert!(error.message().contains(words), "{error}");
    }
}

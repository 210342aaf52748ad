//! Tests of fields that a derived type declares once more: they narrow what they inherit.

use serde_json::{Value, json};
use uuid::Uuid;

use super::tests::{build, define, item, map, violations};

#[test]
fn fields_narrow_and_never_widen() {
    let base = json!({"name": "f", "type": "integer", "min": 1, "max": 9, "required": true});
    let with = |base: &Value, own: Value| {
        build(vec![
            item(),
            define(2, "Base", Some("Item"), json!({}), json!([base])),
            define(3, "Own", Some("Base"), json!({}), json!([own])),
        ])
    };
    let registry = with(&base, json!({"name": "f", "type": "integer", "max": 5})).unwrap();
    assert_eq!(violations(&registry, "Own", json!({"f": 6}))[0].detail, "must be at most 5");
    assert_eq!(
        violations(&registry, "Own", json!({"f": 0}))[0].detail,
        "must be at least 1",
        "min is inherited"
    );
    assert_eq!(violations(&registry, "Own", json!({})).len(), 1, "required is inherited");
    let field = registry.find(Uuid::nil(), "Own").unwrap().field("f").unwrap();
    assert_eq!(field.key.declared_by, Uuid::from_u128(2));
    let text = json!({"name": "f", "type": "string", "pattern": "^a", "values": ["ab", "ac"], "read": ["x"]});
    for (base, own, word) in [
        (&base, json!({"name": "f", "type": "integer", "max": 10}), "max is 10, wider"),
        (&base, json!({"name": "f", "type": "integer", "min": 0}), "min is 0, wider"),
        (&base, json!({"name": "f", "type": "string"}), "type is string"),
        (&base, json!({"name": "f", "type": "integer", "multiple": true}), "multiple"),
        (&text, json!({"name": "f", "type": "string", "values": ["ab", "x"]}), "values has \"x\""),
        (&text, json!({"name": "f", "type": "string", "read": ["y"]}), "read has \"y\""),
    ] {
        let error = with(base, own).unwrap_err();
        assert!(error.violations()[0].detail.contains(word), "{error:?}");
    }
    let registry = with(&text, json!({"name": "f", "type": "string", "pattern": "b$"})).unwrap();
    assert!(violations(&registry, "Own", json!({"f": "ab"})).is_empty());
    assert_eq!(violations(&registry, "Own", json!({"f": "ac"})).len(), 1, "both patterns hold");
}

#[test]
fn what_is_narrowed_does_not_contradict_what_is_inherited() {
    for (wide, narrow, said) in [
        (
            json!({"type": "reference", "reference": "Item", "on_delete": "clear"}),
            json!({"required": true}),
            "required",
        ),
        (json!({"type": "integer", "min": 5}), json!({"max": 3}), "over max"),
        (json!({"type": "string", "min_length": 5}), json!({"max_length": 3}), "over max_length"),
    ] {
        let field = |options: &[&Value]| {
            let mut field = map(json!({"name": "x"}));
            for options in options {
                field.extend(map((*options).clone()));
            }
            json!([field])
        };
        let base = define(2, "Wide", Some("Item"), json!({}), field(&[&wide]));
        let kind = json!({"type": wide["type"]});
        let derived = define(3, "Narrow", Some("Wide"), json!({}), field(&[&kind, &narrow]));
        assert!(build(vec![item(), base.clone()]).is_ok(), "{wide}");
        let error = build(vec![item(), base, derived]).unwrap_err();
        assert!(error.violations()[0].detail.contains(said), "{error:?}");
    }
}

#[test]
fn references_may_lead_in_circles_but_only_get_narrower() {
    let types = |target: &str| {
        build(vec![
            item(),
            define(
                2,
                "A",
                Some("Item"),
                json!({}),
                json!([{"name": "to", "type": "reference", "reference": "B"}]),
            ),
            define(
                3,
                "B",
                Some("Item"),
                json!({}),
                json!([{"name": "to", "type": "reference", "reference": "A"},
                {"name": "same", "type": "reference", "reference": "B"}]),
            ),
            define(
                4,
                "A2",
                Some("A"),
                json!({}),
                json!([{"name": "to", "type": "reference", "reference": target}]),
            ),
            define(5, "B2", Some("B"), json!({}), json!([])),
        ])
    };
    assert!(types("B2").is_ok());
    assert!(types("A").unwrap_err().violations()[0].detail.contains("must refer to B"));
}

//! Tests that plans neither show nor confirm what is kept from whoever plans.

use std::sync::Arc;

use serde_json::{Value, json};
use uuid::Uuid;

use super::tests::{World, document, org};
use super::{Action, Document, Options, Plan, PlanEntry, Target};
use crate::acl::{Caller, OrgRole};
use crate::change::Operation;

/// An item with a code that all read, a mid that superusers read, and a pin that nobody reads.
fn documents(attributes: &Value) -> [Document; 1] {
    [document("x.json", &json!({"items": [{"name": "X", "type": "Thing", "attributes": attributes}]}))]
}

fn world(attributes: &Value) -> World {
    let mut world = World::default();
    let types = json!({"types": [{"name": "Item"}, {"name": "Thing", "base": "Item", "fields": [
        {"name": "code", "type": "string"}, {"name": "mid", "type": "string", "read": ["superuser"]},
        {"name": "pin", "type": "secret"}]}]});
    world.load(&[document("types.json", &types)]);
    world.load(&documents(attributes));
    world
}

fn by(role: OrgRole, account: u128) -> Target {
    let caller =
        Caller { role: Some(role), account: Some(Uuid::from_u128(account)), ..Caller::anonymous(org()) };
    Target::of(Arc::new(caller))
}

fn ann() -> Target {
    by(OrgRole::Admin, 9)
}

fn planned(world: &World, target: &Target, attributes: &Value) -> Plan {
    world.plan_by(target, &documents(attributes), Options::default()).unwrap()
}

/// The fields that change, as a plan shows them.
fn changes(plan: &Plan) -> Value {
    let changes: Vec<_> = plan.entries.iter().flat_map(|entry: &PlanEntry| &entry.changes).collect();
    json!(changes)
}

fn hidden(field: &str) -> Value {
    json!({"field": field, "from": null, "to": null, "hidden": true})
}

#[test]
fn what_others_keep_is_neither_shown_nor_confirmed() {
    let world = world(&json!({"code": "c", "mid": "kept", "pin": "1234"}));
    let plan = planned(&world, &ann(), &json!({"code": "c"}));
    assert!(plan.is_empty() && plan.entries.is_empty(), "what it does not speak of stays: {plan:?}");
    for (field, right, wrong) in [("mid", "kept", "guess"), ("pin", "1234", "4321")] {
        let told = [right, wrong].map(|value| {
            let plan = planned(&world, &ann(), &json!({"code": "c", field: value}));
            let is_write = |operation: &Operation| matches!(operation, Operation::Update { .. });
            assert!(plan.operations.iter().any(is_write), "whatever it was");
            plan.to_json(false)
        });
        assert_eq!(told[0], told[1], "{field}");
        assert_eq!(told[0]["entries"][0]["changes"], json!([hidden(&format!("attributes/{field}"))]));
    }
    let shown = planned(&world, &ann(), &json!({"code": "d"}));
    assert_eq!(changes(&shown), json!([{"field": "attributes/code", "from": "c", "to": "d"}]));
    let root = planned(&world, &by(OrgRole::Superuser, 1), &json!({"code": "c"}));
    assert_eq!(changes(&root), json!([{"field": "attributes/mid", "from": "kept", "to": null}]));
}

#[test]
fn who_gave_a_secret_may_repeat_it() {
    let said = json!({"code": "c", "pin": "1234"});
    let mut world = world(&said);
    world.apply(&planned(&world, &ann(), &said));
    assert!(planned(&world, &ann(), &said).is_empty());
    let pin = json!([hidden("attributes/pin")]);
    assert_eq!(changes(&planned(&world, &ann(), &json!({"code": "c", "pin": "4321"}))), pin);
    for other in [by(OrgRole::Admin, 8), by(OrgRole::Superuser, 1)] {
        assert_eq!(changes(&planned(&world, &other, &said)), pin, "to others it is new");
        assert!(
            planned(&world, &other, &json!({"code": "c"})).is_empty(),
            "and stays where they say nothing"
        );
    }
    let forced = Options { force: true, ..Options::default() };
    let forced = world.plan_by(&ann(), &documents(&said), forced).unwrap();
    assert_eq!(changes(&forced), pin, "it may have been changed by hand");
    let gone = planned(&world, &ann(), &json!({"code": "c"}));
    assert_eq!(changes(&gone), pin);
    world.apply(&gone);
    assert_eq!(world.item("X").attributes.get("pin"), None);
}

#[test]
fn what_stays_is_still_known_of_its_document() {
    let said = json!({"code": "c", "mid": "kept", "pin": "1234"});
    let mut world = world(&said);
    world.apply(&planned(&world, &ann(), &json!({"code": "d"})));
    assert_eq!(world.item("X").attributes.get("mid"), Some(&json!("kept")));
    let back = world.plan(&documents(&said), Options::default()).unwrap();
    assert_eq!(changes(&back), json!([{"field": "attributes/code", "from": "d", "to": "c"}]));
}

#[test]
fn guesses_at_what_is_deleted_or_left_over_tell_nothing() {
    let mut world = world(&json!({"code": "c", "mid": "kept", "pin": "1234"}));
    let mut attributes = world.item("X").attributes.clone().into_map();
    attributes.insert("mid".to_owned(), json!("by hand"));
    world.item("X").attributes = attributes.into();
    let prune = Options { prune: true, ..Options::default() };
    let nothing = [document("x.json", &json!({"items": []}))];
    let action = |target: &Target| world.plan_by(target, &nothing, prune).unwrap().entries[0].action;
    assert_eq!((action(&ann()), action(&by(OrgRole::Superuser, 1))), (Action::Delete, Action::Conflict));
    world.items.clear();
    let action = |said: Value| planned(&world, &ann(), &said).entries[0].action;
    assert_eq!(action(json!({"code": "c"})), Action::Keep);
    for guess in ["kept", "other"] {
        assert_eq!(action(json!({"code": "c", "mid": guess})), Action::Conflict);
    }
    for guess in ["1234", "4321"] {
        assert_eq!(action(json!({"code": "c", "pin": guess})), Action::Conflict);
    }
}

#[test]
fn marks_of_earlier_versions_are_known_to_the_system_alone() {
    let said = json!({"code": "c", "pin": "1234"});
    let mut world = world(&said);
    let record = world.sources.iter().position(|record| record.source == "x.json").unwrap();
    let keyed = world.sources[record].applied["attributes/pin"]["$secret"].clone();
    for digest in [keyed, json!("637a76f73d638b7143381abaae0b5e05")] {
        world.sources[record].applied["attributes/pin"] = json!({"$secret": digest});
        let plan = world.plan(&documents(&said), Options::default()).unwrap();
        assert!(plan.entries.is_empty() && plan.operations.len() == 1, "only the record is new: {plan:?}");
        let root = planned(&world, &by(OrgRole::Superuser, 1), &said);
        assert_eq!(changes(&root), json!([hidden("attributes/pin")]));
    }
}

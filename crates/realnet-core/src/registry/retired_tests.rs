//! Protected fields that are gone: what is noted of them, who inherits that, and what is refused.

use std::sync::Arc;

use serde_json::{Value, json};
use uuid::Uuid;

use super::{TypeRegistry, TypeSnapshot};
use crate::acl::{Caller, OrgRole, Principal};
use crate::error::{ErrorKind, Result};
use crate::model::TypeDefinition;

const ACME: Uuid = Uuid::from_u128(0xac);

fn define(number: u128, name: &str, base: Option<&str>, fields: Value) -> TypeDefinition {
    TypeDefinition {
        id: Uuid::from_u128(number),
        org: None,
        name: name.to_owned(),
        base: base.map(str::to_owned),
        attributes: serde_json::Map::new(),
        fields: serde_json::from_value(fields).unwrap(),
        access: None,
        instances: Vec::new(),
        version: 1,
        retired: Vec::new(),
    }
}

fn staff(fields: Value) -> TypeDefinition {
    define(2, "Staff", Some("Item"), fields)
}

fn boss(base: &str, fields: Value) -> TypeDefinition {
    define(3, "Boss", Some(base), fields)
}

fn desk() -> Value {
    json!({"name": "desk", "type": "string"})
}

/// `Staff` with a secret and a field for one role, `Boss` derived from it.
fn registry() -> TypeRegistry {
    let fields = json!([{"name": "pin", "type": "secret"}, {"name": "pay", "type": "integer", "read": ["HR"]}, desk()]);
    let definitions = vec![define(1, "Item", None, json!([])), staff(fields), boss("Staff", json!([]))];
    TypeRegistry::build(TypeSnapshot::of(definitions)).unwrap()
}

/// The registry after a change, and again from what is stored of it.
fn changed(registry: &TypeRegistry, changes: Vec<TypeDefinition>) -> Result<TypeRegistry> {
    let mut snapshot = registry.snapshot();
    snapshot.revision += 1;
    for mut definition in changes {
        let before = registry.by_id(definition.id).map_or(0, |info| info.definition().version);
        definition.version = before + 1;
        snapshot.definitions.retain(|other| other.id != definition.id);
        snapshot.definitions.push(definition);
    }
    let next = registry.successor(snapshot)?;
    next.check_change(registry)?;
    let stored = TypeRegistry::build(next.snapshot()).unwrap();
    assert_eq!(stored.snapshot().definitions, next.snapshot().definitions);
    Ok(stored)
}

fn user(roles: &[&str]) -> Caller {
    let role = |name: &&str| Principal { id: Uuid::from_u128(9), name: Arc::from(*name) };
    Caller { role: Some(OrgRole::User), roles: roles.iter().map(role).collect(), ..Caller::anonymous(ACME) }
}

fn hidden(registry: &TypeRegistry, number: u128, caller: &Caller) -> Vec<String> {
    let info = registry.by_id(Uuid::from_u128(number)).unwrap();
    let mut names: Vec<String> = info.hidden_from(caller).map(str::to_owned).collect();
    names.sort();
    names
}

fn noted(registry: &TypeRegistry, number: u128) -> Vec<String> {
    let definition = registry.by_id(Uuid::from_u128(number)).unwrap().definition();
    definition.retired.iter().map(|retired| retired.name.clone()).collect()
}

fn refusal(result: Result<TypeRegistry>) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error:?}");
    error.violations().iter().map(|violation| violation.detail.clone()).collect::<Vec<_>>().join("; ")
}

#[test]
fn what_was_protected_stays_hidden_when_its_field_goes() {
    let next = changed(&registry(), vec![staff(json!([desk()]))]).unwrap();
    assert_eq!((noted(&next, 2), noted(&next, 3)), (vec!["pin".to_owned(), "pay".to_owned()], Vec::new()));
    for type_id in [2, 3] {
        assert_eq!(hidden(&next, type_id, &user(&[])), ["pay", "pin"]);
        assert_eq!(hidden(&next, type_id, &user(&["hr"])), ["pin"], "as the rule said");
        assert_eq!(hidden(&next, type_id, &Caller::system(ACME)), ["pin"]);
        let info = next.by_id(Uuid::from_u128(type_id)).unwrap();
        assert!(info.is_retired("pin") && info.is_retired("pay") && !info.is_retired("desk"));
        assert!(!crate::index::is_searched(info, "pay"), "in no full text");
    }
    assert!(!next.by_id(Uuid::from_u128(1)).unwrap().is_retired("pin"));
}

#[test]
fn later_changes_that_do_not_speak_of_it_keep_it() {
    let next = changed(&registry(), vec![staff(json!([desk()]))]).unwrap();
    let later = changed(&next, vec![staff(json!([desk(), {"name": "room", "type": "string"}]))]).unwrap();
    assert_eq!(noted(&later, 2), ["pin", "pay"]);
    let renamed = changed(&later, vec![staff(json!([{"name": "place", "type": "string"}]))]).unwrap();
    assert_eq!(noted(&renamed, 2), ["pin", "pay"], "a field for everybody leaves nothing");
}

#[test]
fn a_name_comes_back_as_protected_as_it_was() {
    let next = changed(&registry(), vec![staff(json!([desk()]))]).unwrap();
    for (field, part) in [
        (json!({"name": "pin", "type": "string"}), "pin_2"),
        (json!({"name": "pin", "type": "string", "read": ["hr"]}), "was a secret"),
        (json!({"name": "pay", "type": "integer"}), "pay_2"),
        (json!({"name": "pay", "type": "integer", "read": ["hr", "boss"]}), "the roles HR could read"),
    ] {
        let text = refusal(changed(&next, vec![staff(json!([field]))]));
        assert!(text.contains(part), "{field}: {text}");
        let text = refusal(changed(&next, vec![boss("Staff", json!([field]))]));
        assert!(text.contains(part), "derived, {field}: {text}");
        let new = define(4, "New", Some("Staff"), json!([field]));
        assert!(refusal(changed(&next, vec![new])).contains(part), "new, {field}");
    }
    let back =
        staff(json!([{"name": "pin", "type": "secret"}, {"name": "pay", "type": "number", "read": ["hr"]}]));
    let back = changed(&next, vec![back]).unwrap();
    assert_eq!(noted(&back, 2), Vec::<String>::new(), "they are fields again");
    assert_eq!(hidden(&back, 3, &user(&[])), ["pay", "pin"]);
    let stricter = changed(&next, vec![staff(json!([{"name": "pay", "type": "secret"}]))]).unwrap();
    assert_eq!(
        (noted(&stricter, 2), hidden(&stricter, 2, &user(&["hr"]))),
        (vec!["pin".to_owned()], vec!["pay".to_owned(), "pin".to_owned()])
    );
}

#[test]
fn a_secret_stays_a_secret_and_a_rule_may_be_opened() {
    let text = refusal(changed(&registry(), vec![staff(json!([{"name": "pin", "type": "string"}]))]));
    assert!(text.contains("field pin: was a secret") && text.contains("pin_2"), "{text}");
    let open = json!([{"name": "pin", "type": "secret"}, {"name": "pay", "type": "integer"}]);
    let next = changed(&registry(), vec![staff(open)]).unwrap();
    assert_eq!(
        (noted(&next, 2), hidden(&next, 2, &user(&[]))),
        (Vec::new(), vec!["pin".to_owned()]),
        "who writes the type decides"
    );
}

#[test]
fn another_base_takes_no_protection_away() {
    let next = changed(&registry(), vec![boss("Item", json!([]))]).unwrap();
    assert_eq!((noted(&next, 3), noted(&next, 2)), (vec!["pin".to_owned(), "pay".to_owned()], Vec::new()));
    let other = define(4, "Other", Some("Item"), json!([{"name": "pay", "type": "integer"}]));
    let registry = changed(&registry(), vec![other]).unwrap();
    let text = refusal(changed(&registry, vec![boss("Other", json!([]))]));
    assert!(text.contains("field pay"), "another field of the name: {text}");
}

/// Nobody writes the derived type here, so nobody is refused: its base is another one since the org's own has gone.
#[test]
fn who_comes_to_an_open_field_by_its_base_keeps_the_name_hidden() {
    let own = TypeDefinition {
        org: Some(ACME),
        ..define(5, "Secretary", Some("Item"), json!([{"name": "note", "type": "string", "read": ["hr"]}]))
    };
    let derived = TypeDefinition { org: Some(ACME), ..define(6, "Sub", Some("Secretary"), json!([])) };
    let of_system = define(7, "Secretary", Some("Item"), json!([{"name": "note", "type": "string"}]));
    let registry = changed(&registry(), vec![own, derived]).unwrap();
    let registry = changed(&registry, vec![of_system]).unwrap();
    let mut snapshot = registry.snapshot();
    snapshot.definitions.retain(|definition| definition.id != Uuid::from_u128(5));
    let next = registry.successor(snapshot).unwrap();
    next.check_change(&registry).unwrap();
    assert_eq!(noted(&next, 6), ["note"]);
    assert_eq!(hidden(&next, 6, &user(&[])), ["note"]);
    assert_eq!(hidden(&next, 7, &user(&[])), Vec::<String>::new(), "the system's own shows it");
    let info = next.by_id(Uuid::from_u128(6)).unwrap();
    assert!(info.field("note").is_some() && !crate::index::is_searched(info, "note"));
}

#[test]
fn a_registry_that_forgets_is_refused() {
    let registry = registry();
    let mut snapshot = registry.snapshot();
    snapshot.definitions.retain(|definition| definition.id != Uuid::from_u128(2));
    snapshot.definitions.push(staff(json!([desk()])));
    let forgetful = TypeRegistry::build(snapshot).unwrap();
    assert_eq!(forgetful.check_change(&registry).unwrap_err().kind(), ErrorKind::Internal);
}

#[test]
fn definitions_that_were_exchanged_behind_the_registry_are_compared_with_it() {
    let before = registry();
    let loaded = |changes: Vec<TypeDefinition>| {
        let mut snapshot = before.snapshot();
        snapshot.definitions.retain(|known| changes.iter().all(|other| other.id != known.id));
        snapshot.definitions.extend(changes);
        before.reloaded(snapshot).unwrap()
    };
    let same = loaded(Vec::new());
    assert_eq!(same.snapshot().definitions, before.snapshot().definitions);
    let older = loaded(vec![staff(json!([desk()]))]);
    assert_eq!(noted(&older, 2), ["pin", "pay"]);
    assert_eq!(hidden(&older, 3, &user(&[])), ["pay", "pin"]);
    let other_base = loaded(vec![boss("Item", json!([]))]);
    assert_eq!((noted(&other_base, 2), noted(&other_base, 3).len()), (Vec::new(), 2));
    // A change would be refused; what is stored is loaded, and shows nothing.
    let plain = loaded(vec![staff(json!([{"name": "pin", "type": "string"}, desk()]))]);
    assert_eq!(hidden(&plain, 2, &user(&["hr"])), ["pin"]);
    // As much as an org may have, and more, is loaded.
    let many = (0..600).map(|n| json!({"name": format!("f{n}"), "type": "string"})).collect();
    let many = TypeDefinition { org: Some(ACME), ..define(9, "Many", Some("Item"), many) };
    assert_eq!(loaded(vec![many]).by_id(Uuid::from_u128(9)).unwrap().fields().len(), 600);
}

#[test]
fn a_type_keeps_so_many_names_and_no_more() {
    let fields = |from: usize| -> Value {
        (from..from + 400)
            .map(|n| json!({"name": format!("f{n}"), "type": "string", "read": ["hr"]}))
            .collect()
    };
    let mut registry = changed(&registry(), vec![define(8, "Vault", Some("Item"), fields(0))]).unwrap();
    registry = changed(&registry, vec![define(8, "Vault", Some("Item"), fields(400))]).unwrap();
    assert_eq!(noted(&registry, 8).len(), 400);
    let text = refusal(changed(&registry, vec![define(8, "Vault", Some("Item"), fields(800))]));
    assert!(text.contains("500 protected fields"), "{text}");
}

#[test]
fn items_take_nothing_new_under_such_a_name() {
    let next = changed(&registry(), vec![staff(json!([desk()]))]).unwrap();
    let info = next.by_id(Uuid::from_u128(3)).unwrap();
    let map = |value: Value| value.as_object().unwrap().clone();
    let stored = map(json!({"pin": "1234", "pay": 5}));
    for (caller, before, after, is_fine) in [
        (user(&[]), None, json!({"pin": "x"}), false),
        (user(&["hr"]), Some(&stored), json!({"pin": "1234", "pay": 6}), false),
        (user(&["hr"]), Some(&stored), json!({"pin": "1234", "pay": 5, "desk": "a"}), true),
        (user(&["hr"]), Some(&stored), json!({"pin": "1234"}), true),
    ] {
        let result = info.check_writable(&caller, before, &map(after.clone()));
        assert_eq!(result.is_ok(), is_fine, "{after}");
    }
    let mut replaced = map(json!({"desk": "b"}));
    info.carry_over(&user(&["hr"]), &stored, &mut replaced);
    assert_eq!(
        Value::Object(replaced),
        json!({"desk": "b", "pin": "1234"}),
        "what one could see, one removes"
    );
}

#[test]
fn what_is_unique_for_readers_is_written_by_them() {
    let vault = |fields: Value, together: Value| {
        let mut definition = define(8, "Vault", Some("Item"), fields);
        definition.attributes.insert("unique_together".to_owned(), together);
        changed(&registry(), vec![definition])
    };
    let mark = |read: Value, write: Value| {
        let mut field =
            json!({"name": "mark", "type": "string", "unique": true, "read": read, "write": write});
        field.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        field
    };
    let room = json!({"name": "room", "type": "string"});
    let code = json!({"name": "code", "type": "string", "read": ["hr"], "write": ["hr"]});
    for (fields, together, place) in [
        (json!([mark(json!(["hr"]), Value::Null)]), json!([]), "field mark"),
        (json!([mark(json!(["hr"]), json!(["hr", "user"]))]), json!([]), "field mark"),
        (json!([room, code]), json!([["room", "code"]]), "field room"),
    ] {
        let text = refusal(vault(fields, together));
        assert!(text.contains(place) && text.contains("only hr may read"), "{text}");
    }
    for (fields, together) in [
        (json!([mark(json!(["hr"]), json!(["HR"]))]), json!([])),
        (json!([mark(Value::Null, Value::Null)]), json!([])),
        (json!([room, code]), json!([])),
    ] {
        vault(fields, together).unwrap();
    }
}

#[test]
fn what_is_unique_by_a_base_is_hidden_from_none_who_write_the_base() {
    let string = |name: &str| json!({"name": name, "type": "string"});
    let unique = |mut field: Value| {
        field["unique"] = json!(true);
        field
    };
    let hidden = json!({"name": "code", "type": "string", "read": ["hr"], "write": ["hr"]});
    let base = |fields: Value, together: Value| {
        let mut definition = define(8, "Vault", Some("Item"), fields);
        definition.attributes.insert("unique_together".to_owned(), together);
        definition
    };
    let derived = |fields: Value| define(9, "Safe", Some("Vault"), fields);
    let both = json!([["room", "code"]]);
    let open = json!([string("room"), string("code")]);
    for (base, derived) in [
        (base(open.clone(), both.clone()), derived(json!([hidden]))),
        (base(json!([unique(string("code"))]), json!([])), derived(json!([unique(hidden.clone())]))),
    ] {
        let text = refusal(changed(&registry(), vec![base, derived]));
        assert!(text.contains("Safe") && text.contains("here or in Vault"), "{text}");
    }
    // Nor does the base get it later.
    let before = changed(&registry(), vec![base(open.clone(), json!([])), derived(json!([hidden]))]).unwrap();
    let mut later = base(open, both.clone());
    later.version = 2;
    let text = refusal(changed(&before, vec![later, derived(json!([hidden]))]));
    assert!(text.contains("Safe") && text.contains("here or in Vault"), "{text}");
    // Where those who write the base are the readers, nobody learns anything.
    let room = json!({"name": "room", "type": "string", "write": ["hr"]});
    let code = json!({"name": "code", "type": "string", "write": ["hr"]});
    changed(&registry(), vec![base(json!([room, code]), both), derived(json!([hidden]))]).unwrap();
}

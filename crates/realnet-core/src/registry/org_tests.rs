//! Tests of types of several orgs in one registry: names, bounds, references between them.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{TypeRegistry, TypeSnapshot};
use crate::error::ErrorKind;
use crate::model::{Map, TypeDefinition};

const ACME: Uuid = Uuid::from_u128(0xac);
const OTHER: Uuid = Uuid::from_u128(0x07);

fn define(number: u128, org: Option<Uuid>, name: &str, base: &str, attributes: &Value) -> TypeDefinition {
    TypeDefinition {
        id: Uuid::from_u128(number),
        org,
        name: name.to_owned(),
        base: (name != "Item").then(|| base.to_owned()),
        attributes: attributes.as_object().cloned().unwrap_or_else(Map::new),
        fields: Vec::new(),
        access: None,
        instances: Vec::new(),
        version: 1,
        retired: Vec::new(),
    }
}

fn with_fields(definition: TypeDefinition, fields: Value) -> TypeDefinition {
    TypeDefinition { fields: serde_json::from_value(fields).unwrap(), ..definition }
}

fn build(mut definitions: Vec<TypeDefinition>) -> TypeRegistry {
    definitions.push(define(1, None, "Item", "", &json!({})));
    TypeRegistry::build(TypeSnapshot::of(definitions)).unwrap()
}

#[test]
fn what_is_declared_in_an_org_is_unknown_in_others() {
    let registry = build(vec![
        define(10, Some(ACME), "Policy", "Item", &json!({"endpoint": "rules"})),
        define(11, Some(OTHER), "Plan", "Item", &json!({"endpoint": "plans"})),
        define(20, None, "Note", "Item", &json!({"endpoint": "notes"})),
    ]);
    for (org, own, others) in
        [(ACME, ["Policy", "rules"], ["Plan", "plans"]), (OTHER, ["plan", "PLANS"], ["policy", "RULES"])]
    {
        for name in own.into_iter().chain(["Note", "notes"]) {
            assert!(registry.endpoint(org, name).is_some(), "{name}");
        }
        for name in others {
            assert!(registry.endpoint(org, name).is_none() && registry.find(org, name).is_none(), "{name}");
        }
    }
    let nobodys = Uuid::from_u128(1234);
    for name in ["Policy", "rules", "Plan", "plans"] {
        assert!(registry.endpoint(nobodys, name).is_none() && registry.system(name).is_none(), "{name}");
    }
    assert!(registry.find(ACME, "policy").is_some() && registry.find(nobodys, "note").is_some());
}

#[test]
fn an_org_keeps_a_name_that_the_system_takes_later() {
    let own = || {
        let refers = json!([{"name": "to", "type": "reference", "reference": "policy"}]);
        vec![
            define(10, Some(ACME), "Policy", "Item", &json!({"endpoint": "rules"})),
            define(11, Some(ACME), "Special", "policy", &json!({})),
            with_fields(define(12, Some(ACME), "Clause", "Item", &json!({})), refers),
        ]
    };
    let before = build(own());
    let mut later = own();
    later.push(define(20, None, "Policy", "Item", &json!({})));
    later.push(define(21, None, "Rules", "Item", &json!({})));
    let after = build(later);
    after.check_change(&before).unwrap();
    let id = |number| Some(Uuid::from_u128(number));
    let found = |info: Option<&super::TypeInfo>| info.map(super::TypeInfo::id);
    assert_eq!(found(after.find(ACME, "POLICY")), id(10));
    assert_eq!(found(after.find(OTHER, "policy")), id(20));
    assert_eq!(found(after.system("policy")), id(20));
    assert_eq!(
        (found(after.endpoint(ACME, "rules")), found(after.endpoint(OTHER, "rules"))),
        (id(10), id(21))
    );
    assert_eq!(found(after.endpoint(ACME, "policy")), id(10));
    assert!(after.is_derived_from(Uuid::from_u128(11), Uuid::from_u128(10)));
    assert_eq!(after.find(ACME, "Clause").unwrap().field("to").unwrap().reference, id(10));
    assert_eq!((after.hidden_in("policy"), after.hidden_in("rules")), (vec![ACME], vec![]));
    // It may go on living and changing there; but nobody takes a name that is taken.
    let mut changed = own();
    changed[0].attributes.insert("icon".to_owned(), json!("scale"));
    let system =
        [define(20, None, "Policy", "Item", &json!({})), define(21, None, "Rules", "Item", &json!({}))];
    changed.extend(system.clone());
    build(changed).check_change(&after).unwrap();
    for (name, attributes, words) in [
        ("rules", json!({}), "can not redefine"),
        ("Fine", json!({"endpoint": "Policy"}), "is the name of type Policy"),
    ] {
        let mut taken: Vec<TypeDefinition> = system.to_vec();
        taken.push(define(30, Some(OTHER), name, "Item", &attributes));
        let refused = build(taken).check_change(&build(system.to_vec())).unwrap_err();
        assert!(refused.kind() == ErrorKind::InvalidInput && refused.message().contains(words), "{refused}");
    }
    let endpoint = define(22, None, "Statute", "Item", &json!({"endpoint": "laws"}));
    let taken = define(30, Some(OTHER), "Laws", "Item", &json!({}));
    let refused = build(vec![endpoint.clone(), taken]).check_change(&build(vec![endpoint])).unwrap_err();
    assert!(refused.message().contains("would take the endpoint laws"), "{refused}");
}

#[test]
fn an_org_does_not_outgrow_its_bounds() {
    let many = |org: Option<Uuid>, count: u128| -> Vec<TypeDefinition> {
        let start = if org.is_some() { 100 } else { 10_000 };
        (0..count).map(|index| define(start + index, org, &format!("T{index}"), "Item", &json!({}))).collect()
    };
    let nothing = build(Vec::new());
    build(many(Some(ACME), 2_000)).check_change(&nothing).unwrap();
    build(many(None, 2_001)).check_change(&nothing).unwrap();
    let full = build(many(Some(ACME), 2_001));
    let refused = full.check_change(&nothing).unwrap_err();
    assert!(refused.kind() == ErrorKind::TooLarge && refused.message().contains("2000 types"), "{refused}");
    // What is there already may shrink, and stay.
    full.check_change(&full).unwrap();
    build(many(Some(ACME), 2_000)).check_change(&full).unwrap();
    let fields: Vec<Value> =
        (0..500).map(|index| json!({"name": format!("f{index}"), "type": "reference"})).collect();
    let referring: Vec<TypeDefinition> =
        many(Some(ACME), 11).into_iter().map(|one| with_fields(one, json!(fields))).collect();
    let refused = build(referring).check_change(&nothing).unwrap_err();
    assert!(refused.message().contains("5000 reference fields"), "{refused}");
    let heavy = json!({"text": "x".repeat(1_000_000)});
    let heavy =
        (0..70).map(|index| define(100 + index, Some(ACME), &format!("T{index}"), "Item", &heavy)).collect();
    let refused = build(heavy).check_change(&nothing).unwrap_err();
    assert!(refused.message().contains("bytes of memory"), "{refused}");
}

#[test]
fn what_an_org_inherits_is_not_held_against_the_system() {
    let with = |inherited: usize, own: usize| {
        let text = |length: usize| json!({"text": "x".repeat(length)});
        let mut types = vec![define(20, None, "Base", "Item", &text(inherited))];
        types.extend((0..60).map(|index| {
            let more = json!({"more": "x".repeat(if index == 0 { own } else { 1_000_000 })});
            define(100 + index, Some(ACME), &format!("T{index}"), "Base", &more)
        }));
        build(types)
    };
    let (light, heavy) = (with(10, 1_000_000), with(500_000, 1_000_000));
    heavy.check_change(&light).unwrap();
    let refused = with(500_000, 1_000_001).check_change(&light).unwrap_err();
    assert!(refused.message().contains("bytes of memory"), "its own change is: {refused}");
}

#[test]
fn what_would_fill_the_memory_is_not_built() {
    let text = "x".repeat(1_000_000);
    let instances: Vec<Value> = (0..500)
        .map(|index| json!({"name": format!("i{index}"), "attributes": {}, "access": null}))
        .collect();
    let wide = TypeDefinition {
        instances: serde_json::from_value(json!(instances)).unwrap(),
        ..define(10, Some(ACME), "Wide", "Item", &json!({"text": text}))
    };
    let crowded: Vec<Value> = (0..501)
        .map(|index| json!({"name": format!("i{index}"), "attributes": {}, "access": null}))
        .collect();
    let crowded = TypeDefinition {
        instances: serde_json::from_value(json!(crowded)).unwrap(),
        ..define(10, Some(ACME), "Crowded", "Item", &json!({}))
    };
    let fields: Vec<Value> =
        (0..502).map(|index| json!({"name": format!("f{index}"), "type": "string"})).collect();
    let long = with_fields(define(10, Some(ACME), "Long", "Item", &json!({})), json!(fields));
    // Each inherits what those before it brought.
    let chain = |index: u128| {
        let base = if index == 0 { "Item".to_owned() } else { format!("T{}", index - 1) };
        let attributes = json!({format!("text{index}"): "x".repeat(400_000)});
        define(100 + index, Some(ACME), &format!("T{index}"), &base, &attributes)
    };
    for (definitions, words) in [
        (vec![wide], "bytes of memory"),
        (vec![crowded], "500 instances"),
        (vec![long], "500 fields"),
        ((0..60).map(chain).collect(), "too much memory for one org"),
    ] {
        let mut definitions: Vec<TypeDefinition> = definitions;
        definitions.push(define(1, None, "Item", "", &json!({})));
        let snapshot = TypeSnapshot::of(definitions);
        let refused = TypeRegistry::default().successor(snapshot.clone()).unwrap_err();
        let found = refused.violations().iter().any(|violation| violation.detail.contains(words));
        assert!(found, "{words}: {refused}");
        // What is there must load, however it came, and others must be able to change theirs.
        let stored = TypeRegistry::build(snapshot.clone()).unwrap();
        stored.successor(snapshot.clone()).unwrap();
        let mut more = snapshot;
        more.definitions.push(define(5, None, "Another", "Item", &json!({})));
        more.definitions.push(define(6, Some(OTHER), "Own", "Item", &json!({})));
        let next = stored.successor(more).unwrap();
        next.check_change(&stored).unwrap();
    }
}

#[test]
fn only_what_a_change_adds_is_bounded() {
    let with = |inherited: usize, own: usize| -> TypeSnapshot {
        let fields = |from: &str, count: usize| -> Vec<Value> {
            (0..count).map(|index| json!({"name": format!("{from}{index}"), "type": "string"})).collect()
        };
        let long = define(10, Some(ACME), "Long", "Item", &json!({}));
        let item = define(1, None, "Item", "", &json!({}));
        TypeSnapshot::of(vec![
            with_fields(long, json!(fields("own", own))),
            with_fields(item, json!(fields("system", inherited))),
            define(11, Some(ACME), "Short", "Item", &json!({})),
        ])
    };
    let full = TypeRegistry::default().successor(with(1, 499)).unwrap();
    assert!(full.successor(with(1, 500)).is_err());
    // An upgrade makes the type longer than its org could have made it; that stops neither the upgrade nor the org.
    let upgraded = full.successor(with(3, 499)).unwrap();
    upgraded.check_change(&full).unwrap();
    let mut other = with(3, 499);
    other.definitions[2].attributes.insert("icon".to_owned(), json!("star"));
    upgraded.successor(other).unwrap().check_change(&upgraded).unwrap();
    upgraded.successor(with(3, 498)).unwrap();
    assert!(upgraded.successor(with(3, 500)).is_err());
}

#[test]
fn fields_of_other_orgs_do_not_refer_here() {
    let refers = |number, org, name: &str| {
        let fields = json!([{"name": "to", "type": "reference", "reference": "Item"}]);
        with_fields(define(number, org, name, "Item", &json!({})), fields)
    };
    let registry = build(vec![
        refers(10, None, "System"),
        refers(11, Some(ACME), "Own"),
        refers(12, Some(OTHER), "Foreign"),
        define(13, Some(ACME), "Target", "Item", &json!({})),
    ]);
    let declaring = |org| -> Vec<Uuid> {
        let fields = registry.referring_fields(org, Uuid::from_u128(13));
        fields.map(|field| field.key.declared_by).collect()
    };
    assert_eq!(declaring(ACME), [10, 11].map(Uuid::from_u128));
    assert_eq!(declaring(OTHER), [10, 12].map(Uuid::from_u128));
    let seen = |org| registry.types_of(org).map(|info| info.name().to_string()).collect::<Vec<_>>();
    assert_eq!(seen(ACME), ["Item", "System", "Own", "Target"]);
    assert_eq!(seen(OTHER), ["Item", "System", "Foreign"]);
    let root = registry.root().unwrap();
    assert_eq!(registry.derived(root, Some(OTHER)).count(), 3);
    assert_eq!(registry.derived(root, None).count(), 5);
}

#[test]
fn whether_access_is_inherited_goes_along_the_chain() {
    let says = |inherits: bool| json!({"inherits_access": inherits});
    let registry = build(vec![
        define(10, None, "Folder", "Item", &says(true)),
        define(11, None, "Binder", "Folder", &json!({})),
        define(12, Some(ACME), "Private", "Binder", &says(false)),
        define(13, None, "Ruled", "Folder", &json!({"module": "rules"})),
        define(14, None, "Open", "Ruled", &says(true)),
    ]);
    let inherits = |number| registry.by_id(Uuid::from_u128(number)).unwrap().inherits_access();
    assert_eq!([1, 10, 11, 12, 13, 14].map(inherits), [false, true, true, false, false, true]);
    // It steers, and is no attribute of items.
    assert!(registry.by_id(Uuid::from_u128(11)).unwrap().constants().is_empty());
}

#[test]
fn an_org_does_not_let_what_has_rules_inherit() {
    let build = |own: &Value| {
        TypeRegistry::build(TypeSnapshot::of(vec![
            define(1, None, "Item", "", &json!({"module": "items"})),
            define(10, None, "Account", "Item", &json!({"module": "accounts"})),
            define(11, Some(ACME), "Staff", "Account", own),
        ]))
    };
    let refused = build(&json!({"inherits_access": true})).unwrap_err();
    assert!(refused.violations()[0].detail.contains("derives from Account"), "{refused:?}");
    assert!(build(&json!({"inherits_access": false})).is_ok());
    let wrong = build(&json!({"inherits_access": "perhaps"})).unwrap_err();
    assert!(wrong.violations()[0].detail.contains("true or false"), "{wrong:?}");
}

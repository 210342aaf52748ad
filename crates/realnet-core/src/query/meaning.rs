//! Tests of what queries mean: from their text to the items that they find and the order they come in.

use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::fixture::{Shelf, finds, item, parsed, registry};
use super::*;
use crate::index::{self, class_range, entries, literal_key};
use crate::model::{Attributes, FieldKind, Item, Location, Visibility};
use crate::registry::TypeRegistry;

fn sample(registry: &TypeRegistry) -> Item {
    let attributes = json!({
        "title": "Ärger, (fast)", "size": 5, "price": "12.50", "done": true, "day": "2026-01-31",
        "seen": "2026-01-31T12:00:00.000000Z", "tier": "pro", "code": Uuid::from_u128(0xc0de).to_string(),
        "words": ["one", "two"], "extra": {"depth": {"list": [1, "x"]}, "null": null}, "free": "text", "n": 10,
        "flag": false, "nothing": null, "salary": 9, "order": "mine",
    });
    let mut item = item(registry, 20, "Thing", attributes);
    item.tags = vec!["red".to_owned(), "round".to_owned()];
    item.status = Some("active".to_owned());
    item
}

#[test]
fn every_operator_finds_what_it_says() {
    let registry = registry();
    let item = sample(registry);
    let code = Uuid::from_u128(0xc0de).to_string().to_uppercase();
    for (name, value, expected) in [
        ("title", "Ärger, (fast)", true),
        ("title", "eq.Ärger, (fast)", true),
        ("title", "eq.ärger, (fast)", false),
        ("title", "ilike.äRGER*", true),
        ("title", "like.Ä%fast_", true),
        ("title", "not.like.Ä*", false),
        ("title", "not.not.like.Ä*", true),
        ("title", "not.foo", false),
        ("title", "neq.x", true),
        ("title", "gt.Z", true),
        ("title", r#"in.("Ärger, (fast)",b)"#, true),
        ("size", "5", true),
        ("size", "eq.5.0", true),
        ("size", "gt.4", true),
        ("size", "gte.5", true),
        ("size", "lt.5", false),
        ("size", "lte.5", true),
        ("size", "in.(1,5)", true),
        ("size", "in.()", false),
        ("price", "12.5", true),
        ("price", "gt.9", true),
        ("price", "lt.100", true),
        ("done", "true", true),
        ("done", "is.true", true),
        ("done", "is.false", false),
        ("day", "gte.2026-01-31", true),
        ("seen", "2026-01-31T13:00:00+01:00", true),
        ("seen", "gt.2026-01-31", true),
        ("tier", "pro", true),
        ("code", &code, true),
        ("words", "two", true),
        ("words", "cs.{two,one}", true),
        ("words", "cs.{two,three}", false),
        ("words", "like.t*", true),
        ("words", "neq.three", true),
        ("words", "neq.one", false),
        ("extra.depth.list.1", "x", true),
        ("extra.depth.list", "cs.{1,x}", true),
        ("extra.depth.list.0", "gt.0", true),
        ("extra.null", "is.null", true),
        ("extra.none", "is.null", true),
        ("extra", "is.null", false),
        ("free", "text", true),
        ("n", "10", true),
        ("n", "gt.9", true),
        ("n", "gt.x", false),
        ("flag", "is.false", true),
        ("flag", "false", true),
        ("nothing", "is.null", true),
        ("nothing", "eq.null", false),
        ("absent", "is.null", true),
        ("absent", "neq.1", true),
        ("absent", "not.eq.1", true),
        ("absent", "lt.1", false),
        ("attributes.order", "mine", true),
        ("status", "active", true),
        ("status", "not.is.null", true),
        ("type", "thing", true),
        ("type", "like.T*", true),
        ("type", "neq.Part", true),
        ("version", "gte.1", true),
        ("public", "false", true),
        ("created_at", "lte.2100-01-01", true),
        ("id", "in.(00000000-0000-0000-0000-000000000014)", true),
        ("tags", "red,round", true),
        ("tags", "red,square", false),
        ("or", "(size.eq.1,and(title.ilike.ä*,tags.cs.{red},absent.is.null))", true),
        ("or", "(size.eq.1,size.eq.2)", false),
        ("and", "(size.not.eq.1,not.or(size.eq.1,done.is.false))", true),
        ("not.and", "(size.eq.5,done.is.true)", false),
        ("or", r#"(title.in.("a,b","Ärger, (fast)"))"#, true),
        ("and", "(extra.depth.list.1.eq.x,attributes.order.eq.mine)", true),
        ("search", "ÄRGER text", true),
        ("search", "one active", false),
        ("search", "arger", false),
        ("valid_at", "now", true),
    ] {
        assert_eq!(finds(registry, &[(name, value)], &item, &Shelf::default()), expected, "{name}={value}");
    }
}

#[test]
fn references_lead_to_other_items() {
    let registry = registry();
    let maker = item(registry, 30, "Thing", json!({"title": "Maker", "size": 1}));
    let parent = Item { name: "Root".to_owned(), ..item(registry, 31, "Item", json!({"x": 1})) };
    let mut child = item(registry, 32, "Thing", json!({"maker": maker.id, "friends": [maker.id, parent.id]}));
    child.parent_id = Some(parent.id);
    let shelf = Shelf([&maker, &parent, &child].into_iter().map(|item| (item.id, item.clone())).collect());
    for (name, value, expected) in [
        ("maker.title", "Maker", true),
        ("maker.title", "like.X*", false),
        ("maker.maker.title", "is.null", true),
        ("friends.title", "Maker", true),
        ("friends.name", "Root", true),
        ("parent.name", "Root", true),
        ("parent.attributes.x", "1", true),
        ("owner.name", "is.null", true),
        ("maker.type", "Thing", true),
        ("or", "(maker.title.eq.Maker,size.gt.5)", true),
    ] {
        assert_eq!(finds(registry, &[(name, value)], &child, &shelf), expected, "{name}={value}");
    }
    // What the caller may not read is not there.
    assert!(!finds(registry, &[("maker.title", "Maker")], &child, &Shelf::default()));
    let parent_id = parent.id.to_string();
    assert!(finds(registry, &[("parent", &parent_id)], &child, &shelf));
    assert!(finds(registry, &[("parent", &parent_id), ("any_level", "true")], &child, &shelf));
    let other = maker.id.to_string();
    assert!(!finds(registry, &[("parent", &other), ("any_level", "true")], &child, &shelf));
}

#[test]
fn constants_of_types_and_instances_are_seen() {
    let registry = registry();
    let plain = item(registry, 40, "Part", json!({}));
    let spare = Item { instance: Some("spare".into()), ..item(registry, 41, "Part", json!({})) };
    let own = item(registry, 42, "Part", json!({"colour": "green", "size": null}));
    let found = |name: &str, value: &str| -> Vec<bool> {
        [&plain, &spare, &own].map(|item| finds(registry, &[(name, value)], item, &Shelf::default())).to_vec()
    };
    assert_eq!(found("colour", "Signal red"), [true, false, false]);
    assert_eq!(found("colour", "blue"), [false, true, false]);
    assert_eq!(found("shelf", "is.null"), [true, false, true]);
    assert_eq!(found("size", "7"), [true, true, false]);
    assert_eq!(found("size", "is.null"), [false, false, true]);
    assert_eq!(found("search", "signal item"), [true, false, false]);
    let parsed = parsed(registry, &[("search", "signal item")]).unwrap();
    let Predicate::And(all) = &parsed.query.filter else { panic!("{:?}", parsed.query.filter) };
    assert!(all.contains(&Predicate::Search(vec!["item".to_owned()])));
    assert!(all.contains(&Predicate::SearchEffective(vec!["signal".to_owned()])));
}

#[test]
fn hidden_items_are_left_out_unless_asked_for() {
    let registry = registry();
    let hidden = Item { visibility: Visibility::Hidden, ..item(registry, 50, "Thing", json!({})) };
    let finds = |parameters: &[(&str, &str)]| finds(registry, parameters, &hidden, &Shelf::default());
    assert!(!finds(&[]));
    assert!(!finds(&[("title", "is.null")]));
    assert!(finds(&[("visibility", "hidden")]));
    assert!(finds(&[("or", "(visibility.eq.hidden,size.eq.1)")]));
    assert!(!finds(&[("visibility", "visible")]));
}

#[test]
fn places_are_found() {
    let registry = registry();
    let mut item = item(registry, 60, "Thing", json!({}));
    let near = [("near", "8.5,47.4,1000")];
    let polygon = r#"{"type":"Polygon","coordinates":[[[8,47],[9,47],[9,48],[8,47]]]}"#;
    assert!(!finds(registry, &near, &item, &Shelf::default()), "an item without a location is nowhere");
    item.location = Some(Location::Point([8.501, 47.4]));
    assert!(finds(registry, &near, &item, &Shelf::default()));
    assert!(!finds(registry, &[("near", "8.5,47.4,10")], &item, &Shelf::default()));
    assert!(finds(registry, &[("within", "8,47,9,48")], &item, &Shelf::default()));
    assert!(finds(registry, &[("within", polygon)], &item, &Shelf::default()));
    assert!(!finds(registry, &[("within", "9,47,8,48")], &item, &Shelf::default()), "the long way round");
}

fn ordered(registry: &TypeRegistry, order: &str, items: &[Item]) -> Vec<u128> {
    let order = parsed(registry, &[("order", order)]).unwrap().query.order;
    let mut keyed: Vec<_> =
        items.iter().map(|item| (sort_keys(registry, &order, item, &Shelf::default()), item.id)).collect();
    keyed.sort();
    keyed.into_iter().map(|(_, id)| id.as_u128()).collect()
}

#[test]
fn orders_put_nulls_last_and_break_ties_by_id() {
    let registry = registry();
    let with = |number, title: Value, count: Value| {
        item(registry, number, "Thing", json!({"title": title, "size": count}))
    };
    let items = [
        with(1, json!("b"), json!(2)),
        with(2, json!(null), json!(1)),
        with(3, json!("bc"), json!(10)),
        with(4, json!("b"), json!(1)),
        with(5, json!("ä"), json!(null)),
    ];
    assert_eq!(ordered(registry, "title", &items), [1, 4, 3, 5, 2]);
    assert_eq!(ordered(registry, "title.desc", &items), [5, 3, 1, 4, 2]);
    assert_eq!(ordered(registry, "size.desc", &items), [3, 1, 2, 4, 5]);
    assert_eq!(ordered(registry, "title.asc,size.asc", &items), [4, 1, 3, 5, 2]);
    assert_eq!(ordered(registry, "created_at.desc", &items), [5, 4, 3, 2, 1]);
    assert_eq!(ordered(registry, "type,name.desc", &items), [5, 4, 3, 2, 1]);
}

#[test]
fn cursors_belong_to_one_order() {
    let registry = registry();
    let item = sample(registry);
    let first = parsed(registry, &[("order", "title.desc,size")]).unwrap().query;
    let cursor = Cursor::behind(registry, &first, &item, 0, &Shelf::default());
    assert_eq!(cursor.sort_keys(&first.order), sort_keys(registry, &first.order, &item, &Shelf::default()));
    let text = cursor.encode();
    let next = parsed(registry, &[("order", "title.desc,size"), ("cursor", &text)]).unwrap().query;
    assert_eq!(next.after, Some(cursor));
    for other in ["title,size", "title.desc", "size"] {
        let error = parsed(registry, &[("order", other), ("cursor", &text)]).unwrap_err();
        assert_eq!(error.violations()[0].pointer, "cursor");
    }
}

/// Words and signs that the grammar treats specially, and anything else.
fn awkward() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-c]{0,3}",
        r#"[a,()"{}\\.*%_ ]{0,8}"#,
        "\\PC{0,12}",
        Just("not.eq.x".to_owned()),
        Just("null".to_owned()),
    ]
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

proptest! {
    #[test]
    fn any_text_can_be_asked_for(text in awkward(), others in prop::collection::vec(awkward(), 0..4)) {
        let registry = registry();
        let found = item(registry, 70, "Thing", json!({"title": text, "free": text}));
        let other = item(registry, 71, "Thing", json!({"title": format!("{text}!"), "free": format!("{text}!")}));
        let list: Vec<String> = others.iter().filter(|one| **one != format!("{text}!")).chain([&text]).map(|one| quoted(one)).collect();
        let list = list.join(",");
        for (name, value) in [
            ("title", format!("eq.{text}")),
            ("free", format!("eq.{text}")),
            ("or", format!("(title.eq.{})", quoted(&text))),
            ("and", format!("(title.eq.{},free.in.({list}))", quoted(&text))),
            ("title", format!("in.({list})")),
            ("not.or", format!("(title.neq.{})", quoted(&text))),
        ] {
            prop_assert!(finds(registry, &[(name, &value)], &found, &Shelf::default()), "{} {}", name, value);
            prop_assert!(!finds(registry, &[(name, &value)], &other, &Shelf::default()), "{} {}", name, value);
        }
    }

    #[test]
    fn nothing_makes_the_grammar_panic(
        name in prop_oneof![
            "(or|and|not\\.or|select|order|limit|cursor|search|near|within|types|tags|title|count|extra\\.a|maker\\.title|visibility|type)",
            awkward(),
        ],
        value in prop_oneof![
            "(\\(|\\)|,|not\\.|eq\\.|in\\.|cs\\.|is\\.|or|and|\\{|\\}|\"|title|\\.|x|1|-){0,24}",
            awkward(),
        ],
    ) {
        let registry = registry();
        if let Ok(parsed) = parsed(registry, &[(&name, &value)]) {
            let item = sample(registry);
            let shelf = Shelf::default();
            matches(registry, &parsed.query.filter, &item, &shelf);
            sort_keys(registry, &parsed.query.order, &item, &shelf);
        }
    }

    #[test]
    fn descending_is_the_reverse_of_ascending(a in "[ab]{0,3}|\\PC{0,6}", b in "[ab]{0,3}|\\PC{0,6}") {
        let key = |text: &str| index::sort_key(&json!(text), FieldKind::String);
        let down = |text: &str| directed(key(text), Direction::Descending);
        prop_assert_eq!(key(&a).cmp(&key(&b)), down(&b).cmp(&down(&a)));
        prop_assert!(down(&a).as_slice() < index::NULL_KEY);
    }

    /// Stores answer from their key index; that must say what the evaluator says.
    #[test]
    fn index_rows_answer_as_the_evaluator(
        field in prop_oneof![Just("title"), Just("size"), Just("price"), Just("words"), Just("seen")],
        number in -3..3_i32, literal in -3..3_i32, is_absent in any::<bool>(), comparison in 0..6_usize,
    ) {
        let registry = registry();
        let value = |n: i32| match field {
            "size" => json!(n),
            "price" => json!(format!("{n}.50")),
            "words" => json!([n.to_string(), "x"]),
            "seen" => json!(crate::clock::Timestamp::from_micros(i64::from(n)).to_string()),
            _ => json!(n.to_string()),
        };
        let text = |n: i32| match value(n) {
            Value::String(text) => text,
            Value::Array(_) => n.to_string(),
            other => other.to_string(),
        };
        let attributes = if is_absent { json!({}) } else { json!({field: value(number)}) };
        let found = item(registry, 80, "Thing", attributes);
        let operator = ["eq", "neq", "gt", "gte", "lt", "lte"][comparison];
        let parsed = parsed(registry, &[(field, &format!("{operator}.{}", text(literal))), ("exact", "true")]).unwrap();
        let Predicate::And(all) = &parsed.query.filter else { panic!("visibility and the filter") };
        let Predicate::Compare { operand: Operand::Attribute(path), comparison, value } = &all[1] else {
            panic!("{all:?}")
        };
        let index = path.index.clone().unwrap();
        let key = literal_key(value, path.kind.unwrap()).unwrap();
        let (from, to) = class_range(&key);
        let rows = entries(registry, &found).unwrap().keys;
        let by_index = rows.iter().filter(|row| row.field == index).any(|row| {
            row.value >= from && row.value < to && match comparison {
                Comparison::Eq | Comparison::Neq => row.value == key,
                Comparison::Gt => row.value > key,
                Comparison::Gte => row.value >= key,
                Comparison::Lt => row.value < key,
                _ => row.value <= key,
            }
        });
        let expected = by_index != (*comparison == Comparison::Neq);
        prop_assert_eq!(matches(registry, &parsed.query.filter, &found, &Shelf::default()), expected);
    }

    /// What stores fold in as constants is what the registry says of an item.
    #[test]
    fn folded_constants_are_the_effective_values(
        key in prop_oneof![Just("colour"), Just("shelf"), Just("size"), Just("title")],
        is_spare in any::<bool>(), own in prop::option::of(prop_oneof![Just(json!("own")), Just(json!(null))]),
    ) {
        let registry = registry();
        let mut part = item(registry, 90, "Part", json!({}));
        part.instance = is_spare.then(|| "SPARE".into());
        if let Some(own) = &own {
            part.attributes = Attributes::from_map(json!({key: own}).as_object().unwrap().clone());
        }
        let order = parsed(registry, &[("order", key)]).unwrap().query.order;
        let OrderKey::Operand(Operand::Attribute(path)) = &order[0].key else { panic!("{order:?}") };
        let folded = own.as_ref().or_else(|| path.constant(part.type_id, part.instance.as_deref()));
        prop_assert_eq!(folded, effective(registry, &part, key));
        prop_assert_eq!(path.index.is_some(), key == "title");
    }
}

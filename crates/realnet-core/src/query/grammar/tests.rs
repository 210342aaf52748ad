//! Tests of the grammar itself: what is refused and where it points, what the pieces become.

use uuid::Uuid;

use super::parse_aggregate;
use crate::acl::OrgRole;
use crate::error::{ErrorKind, Result};
use crate::query::aggregate::{Measured, Wants};
use crate::query::fixture::{NOW, ORG, caller, parsed, parsed_as, registry};
use crate::query::{Aggregate, Count, Direction, Operand, OrderKey, OrgScope, Predicate, Property};
use crate::resource::AttributeSet;

#[test]
fn a_mistyped_operator_is_named_with_those_that_exist() {
    let registry = registry();
    let words = |name: &str, value: &str| parsed(registry, &[(name, value)]).unwrap_err().to_string();
    let text = words("size", "gtt.5");
    assert!(
        text.contains("not 'gtt.5'") && text.contains("'gtt' is no operator") && text.contains("gte"),
        "{text}"
    );
    for value in ["x", "gt.x", "eq.gt.5", "1.x", ".5x"] {
        assert!(!words("size", value).contains("operator"), "{value}");
    }
    assert!(words("near", "200,2,5").contains("-180 to 180"));
    assert!(words("near", "1,2").contains("longitude,latitude,metres"));
}

#[test]
fn malformed_values_point_at_their_parameter() {
    let registry = registry();
    let deep = format!("{}title.eq.1{}", "or(".repeat(40), ")".repeat(40));
    let deep = format!("({deep})");
    let many = format!("({})", vec!["title.eq.1"; 300].join(","));
    let list = format!("in.({})", "1,".repeat(2000));
    for (name, value) in [
        ("size", "eq.x"),
        ("size", "x"),
        ("size", "gt."),
        ("size", "eq.NaN"),
        ("size", "eq.1e999"),
        ("size", "like.1*"),
        ("size", "in.(1,x)"),
        ("size", "in.(1"),
        ("size", "in.1"),
        ("size", "in.(1)2"),
        ("size", "is.something"),
        ("size", "is.true"),
        ("size", "cs.{1}"),
        ("size", list.as_str()),
        ("price", "eq.1,5"),
        ("done", "eq.yes"),
        ("day", "2026-02-30"),
        ("seen", "yesterday"),
        ("tier", "gold"),
        ("code", "123"),
        ("maker", "Bob"),
        ("created_at", "now()"),
        ("visibility", "secret"),
        ("public", "1"),
        ("title.part", "x"),
        ("name.part", "x"),
        ("maker.size", "x"),
        ("maker.maker.maker.maker.maker.title", "x"),
        ("a..b", "x"),
        ("or", "title.eq.1"),
        ("or", "()"),
        ("or", "(title.eq.1"),
        ("or", "(title.eq.1))"),
        ("or", "(title)"),
        ("or", "(title.xx.1)"),
        ("or", "(title.not.1)"),
        ("or", "(title.eq.\"1)"),
        ("or", "(title.eq.\"1\"2)"),
        ("or", "(,)"),
        ("or", deep.as_str()),
        ("or", many.as_str()),
        ("and", "(tags.gt.1)"),
        ("limit", "0"),
        ("limit", "1001"),
        ("limit", "-1"),
        ("limit", ""),
        ("offset", "x"),
        ("offset", "100001"),
        ("cursor", "abc"),
        ("count", "maybe"),
        ("order", ""),
        ("order", "title,,size"),
        ("order", "title.down"),
        ("order", "words"),
        ("order", "tags"),
        ("location", "is.null"),
        ("maker.location", "is.null"),
        ("order", "friends.title"),
        ("order", "a,b,c,d,e,f,g,h,i"),
        ("select", ""),
        ("select", "title,"),
        ("select", "title(name)"),
        ("select", "maker("),
        ("select", "maker(title"),
        ("select", "maker()"),
        ("select", "title)"),
        ("select", "maker(maker(maker(maker(title))))"),
        ("attributes", "some"),
        ("search", "  !! "),
        ("near", "1,2"),
        ("near", "181,0,5"),
        ("near", "1,2,-5"),
        ("near", "1,2,inf"),
        ("within", "1,2,3"),
        ("within", "0,10,10,0"),
        ("within", "{\"type\":\"Point\",\"coordinates\":[1,2]}"),
        ("within", "{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[1,1],[0,0]]]}"),
        ("within", "{"),
        ("types", "Nothing"),
        ("types", "Sealed"),
        ("exact", "yes"),
        ("parent", "root"),
        ("any_level", "1"),
        ("tags", "a,,b"),
        ("valid_at", "tomorrow"),
        ("org", "mine"),
    ] {
        let error = parsed(registry, &[(name, value)]).expect_err(&format!("{name}={value}"));
        assert_eq!(error.kind(), ErrorKind::Malformed, "{name}={value}: {error}");
        assert_eq!(error.violations()[0].pointer, name, "{value}");
    }
}

#[test]
fn pieces_become_the_query() {
    let registry = registry();
    let parsed = parsed(
        registry,
        &[
            ("limit", "7"),
            ("offset", "3"),
            ("count", "exact"),
            ("order", "title.desc,maker.title"),
            ("select", "title,attributes.order,maker(title,parent(name)),tags,location"),
            ("attributes", "own"),
        ],
    )
    .unwrap();
    let query = parsed.query;
    assert_eq!((query.limit, query.offset, query.count), (7, 3, Count::Exact));
    assert_eq!(query.scope, OrgScope::One(ORG));
    assert_eq!(query.types, [Uuid::from_u128(2), Uuid::from_u128(3)]);
    assert_eq!(query.order[0].direction, Direction::Descending);
    assert!(matches!(query.order[1].key, OrderKey::Operand(Operand::Through { .. })));
    assert!(!parsed.is_filtered);
    assert_eq!(parsed.projection.attributes, AttributeSet::Own);
    let select = parsed.projection.select;
    assert_eq!(
        select.iter().map(|part| part.name.as_str()).collect::<Vec<_>>(),
        ["title", "order", "maker", "tags", "location"]
    );
    assert!(select[1].attribute);
    assert_eq!(select[2].expand[1].expand[0].name, "name");
}

#[test]
fn types_narrow_the_list() {
    let registry = registry();
    let types = |base: &str, parameters: &[(&str, &str)]| {
        let query = parsed_as(registry, OrgRole::User, base, parameters).unwrap().query;
        query.types.iter().map(Uuid::as_u128).collect::<Vec<_>>()
    };
    assert_eq!(types("Item", &[]), [1, 2, 3, 4]);
    assert_eq!(types("Thing", &[("exact", "true")]), [2]);
    assert_eq!(types("Item", &[("types", "part,Sealed")]), [3, 4]);
    assert_eq!(types("Item", &[("types", "Thing"), ("exact", "true")]), [2]);
}

#[test]
fn superusers_look_everywhere_and_others_at_home() {
    let registry = registry();
    let scope = |role, parameters: &[(&str, &str)]| {
        parsed_as(registry, role, "Thing", parameters).map(|parsed| parsed.query.scope)
    };
    let (own, other) = (ORG.to_string(), Uuid::from_u128(0xf).to_string());
    assert_eq!(scope(OrgRole::Superuser, &[]).unwrap(), OrgScope::All);
    assert_eq!(scope(OrgRole::Superuser, &[("org", &other)]).unwrap(), OrgScope::One(Uuid::from_u128(0xf)));
    assert_eq!(scope(OrgRole::Admin, &[("org", &own)]).unwrap(), OrgScope::One(ORG));
    for org in ["*", other.as_str()] {
        assert_eq!(scope(OrgRole::Admin, &[("org", org)]).unwrap_err().kind(), ErrorKind::Forbidden);
    }
}

#[test]
fn strict_types_know_their_names_and_others_take_any() {
    let registry = registry();
    for (parameters, pointer) in [
        ([("colour", "x")], "colour"),
        ([("order", "colour")], "order"),
        ([("select", "colour")], "select"),
        ([("or", "(colour.eq.x,label.eq.y)")], "or"),
    ] {
        let error = parsed_as(registry, OrgRole::User, "Sealed", &parameters).unwrap_err();
        assert_eq!(error.violations()[0].pointer, pointer);
    }
    assert!(
        parsed_as(registry, OrgRole::User, "Sealed", &[("label", "x"), ("select", "label,name")]).is_ok()
    );
    assert!(parsed(registry, &[("colour", "x"), ("order", "anything.inside.desc")]).is_ok());
}

#[test]
fn a_change_by_filter_takes_declared_names_only() {
    use crate::query::parse_for_change;
    let registry = registry();
    let caller = crate::query::fixture::caller(OrgRole::User);
    let base = registry.find(ORG, "Thing");
    let parse = |name: &str, value: &str| {
        let parameters = [(name.to_owned(), value.to_owned())];
        parse_for_change(registry, &caller, base, &parameters, crate::clock::Timestamp::from_micros(0))
    };
    for (name, value) in
        [("shade", "neq.x"), ("or", "(shade.eq.x,title.eq.y)"), ("maker.shade", "x"), ("salary", "neq.1")]
    {
        let error = parse(name, value).unwrap_err();
        assert_eq!(
            (error.kind(), error.violations()[0].pointer.as_str()),
            (ErrorKind::Malformed, name),
            "{value}"
        );
    }
    for (name, value) in [("title", "neq.x"), ("attributes.shade", "x"), ("name", "x"), ("maker.title", "x")]
    {
        assert!(parse(name, value).is_ok(), "{name}");
    }
}

#[test]
fn fields_kept_from_the_caller_are_as_if_absent() {
    let registry = registry();
    let conditions = |value: &str| {
        let parsed = parsed(registry, &[("or", &format!("(salary.{value},pin.{value})"))]).unwrap();
        match parsed.query.filter {
            Predicate::And(all) => all[1].clone(),
            other => other,
        }
    };
    let both = |predicate: Predicate| Predicate::Or(vec![predicate.clone(), predicate]);
    for value in ["eq.9", "gt.0", "in.(9)", "like.9", "eq.not a number"] {
        assert_eq!(conditions(value), both(Predicate::Nothing), "{value}");
    }
    for value in ["neq.9", "is.null"] {
        assert_eq!(conditions(value), both(Predicate::All), "{value}");
    }
    assert!(parsed(registry, &[("order", "salary.desc")]).unwrap().query.order.is_empty());
    assert_eq!(
        parsed(registry, &[("maker.salary", "gt.5")]).unwrap().query.filter,
        parsed(registry, &[("maker.pin", "gt.5")]).unwrap().query.filter,
    );
    // On a strict type it looks like a name that is not there, word for word but for the name.
    let words = |name: &str| {
        let error = parsed_as(registry, OrgRole::Admin, "Sealed", &[(name, "5")]).unwrap_err();
        error.message().replace(name, "…")
    };
    assert_eq!(words("wage"), words("nonsense"));
    let superuser = parsed_as(registry, OrgRole::Superuser, "Thing", &[("salary", "gt.5")]).unwrap();
    assert!(format!("{:?}", superuser.query.filter).contains("salary"));
}

#[test]
fn only_shared_fields_use_their_index() {
    let registry = registry();
    let index = |base: &str, name: &str| {
        let query = parsed_as(registry, OrgRole::User, base, &[("order", name)]).unwrap().query;
        match &query.order[0].key {
            OrderKey::Operand(Operand::Attribute(path)) => (path.index.is_some(), path.sparse),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(index("Thing", "title"), (true, false));
    assert_eq!(index("Thing", "maker"), (true, true));
    assert_eq!(index("Thing", "done"), (false, false));
    assert_eq!(index("Thing", "size"), (false, false), "Part has a constant for it");
    assert_eq!(index("Item", "title"), (false, false), "Item does not declare it");
}

#[test]
fn control_parameters_stand_once_and_filters_often() {
    let registry = registry();
    let error = parsed(registry, &[("limit", "1"), ("limit", "2")]).unwrap_err();
    assert_eq!(error.violations()[0].pointer, "limit");
    let both = parsed(registry, &[("size", "gt.1"), ("size", "lt.5")]).unwrap();
    assert!(both.is_filtered);
    let Predicate::And(all) = both.query.filter else { panic!("two filters") };
    assert_eq!(all.len(), 3);
    assert_eq!(parsed(registry, &[("watch", "true")]).unwrap_err().kind(), ErrorKind::Unsupported);
    let error = parsed(registry, &[("title", "a\0b")]).unwrap_err();
    assert!(error.message().contains("NUL"));
}

#[test]
fn orders_drop_what_can_not_matter() {
    let registry = registry();
    let order = |text: &str| parsed(registry, &[("order", text)]).unwrap().query.order;
    assert!(order("created_at").is_empty());
    assert_eq!(order("title,id,size").len(), 1);
    let newest = order("created_at.desc,title");
    assert_eq!(newest.len(), 1);
    assert_eq!(newest[0].key, OrderKey::Operand(Operand::Property(Property::Id)));
    let search = parsed(registry, &[("search", "x")]).unwrap().query.order;
    assert_eq!(search[0].key, OrderKey::Relevance);
}

fn reckoned(role: OrgRole, base: &str, select: &str, group: &str) -> Result<Aggregate> {
    let registry = registry();
    let mut parameters = vec![("select".to_owned(), select.to_owned())];
    parameters.extend((!group.is_empty()).then(|| ("group".to_owned(), group.to_owned())));
    parse_aggregate(registry, &caller(role), registry.find(ORG, base), &parameters, NOW)
}

#[test]
fn figures_know_their_measures() {
    let asked = reckoned(
        OrgRole::User,
        "Thing",
        "count(), sum(size),avg(size),min(title),count(words)",
        "tier, type",
    )
    .unwrap();
    let names: Vec<&str> = asked.figures.iter().map(|figure| figure.name.as_str()).collect();
    assert_eq!(names, ["count()", "sum(size)", "avg(size)", "min(title)", "count(words)"]);
    let wants: Vec<Wants> = asked.measures.iter().map(|measure| measure.wants).collect();
    let (sum, ends) = (Wants { sum: true, ..Wants::default() }, Wants { ends: true, ..Wants::default() });
    assert_eq!(wants, [sum, ends, Wants::default()]);
    let groups: Vec<&str> = asked.groups.iter().map(|term| term.name.as_str()).collect();
    assert_eq!((groups, asked.query.order.len(), asked.query.count), (vec!["tier", "type"], 5, Count::Exact));
    let decimal = reckoned(OrgRole::User, "Thing", "sum(price),max(price)", "").unwrap();
    assert_eq!(decimal.measures[0].wants, Wants { sum: true, ends: true, decimal: true });
    assert_eq!(decimal.measures.len(), 1);
}

#[test]
fn what_is_hidden_is_no_measure_whatever_it_is() {
    for field in ["salary", "pin", "maker.salary", "maker.pin"] {
        let select = format!("count({field}),sum({field}),avg({field}),min({field}),max({field})");
        let asked = reckoned(OrgRole::Admin, "Thing", &select, field).unwrap();
        assert!(asked.measures.is_empty() && asked.groups[0].operand.is_none(), "{field}");
        assert!(asked.figures.iter().all(|figure| figure.of == Measured::Nothing), "{field}");
    }
    let words = |name: &str| {
        let error = reckoned(OrgRole::Admin, "Sealed", &format!("sum({name})"), "").unwrap_err();
        error.message().replace(name, "…")
    };
    assert_eq!(words("wage"), words("nonsense"));
    assert_eq!(reckoned(OrgRole::Superuser, "Thing", "sum(salary)", "salary").unwrap().measures.len(), 1);
}

#[test]
fn malformed_figures_point_at_their_parameter() {
    for (select, group, pointer) in [
        ("size", "", "select"),
        ("sum", "", "select"),
        ("sum(", "", "select"),
        ("sum()", "", "select"),
        ("sum(size))", "", "select"),
        ("sum(size)x", "", "select"),
        ("sum(size),", "", "select"),
        ("sum(size),sum( size )", "", "select"),
        ("sum(title)", "", "select"),
        ("avg(seen)", "", "select"),
        ("sum(created_at)", "", "select"),
        ("min(words)", "", "select"),
        ("count(friends.size)", "", "select"),
        ("count(tags)", "", "select"),
        ("count(a..b)", "", "select"),
        ("count()", "words", "group"),
        ("count()", "friends.title", "group"),
        ("count()", "tier,tier", "group"),
        ("count()", "tier,", "group"),
        ("count()", "sum(size)", "group"),
        ("count()", "a,b,c,d,e,f,g,h,i", "group"),
    ] {
        let error = reckoned(OrgRole::User, "Thing", select, group).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed, "{select} {group}");
        assert_eq!(error.violations()[0].pointer, pointer, "{select} {group}: {error}");
    }
    let many: Vec<String> = (0..51).map(|n| format!("sum(n{n})")).collect();
    assert!(reckoned(OrgRole::User, "Thing", &many.join(","), "").is_err());
    assert!(reckoned(OrgRole::User, "Thing", &many[1..].join(","), "").is_ok());
    for name in ["order", "limit", "offset", "cursor", "count", "attributes", "watch"] {
        let parameters = [(name.to_owned(), "1".to_owned())];
        let registry = registry();
        let asked =
            parse_aggregate(registry, &caller(OrgRole::User), registry.find(ORG, "Thing"), &parameters, NOW);
        assert!(asked.is_err(), "{name}");
    }
}

//! Every operator on every kind of field: indexed, not indexed, undeclared, lists, paths and references. Each answer
//! is compared with the oracle's.

use super::sample::{Kind, fill, kinds};
use crate::conformance::{Snapshot, World, item};

const COMPARISONS: [&str; 6] = ["eq", "neq", "gt", "gte", "lt", "lte"];
const PATTERNS: [&str; 10] = ["*", "a*", "%b%", "*_b", r"100\%", r"*\_*", r"*\\*", "_", "*É*", "*O'Brien*"];

/// Compares one filter with the oracle. Answers how many items it finds.
async fn probe(world: &World, snapshot: &Snapshot, field: &str, filter: &str) -> usize {
    world.find("Sample").with(field, filter).check_against(snapshot).await.len()
}

/// All operators on one field.
async fn operators(world: &World, snapshot: &Snapshot, kind: &Kind, field: &str) {
    let mut found = 0;
    for value in &kind.probes {
        for comparison in COMPARISONS {
            found += probe(world, snapshot, field, &format!("{comparison}.{value}")).await;
        }
        found += probe(world, snapshot, field, &format!("not.gte.{value}")).await;
    }
    let first = &kind.probes[0];
    let last = &kind.probes[kind.probes.len() - 1];
    if !first.contains([',', '(', ')']) && !last.contains([',', '(', ')', ';']) {
        found += probe(world, snapshot, field, &format!("in.({first},{last})")).await;
        found += probe(world, snapshot, field, &format!("not.in.({first})")).await;
    }
    let nulls = probe(world, snapshot, field, "is.null").await;
    let rest = probe(world, snapshot, field, "not.is.null").await;
    assert!(found > 0 && nulls > 0 && rest > 0, "{field}: the filters found nothing to compare");
    if kind.text {
        for pattern in PATTERNS {
            probe(world, snapshot, field, &format!("like.{pattern}")).await;
            probe(world, snapshot, field, &format!("ilike.{pattern}")).await;
            probe(world, snapshot, field, &format!("not.like.{pattern}")).await;
        }
    }
}

async fn all_operators(world: &World, suffix: &str) {
    let snapshot = fill(world).await;
    for kind in kinds() {
        operators(world, &snapshot, &kind, &format!("{}{suffix}", kind.name)).await;
    }
}

/// Fields that are not in the index.
pub async fn operators_on_plain_fields(world: World) {
    all_operators(&world, "").await;
}

/// Fields that are in the index.
pub async fn operators_on_indexed_fields(world: World) {
    all_operators(&world, "_i").await;
}

/// Attributes that no type declares.
pub async fn operators_on_undeclared_attributes(world: World) {
    all_operators(&world, "_u").await;
}

/// Lists: a comparison holds when one element satisfies it; `cs` asks for all.
pub async fn operators_on_lists(world: World) {
    let snapshot = fill(&world).await;
    for field in ["strings", "strings_i", "strings_u"] {
        for filter in
            ["eq.a", "neq.a", "in.(b,zeta)", "not.eq.a", "is.null", "cs.{a}", "cs.{a,b}", "cs.{zeta,a}"]
        {
            probe(&world, &snapshot, field, filter).await;
        }
        assert!(probe(&world, &snapshot, field, "cs.{a,b}").await > 0);
    }
    for field in ["integers", "integers_i", "integers_u"] {
        for filter in
            ["eq.3", "neq.3", "gt.2", "lte.-1", "in.(2,10)", "is.null", "cs.{3}", "cs.{1,2}", "not.cs.{3}"]
        {
            probe(&world, &snapshot, field, filter).await;
        }
        assert!(probe(&world, &snapshot, field, "cs.{1,3}").await > 0);
    }
}

/// References: the id itself, lists of ids, and values of the item referred to, when it can be read.
pub async fn operators_through_references(world: World) {
    let snapshot = fill(&world).await;
    let mut targets = world.find("Target").all().await;
    let alpha = targets.remove(0).id;
    for field in ["reference", "references"] {
        for filter in
            [format!("eq.{alpha}"), format!("neq.{alpha}"), format!("in.({alpha})"), "is.null".to_owned()]
        {
            let found = probe(&world, &snapshot, field, &filter).await;
            assert!(found > 0, "{field}={filter} finds nothing to compare");
        }
    }
    probe(&world, &snapshot, "references", &format!("cs.{{{alpha},{}}}", targets[0].id)).await;
    for filter in ["eq.alpha", "neq.alpha", "like.*eta", "is.null", "in.(beta,gamma)"] {
        assert!(probe(&world, &snapshot, "reference.name", filter).await > 0, "reference.name={filter}");
    }
    assert!(probe(&world, &snapshot, "reference.weight", "gte.5").await > 0);
    probe(&world, &snapshot, "owner.name", "alice").await;
    // Who can not read the target sees no value of it.
    let bob = world.acme.bob.clone();
    world.create(&bob, item("Target").name("bob's")).await;
    let sample = world.find("Sample").with("reference", alpha).all().await.remove(0);
    let read = crate::conformance::grant(
        crate::conformance::Org::account(&bob),
        &[realnet_core::acl::Permission::Read],
    );
    world.share(&world.acme.alice, sample.id, vec![read]).await.unwrap();
    world.find("Sample").by(&bob).with("reference.name", "alpha").gives(&[]).await;
    world.find("Sample").by(&bob).with("reference.name", "is.null").gives(&[&sample.name]).await;
}

/// Paths into JSON, declared or not, by key and by place.
pub async fn operators_on_paths(world: World) {
    let snapshot = fill(&world).await;
    for field in ["json", "json_u"] {
        let at = |path: &str| format!("{field}.{path}");
        for (path, filter) in [
            ("n", "3"),
            ("n", "gt.2"),
            ("n", "neq.0"),
            ("deep.text", "t1"),
            ("deep.text", "like.t*"),
            ("deep.text", "in.(t0,t2)"),
            ("deep.list.0", "2"),
            ("deep.list.1", "x"),
            ("deep.list", "cs.{x}"),
            ("deep", "not.is.null"),
            ("absent", "is.null"),
            ("deep.absent.further", "is.null"),
            ("odd key", "true"),
        ] {
            let found = probe(&world, &snapshot, &at(path), filter).await;
            assert!(found > 0, "{field}.{path}={filter} finds nothing to compare");
        }
        assert_eq!(probe(&world, &snapshot, &at("deep.text.further"), "x").await, 0);
    }
}

/// Groups of filters, nested, with negation.
pub async fn groups_are_nested(world: World) {
    let snapshot = fill(&world).await;
    for (name, group) in [
        ("or", "(integer.eq.1,integer_i.gt.2)"),
        ("or", "(string_i.eq.a,string.eq.B,string_u.is.null)"),
        ("and", "(integer_i.gte.0,integer_i.lt.10)"),
        ("or", "(and(integer_i.gte.0,boolean.eq.true),and(integer_i.lt.0,boolean_i.eq.false))"),
        ("and", "(or(status.eq.open,status.eq.closed),or(integer_i.is.null,integer_i.gt.0))"),
        ("or", "(integer_i.not.gt.0,not.and(boolean_i.eq.true,enum_i.eq.low))"),
        ("or", "(strings_i.cs.{a},reference.is.null,name.like.s1*)"),
    ] {
        let found = world.find("Sample").with(name, group).check_against(&snapshot).await;
        assert!(!found.is_empty(), "{name}={group} finds nothing to compare");
    }
    let both = world
        .find("Sample")
        .with("integer_i", "gte.0")
        .with("integer_i", "lt.10")
        .with("or", "(status.eq.open,boolean_i.eq.true)");
    both.check_against(&snapshot).await;
    both.order("integer_i.desc,name").limit(3).check_against(&snapshot).await;
}

/// What comparisons mean where it is easily got wrong, in literal expectations.
pub async fn the_meaning_of_comparisons(world: World) {
    let alice = world.acme.alice.clone();
    let notes = vec![
        item("Note").name("null").attr("rank", serde_json::Value::Null),
        item("Note").name("absent"),
        item("Note").name("one").attr("rank", 1).attr("label", "a%c"),
        item("Note").name("two").attr("rank", 2).attr("label", "abc"),
        item("Note").name("ten").attr("rank", 10).attr("label", "ÄBC"),
    ];
    world.create_all(&alice, notes).await;
    let find = |name: &str, value: &str| world.find("Note").with(name, value);
    find("rank", "neq.2").gives(&["null", "absent", "one", "ten"]).await;
    find("rank", "not.eq.2").gives(&["null", "absent", "one", "ten"]).await;
    find("rank", "gt.1").gives(&["two", "ten"]).await;
    find("rank", "not.gt.1").gives(&["null", "absent", "one"]).await;
    find("rank", "lt.10").gives(&["one", "two"]).await;
    find("rank", "is.null").gives(&["null", "absent"]).await;
    find("label", "like.a*c").gives(&["one", "two"]).await;
    find("label", r"like.a\%c").gives(&["one"]).await;
    find("label", "like.a_c").gives(&["one", "two"]).await;
    find("label", "like.b").gives(&[]).await;
    find("label", "ilike.äbc").gives(&["ten"]).await;
    find("label", "ilike.A*").gives(&["one", "two"]).await;
    find("label", "gt.abc").gives(&["ten"]).await;
    find("or", "(rank.eq.1,label.eq.abc)").gives(&["one", "two"]).await;
}

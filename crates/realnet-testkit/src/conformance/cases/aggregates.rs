//! Figures by group: what they are of, what they mean, how exact they are, and who is counted.

use realnet_core::ErrorKind;
use realnet_core::acl::Permission;
use realnet_core::clock::Timestamp;
use realnet_core::model::Visibility;
use serde_json::{Value, json};

use super::inheritance::levels;
use super::sample;
use super::sort::PROPERTIES;
use crate::conformance::{Find, Org, World, grant, item};

/// Groups come in the order of their values, absent ones last; without a term there is one group, also of nothing.
pub async fn groups_come_in_order(world: World) {
    let nothing =
        json!([{"count()": 0, "sum(rank)": null, "avg(rank)": null, "min(rank)": null, "max(rank)": null}]);
    let all = "count(),sum(rank),avg(rank),min(rank),max(rank)";
    world.find("Note").select(all).reckons(nothing).await;
    world.find("Note").select(all).group("label").reckons(json!([])).await;
    let drafts = vec![
        item("Note").name("a").attr("label", "z").attr("rank", 2),
        item("Note").name("b").attr("label", "Ä").attr("rank", 3),
        item("Note").name("c").attr("label", "z").attr("rank", 5),
        item("Note").name("d").attr("label", "B"),
        item("Note").name("e").attr("rank", 7),
        item("Note").name("f").attr("label", json!(null)).attr("rank", 8),
    ];
    world.create_all(&world.acme.alice, drafts).await;
    let row = |label: Value, count: i64, sum: Value, avg: Value, min: Value, max: Value| json!({"label": label, "count()": count, "sum(rank)": sum, "avg(rank)": avg, "min(rank)": min, "max(rank)": max});
    let null = Value::Null;
    let expected = json!([
        row(json!("B"), 1, null.clone(), null.clone(), null.clone(), null.clone()),
        row(json!("z"), 2, json!(7), json!(3.5), json!(2), json!(5)),
        row(json!("Ä"), 1, json!(3), json!(3), json!(3), json!(3)),
        row(null, 2, json!(15), json!(7.5), json!(7), json!(8)),
    ]);
    world.find("Note").select(all).group("label").reckons(expected).await;
    world.find("Note").reckons(json!([{"count()": 6}])).await;
    let by_both = world.find("Note").select("count(label)").group("rank,label");
    by_both
        .with("rank", "lt.6")
        .reckons(json!([
            {"rank": 2, "label": "z", "count(label)": 1},
            {"rank": 3, "label": "Ä", "count(label)": 1},
            {"rank": 5, "label": "z", "count(label)": 1},
        ]))
        .await;
}

/// Values of every kind of field: plain, indexed and undeclared ones.
pub async fn every_kind_is_reckoned_with(world: World) {
    let snapshot = sample::fill(&world).await;
    let check = |find: Find| {
        let snapshot = snapshot.clone();
        async move { find.compare_figures(&snapshot).await.unwrap_or_else(|problem| panic!("{problem}")) }
    };
    for kind in sample::kinds() {
        for suffix in ["", "_i", "_u"] {
            let field = format!("{}{suffix}", kind.name);
            let figures = format!("count(),count({field}),min({field}),max({field})");
            check(world.find("Sample").select(&figures).group("type")).await;
            check(world.find("Sample").select(&figures).with("status", "neq.open")).await;
            check(world.find("Sample").group(&field)).await;
        }
    }
    for field in ["integer", "integer_i", "integer_u"] {
        let figures = format!("sum({field}),avg({field})");
        check(world.find("Sample").select(&figures).group("type,instance")).await;
        check(world.find("Sample").select(&figures).group("string")).await;
        check(world.find("Sample").select(&figures).with("exact", true).with(field, "gte.0")).await;
    }
    check(world.find("Sample").select("count(strings),count(references),count(json),count(json.deep.text)"))
        .await;
    check(world.find("Sample").select("sum(json.n),max(json.deep.text)").group("json.deep.list.0")).await;
    check(world.find("Sample").select("min(reference.name),max(reference.weight)").group("reference")).await;
}

/// Sums have all their digits, whatever the size of the numbers and their order; what is no number is passed over.
pub async fn sums_are_exact(world: World) {
    let decimals = ["0.1", "0.2", "-0.30000000000000000001", "123456789012345678901234567890.5"];
    let numbers = [json!(0.1), json!(0.2), json!(1e300), json!(-1e300), json!(7)];
    let mixed =
        [json!(i64::MAX), json!(i64::MAX), json!("5"), json!(true), json!([1]), json!({"a": 1}), json!(null)];
    let mut drafts: Vec<_> =
        decimals.iter().map(|one| item("Sample").name("d").attr("decimal", *one)).collect();
    drafts.extend(decimals.iter().map(|one| item("Sample").name("i").attr("decimal_i", *one)));
    drafts.extend(numbers.into_iter().map(|one| item("Sample").name("n").attr("number", one)));
    drafts.extend(mixed.into_iter().map(|one| item("Sample").name("m").attr("free", one)));
    world.create_all(&world.acme.alice, drafts).await;
    for field in ["decimal", "decimal_i"] {
        let select = format!("count({field}),sum({field}),min({field}),max({field})");
        world
            .find("Sample")
            .select(&select)
            .reckons(json!([{
                format!("count({field})"): 4,
                format!("sum({field})"): "123456789012345678901234567890.49999999999999999999",
                format!("min({field})"): "-0.30000000000000000001",
                format!("max({field})"): "123456789012345678901234567890.5",
            }]))
            .await;
    }
    world
        .find("Sample")
        .select("sum(number),avg(number),min(number),max(number)")
        .reckons(json!([{
            "sum(number)": 7.3, "avg(number)": 7.3 / 5.0, "min(number)": -1e300, "max(number)": 1e300,
        }]))
        .await;
    world.find("Sample").select("count(free),sum(free),avg(free),min(free),max(free)").reckons(json!([{
        "count(free)": 6, "sum(free)": "18446744073709551614", "avg(free)": 9_223_372_036_854_775_808.0_f64,
        "min(free)": true, "max(free)": "5",
    }])).await;
    let small = world.find("Sample").select("avg(decimal),sum(decimal)").with("decimal", "lt.1");
    small.reckons(json!([{"avg(decimal)": -1e-20 / 3.0, "sum(decimal)": "-0.00000000000000000001"}])).await;
}

/// Equal values are one group whatever their form; large integers, long texts and documents are told apart.
pub async fn values_keep_apart(world: World) {
    let long = "x".repeat(600);
    let values = [
        json!(9_007_199_254_740_993_i64),
        json!(9_007_199_254_740_992_i64),
        json!(2),
        json!(2.5),
        json!(true),
        json!("2"),
        json!(long),
        json!(format!("{long}y")),
        json!({"b": 1, "a": [2]}),
        json!([1]),
        json!(null),
        json!(-1e300),
    ];
    let drafts: Vec<_> =
        values.iter().chain(&values).map(|one| item("Sample").name("a").attr("free", one.clone())).collect();
    world.create_all(&world.acme.alice, drafts).await;
    let found = world.find("Sample").group("free").try_figures().await.unwrap();
    let rows = found.as_array().unwrap();
    assert!(rows.iter().all(|row| row["count()"] == 2), "{found}");
    let groups: Vec<&Value> = rows.iter().map(|row| &row["free"]).collect();
    let expected = [
        &values[4],
        &values[11],
        &values[2],
        &values[3],
        &values[1],
        &values[0],
        &values[5],
        groups[7],
        groups[8],
        &values[9],
        &values[8],
        &values[10],
    ];
    assert_eq!(groups, expected);
    assert!([groups[7], groups[8]].contains(&&values[6]) && [groups[7], groups[8]].contains(&&values[7]));
}

/// Constants of types and instances are values like others, unless an item has its own, be it null.
pub async fn constants_are_reckoned_with(world: World) {
    levels(&world).await;
    let select = "count(),count(integer_i),sum(integer_i),min(integer_i),max(integer_i)";
    world.find("Sample").select(select).reckons(json!([{
        "count()": 7, "count(integer_i)": 5, "sum(integer_i)": 25, "min(integer_i)": 1, "max(integer_i)": 7,
    }])).await;
    let rows = [("blue", 2, 14), ("green", 1, 5), ("grey", 1, 0), ("own", 1, 1), ("red", 1, 5), ("", 1, 0)];
    let rows = rows.map(|(colour, count, sum)| {
        let sum = if sum == 0 { Value::Null } else { json!(sum) };
        let colour = if colour.is_empty() { Value::Null } else { json!(colour) };
        json!({"colour": colour, "count()": count, "sum(integer_i)": sum})
    });
    world.find("Sample").select("count(),sum(integer_i)").group("colour").reckons(json!(rows)).await;
    world.find("Sample").select("min(string),max(colour)").group("type,instance").check_figures().await;
    world
        .find("MiddleSample")
        .select("sum(integer_i)")
        .group("string")
        .with("colour", "neq.green")
        .check_figures()
        .await;
}

/// Properties are grouped by and compared.
pub async fn properties_are_reckoned_with(world: World) {
    let alice = &world.acme.alice;
    let moment = |micros| Some(Timestamp::from_micros(micros));
    let root = world.create(alice, item("Note").name("root").status("open").public()).await;
    let drafts = vec![
        item("Note").name("a").status("open").parent(root.id).valid(moment(1), None),
        item("Note").name("b").status("").owner(None).valid(moment(2), moment(5_000_000)),
        item("Place").name("c").visibility(Visibility::Restricted).linked(root.id),
        item("Note").name("d").owner(world.acme.bob.account),
    ];
    world.create_all(alice, drafts).await;
    for property in PROPERTIES.into_iter().chain(["org"]) {
        let find =
            || world.find("Item").with("types", "Note,Place").with("visibility", "in.(visible,restricted)");
        find().group(property).check_figures().await;
        let figures = format!("count({property}),min({property}),max({property})");
        find().select(&figures).group("type").check_figures().await;
    }
    world.find("Note").select("sum(version),avg(version)").check_figures().await;
}

/// What references lead to is grouped by and summed up, as far as it may be read.
pub async fn references_lead_further(world: World) {
    let (alice, bob) = (&world.acme.alice, &world.acme.bob);
    let open = world.create(alice, item("OpenPaper").name("open boss").attr("rank", 2)).await;
    let hidden = world.create(alice, item("PrivatePaper").name("hidden boss").attr("rank", 40)).await;
    let drafts = vec![
        item("OpenPaper").name("a").attr("boss", open.id.to_string()),
        item("OpenPaper").name("b").attr("boss", open.id.to_string()),
        item("OpenPaper").name("c").attr("boss", hidden.id.to_string()),
        item("OpenPaper").name("d"),
    ];
    world.create_all(alice, drafts).await;
    let of_all =
        |by| world.find("OpenPaper").by(by).with("boss", "not.is.null").select("count(),sum(boss.rank)");
    let row = |name: Value, count: i64, sum: Value| json!({"boss.name": name, "count()": count, "sum(boss.rank)": sum});
    let hidden_row = row(json!("hidden boss"), 1, json!(40));
    let open_row = row(json!("open boss"), 2, json!(4));
    of_all(alice).group("boss.name").reckons(json!([hidden_row, open_row])).await;
    of_all(bob).group("boss.name").reckons(json!([open_row, row(Value::Null, 1, Value::Null)])).await;
    of_all(bob).check_figures().await;
}

/// Filters hold as in lists: those that SQL knows and those that it does not, types, trees, words and places.
pub async fn filters_hold(world: World) {
    let alice = &world.acme.alice;
    let root = world.create(alice, item("Note").name("root").attr("rank", 100)).await;
    let child = world.create(alice, item("Note").name("child").parent(root.id).attr("rank", 1)).await;
    let drafts = vec![
        item("Note").name("grandchild").parent(child.id).attr("rank", 2).attr("label", "l1"),
        item("Note").name("tagged").tags(&["x", "y"]).attr("rank", 3).attr("label", "l2"),
        item("Place").name("placed").at(8.5, 47.0).attr("rank", 4),
        item("Note").name("hidden").visibility(Visibility::Hidden).attr("rank", 1000),
    ];
    world.create_all(alice, drafts).await;
    let find = || world.find("Item").with("types", "Note,Place").select("count(),sum(rank)").group("type");
    find()
        .reckons(json!([
            {"type": "Note", "count()": 4, "sum(rank)": 106}, {"type": "Place", "count()": 1, "sum(rank)": 4},
        ]))
        .await;
    let below = |level| find().with("parent", root.id).with("any_level", level);
    below(true).reckons(json!([{"type": "Note", "count()": 2, "sum(rank)": 3}])).await;
    below(false).reckons(json!([{"type": "Note", "count()": 1, "sum(rank)": 1}])).await;
    find()
        .with("visibility", "hidden")
        .reckons(json!([{"type": "Note", "count()": 1, "sum(rank)": 1000}]))
        .await;
    find().with("tags", "x").reckons(json!([{"type": "Note", "count()": 1, "sum(rank)": 3}])).await;
    for (name, value) in [
        ("rank", "gte.2"),
        ("rank", "in.(1,2)"),
        ("rank", "neq.1"),
        ("label", "like.l*"),
        ("label", "is.null"),
        ("name", "root"),
        ("or", "(rank.eq.1,label.ilike.L2)"),
        ("parent.name", "root"),
        ("created_at", "gte.2000-01-01"),
        ("id", "is.null"),
    ] {
        find().with(name, value).check_figures().await;
        world.find("Note").with(name, value).check_figures().await;
    }
    let capabilities = world.stores.items.capabilities();
    if capabilities.search {
        find().with("search", "child").reckons(json!([{"type": "Note", "count()": 1, "sum(rank)": 1}])).await;
    }
    if capabilities.geography {
        find()
            .with("near", "8.5,47,1000")
            .reckons(json!([{"type": "Place", "count()": 1, "sum(rank)": 4}]))
            .await;
    }
}

/// Only what the caller may read is counted.
pub async fn only_readable_items_count(world: World) {
    let (alice, bob) = (&world.acme.alice, &world.acme.bob);
    let to_bob = grant(Org::account(bob), &[Permission::Read]);
    let to_write = grant(Org::account(bob), &[Permission::Write]);
    let of_alice = |kind: &str| item(kind).org(world.acme.id).owner(alice.account);
    let drafts = vec![
        of_alice("PrivatePaper").name("own").attr("rank", 1),
        of_alice("PrivatePaper").name("shared").attr("rank", 2).grants(vec![to_bob]),
        of_alice("PrivatePaper").name("to write").attr("rank", 4).grants(vec![to_write]),
        of_alice("PrivatePaper").name("public").attr("rank", 8).public(),
        of_alice("PrivatePaper").name("board").instance("Board").attr("rank", 16),
        of_alice("OpenPaper").name("open").attr("rank", 32),
        of_alice("OpenPaper").name("restricted").attr("rank", 64).visibility(Visibility::Restricted),
        item("OpenPaper").name("abroad").attr("rank", 128).org(world.umbrella.id).owner(None),
    ];
    world.create_all(&world.system(), drafts).await;
    let sum = |by, expected: i64| {
        let find = world.find("Paper").by(by).select("sum(rank)");
        async move { find.reckons(json!([{"sum(rank)": expected}])).await }
    };
    sum(alice, 127).await;
    sum(bob, 2 + 8 + 16 + 32).await;
    sum(&world.acme.anonymous, 8 + 16 + 32).await;
    sum(&world.acme.admin, 127).await;
    for by in [alice, bob, &world.acme.anonymous, &world.umbrella.alice] {
        world.find("Paper").by(by).select("count(),max(rank)").group("type,mood").check_figures().await;
    }
}

/// A field that nobody may read is one that no item has.
pub async fn secrets_are_not_reckoned_with(world: World) {
    let drafts = ["a", "b"].map(|secret| item("Sample").name(secret).attr("secret", secret));
    world.create_all(&world.acme.alice, drafts.into()).await;
    let find = world.find("Sample").by(&world.system()).group("secret");
    find.select("count(),count(secret),min(secret),max(secret),sum(secret)").reckons(json!([{
        "secret": null, "count()": 2, "count(secret)": 0, "min(secret)": null, "max(secret)": null, "sum(secret)": null,
    }])).await;
    world.find("Sample").with("secret", "a").reckons(json!([{"count()": 0}])).await;
}

/// There is an end to groups.
pub async fn too_many_groups_are_refused(world: World) {
    let drafts = (0..=1000).map(|rank| item("Note").name("a").attr("rank", rank));
    world.create_all(&world.acme.alice, drafts.collect()).await;
    let by_rank = |filter: &str| world.find("Note").group("rank").with("rank", filter);
    let error = by_rank("gte.0").try_figures().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge, "{error:?}");
    let groups = by_rank("gte.1").try_figures().await.unwrap();
    assert_eq!(groups.as_array().map(Vec::len), Some(1000));
    world
        .find("Note")
        .select("count(),sum(rank)")
        .reckons(json!([{"count()": 1001, "sum(rank)": 500_500}]))
        .await;
}

/// Nor may figures be larger together than a page: sums have all their digits.
pub async fn too_many_digits_are_refused(world: World) {
    let draft = |rank: usize| {
        let note = item("Note").name("a").attr("rank", rank);
        (0..50).fold(note, |note, index| note.attr(&format!("n{index}"), 1e300))
    };
    for start in (0..1000).step_by(250) {
        world.create_all(&world.acme.alice, (start..start + 250).map(draft).collect()).await;
    }
    let sums = |count: usize| {
        let sums: Vec<String> = (0..count).map(|index| format!("sum(n{index})")).collect();
        world.find("Note").select(&sums.join(",")).group("rank")
    };
    let rows = sums(15).try_figures().await.unwrap();
    assert_eq!(rows.as_array().map(Vec::len), Some(1000));
    assert_eq!(rows[999]["sum(n14)"], json!(format!("1{}", "0".repeat(300))));
    let error = sums(50).try_figures().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge, "{error:?}");
}

//! Values at their edges: extreme numbers, empty and hostile texts, deep JSON.

use serde_json::{Value, json};

use crate::conformance::{World, item};

/// Numbers come back exactly, are found and sorted, whether declared or not.
pub async fn extreme_numbers_are_exact(world: World) {
    let alice = world.acme.alice.clone();
    let numbers = [
        json!(i64::MIN),
        json!(-1.797_693_134_862_315_7e308),
        json!(-9_007_199_254_740_993_i64),
        json!(-5e-324),
        json!(0),
        json!(2.225_073_858_507_201_4e-308),
        json!(0.1),
        json!(9_007_199_254_740_991_i64),
        json!(i64::MAX),
        json!(u64::MAX),
        json!(1.797_693_134_862_315_7e308),
    ];
    for (index, number) in numbers.iter().enumerate() {
        let draft = item("Note").name(format!("n{index:02}")).attr("free", number.clone());
        let created = world.create(&alice, draft).await;
        let read = world.item(created.id).await;
        assert_eq!(read.attributes.as_text(), created.attributes.as_text());
        assert_eq!(read.attributes.get("free"), Some(number));
        world.find("Note").with("free", number.to_string()).check().await;
    }
    for order in ["free", "free.desc"] {
        world.find("Note").order(order).limit(4).check().await;
    }
    for filter in ["gt.0", "lt.0", "gte.9007199254740992", "lte.-9007199254740992", "eq.0.1"] {
        world.find("Note").with("free", filter).check().await;
    }
}

/// Texts that mean something to a database, a pattern or a shell are only texts.
pub async fn hostile_texts_are_only_texts(world: World) {
    let alice = world.acme.alice.clone();
    let texts = [
        "",
        " ",
        "'",
        "''",
        "\"",
        "\\",
        "\\\\",
        "%",
        "_",
        "%%",
        "$1",
        "?",
        ":name",
        "{}",
        "[]",
        "null",
        "true",
        "0",
        "--",
        "/*",
        "'; DROP TABLE items; --",
        "\n",
        "\t\r\n",
        "\u{1}",
        "\u{7f}",
        "${HOME}",
        "a\\'b",
        "a,b",
        "(a)",
        "*",
    ];
    let drafts = texts
        .map(|text| item("Sample").name(text).attr("string", text).attr("string_i", text).attr("free", text));
    world.create_all(&alice, drafts.into()).await;
    let snapshot = world.snapshot().await;
    for text in texts {
        for field in ["name", "string", "string_i", "free"] {
            let found = world.find("Sample").with(field, format!("eq.{text}")).check_against(&snapshot).await;
            assert!(found.iter().any(|item| item.name == text), "{field}=eq.{text:?} does not find it");
            world.find("Sample").with(field, format!("gte.{text}")).check_against(&snapshot).await;
        }
    }
    for pattern in ["%", r"\%", r"\\", "_", r"\_", "'*", "*'", r"*\*", "**", "a_b", "$*", ""] {
        for field in ["name", "string", "string_i", "free"] {
            for operator in ["like", "ilike"] {
                let find = world.find("Sample").with(field, format!("{operator}.{pattern}"));
                if find.try_query().is_ok() {
                    find.check_against(&snapshot).await;
                }
            }
        }
    }
    world.find("Sample").with("name", r"like.\%").gives(&["%"]).await;
    world.find("Sample").with("name", r"like.\_").gives(&["_"]).await;
    world.find("Sample").with("name", r"like.\\").gives(&["\\"]).await;
}

/// A name that reads like a number or a boolean is found as what it is.
pub async fn undeclared_values_keep_their_type(world: World) {
    let alice = world.acme.alice.clone();
    let values = [
        json!(1),
        json!("1"),
        json!("1.0"),
        json!(true),
        json!("true"),
        json!(1.5),
        json!("x"),
        json!([1, "1"]),
    ];
    for value in &values {
        world.create(&alice, item("Note").name(value.to_string()).attr("free", value.clone())).await;
    }
    for filter in
        ["1", "eq.true", "eq.1.0", "gt.1", "neq.1", "in.(1,true)", "lte.x", "like.1*", "is.null", "cs.{1}"]
    {
        world.find("Note").with("free", filter).check().await;
    }
    world.find("Note").order("free,name").limit(2).check().await;
    world.find("Note").with("free", "x").gives(&["\"x\""]).await;
}

/// JSON of every shape, sixty levels deep, comes back as it was.
pub async fn json_is_kept(world: World) {
    let alice = world.acme.alice.clone();
    let deep =
        (0..60).fold(
            json!("bottom"),
            |inner, level| if level % 2 == 0 { json!([inner]) } else { json!({"k": inner}) },
        );
    let values = [
        json!({}),
        json!([]),
        json!([[], {}, [null], ""]),
        json!({"": {"": ""}, " ": 0, "a.b": {"c,d": [1]}, "\u{1F600}": null, "\\\"": "\\\""}),
        deep,
        Value::String("x".repeat(100_000)),
    ];
    for value in values {
        let draft = item("Sample").name("json").attr("json", value.clone()).attr("free", value.clone());
        let created = world.create(&alice, draft).await;
        let read = world.item(created.id).await;
        assert_eq!(read.attributes.get("json"), Some(&value));
        assert_eq!(read.attributes.get("free"), Some(&value));
    }
    assert_eq!(world.find("Sample").all().await.len(), 6);
}

/// Long texts in indexed fields are found exactly, sorted by their first four hundred bytes at least, and unique.
pub async fn long_texts_are_indexed(world: World) {
    let alice = world.acme.alice.clone();
    let long = |early: &str, late: &str| format!("{}{early}{}{late}", "long ".repeat(80), "er ".repeat(2000));
    for (early, late) in [("b", "x"), ("a", "x"), ("b", "a"), ("c", "")] {
        let draft = item("Sample").name(format!("{early}{late}")).attr("string_i", long(early, late));
        world.create(&alice, draft.attr("string", long(early, late))).await;
    }
    for field in ["string", "string_i"] {
        for order in [field.to_owned(), format!("{field}.desc")] {
            let names = world.find("Sample").order(&order).limit(1).check().await;
            let early: String = names.iter().filter_map(|item| item.name.chars().next()).collect();
            assert_eq!(early, if order.ends_with("desc") { "cbba" } else { "abbc" }, "{order}");
        }
        world.find("Sample").with(field, format!("eq.{}", long("b", "x"))).gives(&["bx"]).await;
        let greater = world.find("Sample").with(field, format!("gt.{}", long("a", "x")));
        assert_eq!(greater.order("name").names().await, ["ba", "bx", "c"]);
    }
    world.create(&alice, item("Coded").attr("code", long("x", "x"))).await;
    world.create(&alice, item("Coded").attr("code", long("x", "y"))).await;
    let taken = world.try_create(&alice, item("Coded").attr("code", long("x", "x"))).await;
    crate::conformance::expect_kind(taken, realnet_core::ErrorKind::Conflict);
}

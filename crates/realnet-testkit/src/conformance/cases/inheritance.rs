//! Queries over a hierarchy of types: derived types, exact sets, instances, and constants that live in types.

use serde_json::json;

use crate::conformance::{World, item};

/// One item of each level, and of an instance.
pub(super) async fn levels(world: &World) {
    let drafts = vec![
        item("Sample").name("base"),
        item("Sample").instance("Preset").name("preset"),
        item("MiddleSample").name("middle"),
        item("MiddleSample").instance("Preset").name("middle preset"),
        item("LeafSample").name("leaf"),
        item("LeafSample").name("own").attr("colour", "own").attr("string", "own").attr("integer_i", 1),
        item("LeafSample").name("null").attr("colour", json!(null)).attr("integer_i", json!(null)),
        item("Note").name("note"),
    ];
    world.create_all(&world.acme.alice, drafts).await;
}

/// A query for a type returns items of derived types; `exact` and `types` narrow it.
pub async fn derived_types_are_found(world: World) {
    levels(&world).await;
    let count = |base: &'static str| world.find(base).order("created_at");
    count("Sample").gives(&["base", "preset", "middle", "middle preset", "leaf", "own", "null"]).await;
    count("MiddleSample").gives(&["middle", "middle preset", "leaf", "own", "null"]).await;
    count("LeafSample").gives(&["leaf", "own", "null"]).await;
    count("Sample").with("exact", true).gives(&["base", "preset"]).await;
    count("MiddleSample").with("exact", true).limit(1).gives(&["middle", "middle preset"]).await;
    count("AbstractSample").gives(&[]).await;
    count("Item").with("types", "Note,LeafSample").gives(&["leaf", "own", "null", "note"]).await;
    count("Item").with("types", "Note,Sample").with("exact", true).gives(&["base", "preset", "note"]).await;
}

/// Type and instance are properties to filter and order by.
pub async fn types_and_instances_are_filters(world: World) {
    levels(&world).await;
    let find = |name: &str, value: &str| world.find("Sample").with(name, value);
    find("instance", "Preset").gives(&["preset", "middle preset"]).await;
    find("instance", "is.null").gives(&["base", "middle", "leaf", "own", "null"]).await;
    find("type", "eq.LeafSample").check().await;
    find("type", "in.(Sample,MiddleSample)").check().await;
    find("type", "neq.Sample").check().await;
    world.find("Sample").order("type.desc,name").limit(2).check().await;
    world.find("Sample").order("instance,name.desc").limit(2).check().await;
}

/// Values that only the type or the instance has are seen by filters: declared, indexed and undeclared ones.
pub async fn constants_are_filtered(world: World) {
    levels(&world).await;
    let find = |name: &str, value: &str| world.find("Sample").with(name, value);
    find("colour", "grey").gives(&["base"]).await;
    find("colour", "blue").gives(&["preset", "middle preset"]).await;
    find("colour", "green").gives(&["leaf"]).await;
    find("colour", "is.null").gives(&["null"]).await;
    find("colour", "neq.green").gives(&["base", "preset", "middle", "middle preset", "own", "null"]).await;
    find("string", "constant").gives(&["middle", "leaf", "null"]).await;
    find("string", "like.*n*").gives(&["middle", "leaf", "own", "null"]).await;
    find("string", "is.null").gives(&["base"]).await;
    find("integer_i", "5").gives(&["middle", "leaf"]).await;
    find("integer_i", "gte.5").gives(&["preset", "middle", "middle preset", "leaf"]).await;
    find("integer_i", "lt.5").gives(&["own"]).await;
    find("integer_i", "in.(1,7)").gives(&["preset", "middle preset", "own"]).await;
    find("integer_i", "not.gte.5").gives(&["base", "own", "null"]).await;
    find("integer_i", "is.null").gives(&["base", "null"]).await;
    world.find("MiddleSample").with("integer_i", "5").gives(&["middle", "leaf"]).await;
}

/// Values that only the type or the instance has take part in the order.
pub async fn constants_are_sorted(world: World) {
    levels(&world).await;
    let sorted = |order: &str| world.find("Sample").order(order).limit(2);
    sorted("integer_i").gives(&["own", "middle", "leaf", "preset", "middle preset", "base", "null"]).await;
    sorted("integer_i.desc")
        .gives(&["preset", "middle preset", "middle", "leaf", "own", "base", "null"])
        .await;
    sorted("colour.desc,name").check().await;
    sorted("string,integer_i.desc,name.desc").check().await;
}

/// Constants are part of the full text.
pub async fn constants_are_searched(world: World) {
    if !world.stores.items.capabilities().search {
        return;
    }
    levels(&world).await;
    world.create(&world.acme.alice, item("LeafSample").name("else").attr("text", "something else")).await;
    let search = |words: &str| world.find("Sample").with("search", words);
    search("words").gives(&["middle", "middle preset", "leaf", "own", "null"]).await;
    search("words leaf").gives(&["leaf"]).await;
    search("something").gives(&["else"]).await;
}

/// A derived type's own field, narrowed further down, is filtered and sorted where it is known.
pub async fn fields_of_derived_types(world: World) {
    let alice = world.acme.alice.clone();
    let drafts = vec![
        item("MiddleSample").name("a").attr("extra", 2000),
        item("LeafSample").name("b").attr("extra", 10),
        item("LeafSample").name("c"),
        item("Sample").name("d").attr("extra", 10),
    ];
    world.create_all(&alice, drafts).await;
    world.find("MiddleSample").with("extra", "gte.10").gives(&["a", "b"]).await;
    world.find("MiddleSample").order("extra").gives(&["b", "a", "c"]).await;
    world.find("LeafSample").with("extra", "10").gives(&["b"]).await;
    // To the base the name is undeclared.
    world.find("Sample").with("extra", "10").check().await;
    world.find("Sample").order("extra.desc").limit(1).check().await;
}

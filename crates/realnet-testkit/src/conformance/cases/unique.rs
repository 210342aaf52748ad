//! Unique fields: per org, across derived types, freed by deletion and change.

use realnet_core::ErrorKind;
use serde_json::{Value, json};

use crate::conformance::{Draft, World, delete, expect_kind, item, race};

fn pointers(error: &realnet_core::Error) -> Vec<&str> {
    error.violations().iter().map(|violation| violation.pointer.as_str()).collect()
}

fn coded(name: &str, code: impl Into<Value>) -> Draft {
    item("Coded").name(name).attr("code", code)
}

/// A value is taken for the declaring type and all types derived from it.
pub async fn a_value_is_taken_once(world: World) {
    let alice = world.acme.alice.clone();
    world.create(&alice, coded("first", "A").attr("number", 1)).await;
    let error = expect_kind(world.try_create(&alice, coded("second", "A")).await, ErrorKind::Conflict);
    assert!(error.message().contains("code"), "the message names the field: {error:?}");
    assert_eq!(pointers(&error), ["/attributes/code"]);
    let derived = item("SubCoded").name("derived").attr("code", "A");
    expect_kind(world.try_create(&alice, derived).await, ErrorKind::Conflict);
    // Somebody else's item, which can not be read, takes the value as well.
    expect_kind(world.try_create(&world.acme.bob, coded("bob's", "A")).await, ErrorKind::Conflict);
    world.create(&alice, coded("case matters", "a").attr("number", 2)).await;
    expect_kind(world.try_create(&alice, coded("number", "B").attr("number", 2)).await, ErrorKind::Conflict);
    world.find("Coded").order("name").gives(&["case matters", "first"]).await;
}

/// Another type's field of the same name, and another org, have values of their own.
pub async fn other_types_and_orgs_are_apart(world: World) {
    let alice = world.acme.alice.clone();
    world.create(&alice, coded("here", "A")).await;
    world.create(&alice, item("OtherCoded").name("other").attr("code", "A")).await;
    world.create(&world.umbrella.alice.clone(), coded("there", "A")).await;
    expect_kind(world.try_create(&world.umbrella.bob, coded("again", "A")).await, ErrorKind::Conflict);
}

/// Absent values and nulls are free; the empty text is a value.
pub async fn nulls_are_free(world: World) {
    let alice = world.acme.alice.clone();
    world
        .create_all(
            &alice,
            vec![item("Coded"), item("Coded"), coded("", Value::Null), coded("", Value::Null)],
        )
        .await;
    world.create(&alice, coded("empty", "")).await;
    expect_kind(world.try_create(&alice, coded("empty too", "")).await, ErrorKind::Conflict);
}

/// Deleting and changing an item free its value; changing into a taken one is refused.
pub async fn changes_free_values(world: World) {
    let alice = world.acme.alice.clone();
    let a = world.create(&alice, coded("a", "A")).await;
    let b = world.create(&alice, coded("b", "B")).await;
    expect_kind(world.set(&alice, b.id, json!({"code": "A"})).await, ErrorKind::Conflict);
    assert_eq!(world.item(b.id).await, b);
    world.set(&alice, a.id, json!({"code": "C"})).await.unwrap();
    world.set(&alice, b.id, json!({"code": "A"})).await.unwrap();
    world.delete(&alice, b.id).await.unwrap();
    world.create(&alice, coded("new", "A")).await;
    world.set(&alice, a.id, json!({"code": null})).await.unwrap();
    world.create(&alice, coded("newer", "C")).await;
    // The same value again is no clash with itself.
    world.set(&alice, a.id, json!({"code": "D"})).await.unwrap();
    world.set(&alice, a.id, json!({"code": "D", "number": 4})).await.unwrap();
}

/// Within one set a value can move: freed first, taken then.
pub async fn a_value_moves_within_a_set(world: World) {
    let alice = world.acme.alice.clone();
    let a = world.create(&alice, coded("a", "A")).await;
    let b = world.create(&alice, coded("b", "B")).await;
    let swap = vec![
        world.setting(a.id, None, json!({"code": "temporary"})),
        world.setting(b.id, None, json!({"code": "A"})),
        world.setting(a.id, None, json!({"code": "B"})),
    ];
    world.commit(&alice, swap).await.unwrap();
    world.find("Coded").with("code", "A").gives(&["b"]).await;
    world.find("Coded").with("code", "B").gives(&["a"]).await;
    let replace = vec![delete(a.id), world.creation(&alice, coded("c", "B"))];
    world.commit(&alice, replace).await.unwrap();
    let clash = vec![world.creation(&alice, coded("d", "E")), world.creation(&alice, coded("e", "E"))];
    expect_kind(world.commit(&alice, clash).await, ErrorKind::Conflict);
    world.find("Coded").with("code", "E").gives(&[]).await;
}

/// Of sixteen who take a value at the same moment, one gets it.
pub async fn one_taker_wins(world: World) {
    let alice = world.acme.alice.clone();
    let results = race(16, |index| {
        let (world, alice) = (world.clone(), alice.clone());
        let kind = if index % 2 == 0 { "Coded" } else { "SubCoded" };
        async move {
            let draft = item(kind).name(format!("taker {index}")).attr("code", "wanted");
            world.persist(&alice, world.creation(&alice, draft)).await
        }
    })
    .await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "{results:?}");
    for result in results {
        if result.is_err() {
            expect_kind(result, ErrorKind::Conflict);
        }
    }
    assert_eq!(world.find("Coded").with("code", "wanted").all().await.len(), 1);
}

/// Values that are unique together are taken once, whatever derived types say; one that is absent leaves the others free.
pub async fn values_are_unique_together(world: World) {
    let alice = world.acme.alice.clone();
    let [one, other] = ["one", "other"].map(|name| item("Target").name(name));
    let targets = world.create_all(&alice, vec![one, other]).await;
    let [one, other] = [targets[0].id.to_string(), targets[1].id.to_string()];
    let pair = |kind: &str, left: &str, right: &str| item(kind).attr("left", left).attr("right", right);
    let first = world.create(&alice, pair("Pair", &one, "a")).await;
    world.create_all(&alice, vec![pair("Pair", &one, "b"), pair("SubPair", &other, "a")]).await;
    for again in [pair("Pair", &one, "a"), pair("SubPair", &one, "b"), pair("Pair", &other, "a")] {
        let error = expect_kind(world.try_create(&alice, again).await, ErrorKind::Conflict);
        assert_eq!(pointers(&error), ["/attributes/left", "/attributes/right"], "{error:?}");
    }
    world.create_all(&alice, vec![item("Pair").attr("left", one.as_str()), item("Pair"), item("Pair")]).await;
    world.create(&alice, item("Pair").attr("left", one.as_str())).await;
    let clash = world.set(&alice, first.id, json!({"right": "b"})).await;
    expect_kind(clash, ErrorKind::Conflict);
    assert_eq!(world.item(first.id).await, first);
    world.set(&alice, first.id, json!({"right": null})).await.unwrap();
    world.create(&alice, pair("Pair", &one, "a")).await;
    expect_kind(world.set(&alice, first.id, json!({"right": "a"})).await, ErrorKind::Conflict);
    // Of several at the same moment, one comes through.
    let results = race(8, |_| {
        let (world, alice, draft) = (world.clone(), alice.clone(), pair("Pair", &other, "raced"));
        async move { world.try_create(&alice, draft).await.is_ok() }
    })
    .await;
    assert_eq!(results.into_iter().filter(|won| *won).count(), 1);
    // What is gone takes nothing.
    world.delete(&alice, targets[1].id).await.unwrap();
    world.find("Pair").with("right", "raced").gives(&[]).await;
}

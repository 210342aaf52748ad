//! Indexes of fields that change where items are already: at once, or behind the commit.

use realnet_core::change::{Operation, Outcome};
use realnet_core::registry::FieldRef;
use realnet_core::{ErrorKind, Uuid};
use serde_json::json;

use super::types::{put, with_fields};
use crate::conformance::{World, expect_kind, item};

/// A field that becomes indexed later, and no longer is, answers the same.
pub async fn a_field_becomes_indexed_and_back(world: World) {
    labels(&world, &["c", "a", "b", "b", "d"]).await;
    world.create(&world.acme.alice, item("Note").name("without")).await;
    check_labels(&world).await;
    let indexed = json!([{"name": "label", "type": "string", "index": true}]);
    world.change_types(&world.system(), put(with_fields(&world, "Note", indexed))).await.unwrap();
    check_labels(&world).await;
    labels(&world, &["e", "b"]).await;
    check_labels(&world).await;
    assert_eq!(world.find("Note").with("label", "b").all().await.len(), 3);
    let plain = json!([{"name": "label", "type": "string"}]);
    world.change_types(&world.system(), put(with_fields(&world, "Note", plain))).await.unwrap();
    labels(&world, &["b"]).await;
    check_labels(&world).await;
    assert_eq!(world.find("Note").with("label", "b").all().await.len(), 4);
}

/// A list along one field that filters by another finds what was there before the other one was indexed.
pub async fn a_later_index_filters_along_an_earlier_one(world: World) {
    let alice = world.acme.alice.clone();
    let fields = |is_indexed: bool| {
        json!([
            {"name": "rank", "type": "integer", "index": true},
            {"name": "label", "type": "string", "index": is_indexed},
        ])
    };
    world.change_types(&world.system(), put(with_fields(&world, "Note", fields(false)))).await.unwrap();
    let note = |n: usize| {
        let label = ["a", "b", "c"][n % 3];
        item("Note").name(format!("{label}{n}")).attr("label", label).attr("rank", n * 7 % 12)
    };
    let notes = world.create_all(&alice, (0..24).map(note).collect()).await;
    world.change_types(&world.system(), put(with_fields(&world, "Note", fields(true)))).await.unwrap();
    let check = async || {
        for label in ["a", "neq.b", "in.(b,c)"] {
            for order in ["rank", "rank.desc"] {
                world.find("Note").with("label", label).order(order).limit(3).check().await;
            }
        }
    };
    check().await;
    world.set(&alice, notes[0].id, json!({"label": "b"})).await.unwrap();
    world.set(&alice, notes[1].id, json!({"rank": 40})).await.unwrap();
    check().await;
    world.change_types(&world.system(), put(with_fields(&world, "Note", fields(false)))).await.unwrap();
    world.set(&alice, notes[2].id, json!({"label": "a"})).await.unwrap();
    world.change_types(&world.system(), put(with_fields(&world, "Note", fields(true)))).await.unwrap();
    check().await;
}

/// A field becomes unique only where no two items share a value; from then on it is.
pub async fn a_field_becomes_unique(world: World) {
    let ids = labels(&world, &["a", "b", "b"]).await;
    let unique = json!([{"name": "label", "type": "string", "unique": true}]);
    let before = world.load().await;
    let change = put(with_fields(&world, "Note", unique));
    expect_kind(world.change_types(&world.system(), change.clone()).await, ErrorKind::Conflict);
    assert_eq!(world.load().await, before);
    labels(&world, &["a"]).await;
    let again = world.find("Note").with("label", "a").all().await;
    assert_eq!(again.len(), 2, "the refused change left something behind");
    world.delete(&world.acme.alice, again[1].id).await.unwrap();
    world.set(&world.acme.alice, ids[2], json!({"label": "c"})).await.unwrap();
    world.change_types(&world.system(), change).await.unwrap();
    expect_kind(
        world.try_create(&world.acme.bob, item("Note").attr("label", "c")).await,
        ErrorKind::Conflict,
    );
    world.find("Note").with("label", "c").gives(&["b"]).await;
    let free = put(with_fields(&world, "Note", json!([])));
    world.change_types(&world.system(), free).await.unwrap();
    world.create(&world.acme.bob, item("Note").attr("label", "c")).await;
}

/// Fields become unique together only where no two items share their values.
pub async fn fields_become_unique_together(world: World) {
    let alice = world.acme.alice.clone();
    let note = |label: &str, rank: i64| item("Note").attr("label", label).attr("rank", rank);
    let twins = world.create_all(&alice, vec![note("a", 1), note("a", 1), note("a", 2)]).await;
    let mut together = with_fields(
        &world,
        "Note",
        json!([{"name": "label", "type": "string"}, {"name": "rank", "type": "integer", "index": true}]),
    );
    together.attributes.insert("unique_together".to_owned(), json!([["label", "rank"]]));
    let refused = world.change_types(&world.system(), put(together.clone())).await;
    expect_kind(refused, ErrorKind::Conflict);
    world.delete(&alice, twins[1].id).await.unwrap();
    world.change_types(&world.system(), put(together.clone())).await.unwrap();
    expect_kind(world.try_create(&alice, note("a", 2)).await, ErrorKind::Conflict);
    world.create(&alice, note("b", 2)).await;
    together.attributes.remove("unique_together");
    world.change_types(&world.system(), put(together)).await.unwrap();
    world.create(&alice, note("a", 2)).await;
    world.find("Note").with("rank", "2").check().await;
}

/// A new index of many items is built behind the commit: what is asked meanwhile is answered right, what is written meanwhile
/// stands in it, and it goes on after a restart.
pub async fn an_index_is_built_behind(world: World) {
    let alice = world.acme.alice.clone();
    for batch in 0..3 {
        let label = |index: usize| format!("l{:03}", (batch * 500 + index) % 211);
        let note = |index| item("Note").name("many").attr("label", label(index));
        world.create_all(&alice, (0..500).map(note).collect()).await;
    }
    let fixed = labels(&world, &["b", "a", "b", "c"]).await;
    let indexed = json!([{"name": "label", "type": "string", "index": true}]);
    world.change_types(&world.system(), put(with_fields(&world, "Note", indexed))).await.unwrap();
    let behind = usize::from(world.stores.items.capabilities().builds_behind);
    assert_eq!(world.registry.current().building().count(), behind, "whether it is built behind");
    check_many(&world).await;
    // Before, within and behind what has been built so far.
    for (step, id) in fixed.iter().enumerate() {
        extend_index(&world, 400).await;
        world.set(&alice, *id, json!({"label": format!("m{step}")})).await.unwrap();
        labels(&world, &["b", "l007"]).await;
        check_many(&world).await;
        if step == 1 {
            world.delete(&alice, fixed[3]).await.unwrap();
            break;
        }
    }
    let durable = world.stores.items.capabilities().durable;
    let world = if durable { world.reopen().await.expect("a durable store opens again") } else { world };
    assert_eq!(world.registry.current().building().count(), behind, "whether it is built further");
    check_many(&world).await;
    let refused = Operation::ExtendIndex {
        field: FieldRef { declared_by: world.type_id("Note"), name: "label".into() },
        limit: 1,
    };
    expect_kind(world.commit(&world.acme.admin.clone(), vec![refused]).await, ErrorKind::Forbidden);
    while extend_index(&world, 1000).await {}
    check_many(&world).await;
    world.find("Note").with("label", "l007").check().await;
    world.find("Note").with("label", "in.(m0,m1,c)").order("label").check().await;
    labels(&world, &["z"]).await;
    check_many(&world).await;
    // It may go while it is built.
    let more = json!([{"name": "label", "type": "string", "index": true}, {"name": "body", "type": "text", "index": true}]);
    world.change_types(&world.system(), put(with_fields(&world, "Note", more))).await.unwrap();
    assert_eq!(extend_index(&world, 400).await, behind == 1);
    let fewer = json!([{"name": "label", "type": "string", "index": true}]);
    world.change_types(&world.system(), put(with_fields(&world, "Note", fewer))).await.unwrap();
    assert_eq!(world.registry.current().building().count(), 0);
    check_many(&world).await;
}

async fn labels(world: &World, labels: &[&str]) -> Vec<Uuid> {
    let drafts = labels.iter().map(|label| item("Note").name(*label).attr("label", *label)).collect();
    world.create_all(&world.acme.alice, drafts).await.into_iter().map(|item| item.id).collect()
}

async fn check_labels(world: &World) {
    world.find("Note").with("label", "eq.b").check().await;
    world.find("Note").with("label", "gt.a").limit(2).check().await;
    world.find("Note").with("label", "is.null").check().await;
    world.find("Note").order("label.desc").limit(2).check().await;
}

/// As [`check_labels`], in larger pages.
async fn check_many(world: &World) {
    world.find("Note").with("label", "eq.b").check().await;
    world.find("Note").with("label", "gte.l2").limit(500).check().await;
    world.find("Note").with("label", "is.null").check().await;
    world.find("Note").order("label.desc").limit(700).check().await;
}

/// One step of the first index that is being built; `false` when there is none.
async fn extend_index(world: &World, limit: usize) -> bool {
    world.load_types().await;
    let next = world.registry.current().building().next().cloned();
    let Some(field) = next else { return false };
    let done = world.commit(&world.system(), vec![Operation::ExtendIndex { field, limit }]).await.unwrap();
    let ready = done == [Outcome::Indexed(true)];
    world.load_types().await;
    assert_eq!(ready, world.registry.current().building().count() == 0);
    true
}

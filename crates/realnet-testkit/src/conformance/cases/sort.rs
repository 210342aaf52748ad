//! Orders: every kind of key, both ways, with ties and nulls, over several pages.

use super::sample::{fill, kinds};
use crate::conformance::{World, item};

/// Properties of items to order by.
pub(super) const PROPERTIES: [&str; 15] = [
    "id",
    "type",
    "instance",
    "name",
    "status",
    "visibility",
    "valid_from",
    "valid_to",
    "parent_id",
    "linked_item_id",
    "owner",
    "public",
    "version",
    "created_at",
    "updated_at",
];

/// Every property, ascending and descending.
pub async fn by_every_property(world: World) {
    let snapshot = fill(&world).await;
    for property in PROPERTIES {
        for direction in ["asc", "desc"] {
            let order = format!("{property}.{direction}");
            world.find("Sample").order(&order).limit(7).check_against(&snapshot).await;
        }
    }
}

/// Every kind of field, indexed, not indexed and undeclared, ascending and descending.
pub async fn by_every_kind_of_field(world: World) {
    let snapshot = fill(&world).await;
    for kind in kinds() {
        for suffix in ["", "_i", "_u"] {
            for direction in ["asc", "desc"] {
                let order = format!("{}{suffix}.{direction}", kind.name);
                world.find("Sample").order(&order).limit(7).check_against(&snapshot).await;
            }
        }
    }
}

/// Several terms, mixed with filters, paths and references.
pub async fn by_several_terms(world: World) {
    let snapshot = fill(&world).await;
    for order in [
        "enum_i,integer_i.desc",
        "boolean,enum_i.desc,name",
        "status.desc,created_at",
        "integer_i.desc,string_i,number_u",
        "reference.name,name.desc",
        "reference.desc,id.desc",
        "json.n,json_u.deep.text.desc,name",
    ] {
        for limit in [1, 5] {
            world.find("Sample").order(order).limit(limit).check_against(&snapshot).await;
        }
        let filtered = world.find("Sample").with("integer_i", "gte.0").with("string", "not.is.null");
        filtered.order(order).limit(3).check_against(&snapshot).await;
    }
}

/// Nulls last both ways, ties by id: in literal expectations.
pub async fn nulls_last_and_ties_by_id(world: World) {
    let alice = world.acme.alice.clone();
    let notes = vec![
        item("Note").name("a").attr("rank", 2),
        item("Note").name("b"),
        item("Note").name("c").attr("rank", 1),
        item("Note").name("d").attr("rank", 2),
        item("Note").name("e").attr("rank", serde_json::Value::Null),
        item("Note").name("f").attr("rank", -3),
    ];
    world.create_all(&alice, notes).await;
    for limit in [1, 2, 3, 6, 50] {
        let sorted = |order: &str| world.find("Note").order(order).limit(limit);
        sorted("rank").gives(&["f", "c", "a", "d", "b", "e"]).await;
        sorted("rank.desc").gives(&["a", "d", "c", "f", "b", "e"]).await;
        sorted("rank.desc,name.desc").gives(&["d", "a", "c", "f", "e", "b"]).await;
        sorted("created_at.desc").gives(&["f", "e", "d", "c", "b", "a"]).await;
        sorted("status").gives(&["a", "b", "c", "d", "e", "f"]).await;
    }
}

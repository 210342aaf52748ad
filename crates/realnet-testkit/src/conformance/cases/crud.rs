//! Creating, reading, updating and deleting single items.

use realnet_core::acl::{Permission, Subject};
use realnet_core::change::Outcome;
use realnet_core::clock::Timestamp;
use realnet_core::model::{Item, Location, Visibility};
use realnet_core::{ErrorKind, Uuid};
use serde_json::json;

use crate::conformance::{Draft, Org, World, delete, expect_kind, grant, item};

/// A draft in which every property is set.
fn full(world: &World, parent: Uuid, linked: Uuid) -> Draft {
    item("PrivatePaper")
        .instance("Board")
        .name("Everything \u{1F4DA}")
        .attr("rank", 7)
        .attr("undeclared", json!({"deep": [1, 2.5, null, true, "x"], "empty": {}}))
        .tags(&["z", "a", "ä"])
        .status("active")
        .visibility(Visibility::Restricted)
        .location(Location::Polygon(vec![vec![[0.0, 0.0], [1.5, 0.0], [1.5, 1.25], [0.0, 0.0]]]))
        .valid(Some(Timestamp::from_micros(-1)), Some(Timestamp::from_micros(1_767_225_600_000_001)))
        .parent(parent)
        .linked(linked)
        .public()
        .grants(vec![grant(Org::account(&world.acme.bob), &[Permission::Read, Permission::Message])])
}

/// Every property that was written is read back as it was.
pub async fn every_property_is_read_back(world: World) {
    let alice = world.acme.alice.clone();
    let parent = world.create(&alice, item("Note").name("parent")).await;
    let linked = world.create(&alice, item("Note").name("linked")).await;
    let draft = world.build(&alice, full(&world, parent.id, linked.id));
    let created = world.create(&alice, full(&world, parent.id, linked.id)).await;
    assert_eq!((created.version, created.owner), (1, alice.account));
    assert_eq!(created.created_at, created.updated_at);
    let expected = Item {
        id: created.id,
        version: 1,
        created_at: created.created_at,
        updated_at: created.updated_at,
        ..draft
    };
    assert_eq!(created, expected);
    assert_eq!(world.get(&alice, created.id).await, Some(expected.clone()));
    let listed = world.find("PrivatePaper").by(&alice).with("visibility", "restricted").all().await;
    assert_eq!(listed, vec![expected]);
}

/// What is not set is absent or empty, also when read again.
pub async fn absent_properties_stay_absent(world: World) {
    let created = world.create(&world.acme.alice, item("Note").owner(None)).await;
    let read = world.item(created.id).await;
    assert_eq!(read, created);
    assert_eq!((read.name.as_str(), read.attributes.as_text()), ("", "{}"));
    assert!(read.owner.is_none() && read.location.is_none() && read.status.is_none() && !read.public);
}

/// An update raises the version by one, moves `updated_at` and keeps the rest.
pub async fn an_update_raises_the_version(world: World) {
    let alice = world.acme.alice.clone();
    let created = world.create(&alice, item("Note").name("one").attr("rank", 1).attr("label", "x")).await;
    let updated = world.set(&alice, created.id, json!({"rank": 2, "label": null})).await.unwrap();
    assert_eq!(updated.version, 2);
    assert!(updated.updated_at > created.updated_at);
    assert_eq!(updated.attributes.as_text(), r#"{"rank":2}"#);
    let expected = Item {
        version: 2,
        updated_at: updated.updated_at,
        attributes: updated.attributes.clone(),
        ..created.clone()
    };
    assert_eq!(updated, expected);
    assert_eq!(world.item(created.id).await, expected);
    world.find("Note").with("rank", "eq.1").gives(&[]).await;
    world.find("Note").with("rank", "eq.2").gives(&["one"]).await;
}

/// Every property can be changed and removed again.
pub async fn every_property_can_be_changed(world: World) {
    let alice = world.acme.alice.clone();
    let [parent, linked] = [
        world.create(&alice, item("Note").name("parent")).await.id,
        world.create(&alice, item("Note").name("linked")).await.id,
    ];
    let plain = world.create(&alice, item("Note").name("plain")).await;
    let full = world.build(&alice, full(&world, parent, linked));
    let wanted = full.clone();
    let change = move |item: &mut Item| {
        *item = Item { instance: None, attributes: item.attributes.clone(), ..full.clone() };
    };
    let changed = world.update(&alice, plain.id, change).await.unwrap();
    assert_eq!(world.item(plain.id).await, changed);
    let properties = |item: &Item| {
        (item.tags.clone(), item.status.clone(), item.location.clone(), item.parent_id, item.linked_item_id)
    };
    assert_eq!(properties(&changed), properties(&wanted));
    assert_eq!((changed.valid_from, changed.valid_to), (wanted.valid_from, wanted.valid_to));
    assert_eq!((changed.public, changed.visibility), (true, Visibility::Restricted));
    let bare = world.build(&alice, item("Note").name("bare again"));
    let cleared = world.update(&alice, plain.id, move |item| *item = bare.clone()).await.unwrap();
    assert_eq!(world.item(plain.id).await, cleared);
    assert!(cleared.tags.is_empty() && cleared.location.is_none() && cleared.parent_id.is_none());
    assert_eq!(cleared.version, 3);
}

/// What an edit must not touch stays: id, type, org, creation and grants.
pub async fn an_edit_can_not_change_identity(world: World) {
    let alice = world.acme.alice.clone();
    let created = world.create(&alice, item("Note").name("me")).await;
    let (other_org, other_id) = (world.umbrella.id, world.next_id());
    let other_type = world.type_id("Place");
    let forge = move |item: &mut Item| {
        item.id = other_id;
        item.org = other_org;
        item.type_id = other_type;
        item.version = 99;
        item.created_at = Timestamp::from_micros(0);
        item.grants = vec![grant(Subject::Public, &[Permission::Delete])];
        item.name = String::from("still me");
    };
    let updated = world.update(&alice, created.id, forge).await.unwrap();
    let expected =
        Item { name: "still me".to_owned(), version: 2, updated_at: updated.updated_at, ..created.clone() };
    assert_eq!(updated, expected);
    assert_eq!(world.item(created.id).await, expected);
    assert_eq!(world.get(&world.system(), other_id).await, None);
}

/// An edit that changes nothing keeps the version and leaves no trace in the log.
pub async fn an_edit_without_effect_is_no_change(world: World) {
    let alice = world.acme.alice.clone();
    let created = world.create(&alice, item("Note").name("same")).await;
    let outcomes = world.commit(&alice, vec![world.edit(created.id, None, |_| {})]).await.unwrap();
    assert_eq!(outcomes, vec![Outcome::Unchanged(created.clone())]);
    assert_eq!(world.item(created.id).await, created);
    world.create(&alice, item("Note").name("marker")).await;
    world.log(world.acme.id, World::SETTLED + 2).await;
}

/// A deleted item is gone from every way of reading, and deleting it again finds nothing.
pub async fn a_deleted_item_is_gone(world: World) {
    let alice = world.acme.alice.clone();
    let created = world.create(&alice, item("Note").name("gone").attr("rank", 1)).await;
    assert_eq!(world.delete(&alice, created.id).await.unwrap(), 1);
    assert_eq!(world.get(&world.system(), created.id).await, None);
    world.find("Note").gives(&[]).await;
    world.find("Note").with("rank", "1").gives(&[]).await;
    expect_kind(world.delete(&alice, created.id).await, ErrorKind::NotFound);
    expect_kind(world.set(&alice, created.id, json!({"rank": 2})).await, ErrorKind::NotFound);
    expect_kind(world.share(&alice, created.id, vec![]).await, ErrorKind::NotFound);
}

/// Several ids at once: the readable ones of them, each once.
pub async fn many_items_are_read_at_once(world: World) {
    let [alice, bob] = [world.acme.alice.clone(), world.acme.bob.clone()];
    let drafts = (0..300).map(|index| item("Note").name(format!("n{index}"))).collect();
    let mut mine = world.create_all(&alice, drafts).await;
    let foreign = world.create(&bob, item("Note").name("foreign")).await;
    let mut ids: Vec<Uuid> = mine.iter().map(|item| item.id).collect();
    ids.extend([foreign.id, world.next_id()]);
    let mut found = world.stores.items.get_many(&world.access(&alice), &ids).await.unwrap();
    found.sort_by_key(|item| item.id);
    mine.sort_by_key(|item| item.id);
    assert!(found == mine, "expected {} items, got {}", mine.len(), found.len());
    assert!(world.stores.items.get_many(&world.access(&alice), &[]).await.unwrap().is_empty());
}

/// An id that is taken is a conflict, also one of an item that the caller can not see.
pub async fn a_taken_id_is_a_conflict(world: World) {
    let [alice, bob] = [world.acme.alice.clone(), world.acme.bob.clone()];
    let created = world.create(&alice, item("Note").name("first")).await;
    for caller in [&alice, &bob] {
        let again = world.try_create(caller, item("Note").name("second").id(created.id)).await;
        expect_kind(again, ErrorKind::Conflict);
    }
    assert_eq!(world.item(created.id).await, created);
    let twice = vec![
        world.creation(&alice, item("Note").id(world.next_id()).name("a")),
        world.creation(&alice, item("Note").id(created.id).name("b")),
    ];
    expect_kind(world.commit(&alice, twice).await, ErrorKind::Conflict);
    world.find("Note").gives(&["first"]).await;
}

/// What is not there is not found.
pub async fn absent_items_are_not_found(world: World) {
    let alice = world.acme.alice.clone();
    let id = world.next_id();
    assert_eq!(world.get(&alice, id).await, None);
    let error = expect_kind(world.commit(&alice, vec![delete(id)]).await, ErrorKind::NotFound);
    assert_eq!(error.operation_index(), Some(0));
    assert!(
        world.stores.items.history(&world.access(&alice), id, None, 10).await.is_ok_and(|log| log.is_empty())
    );
}

/// Abstract types have no items; those derived from them do.
pub async fn abstract_types_have_no_items(world: World) {
    let alice = world.acme.alice.clone();
    let error = expect_kind(world.try_create(&alice, item("AbstractSample")).await, ErrorKind::InvalidInput);
    assert!(!error.violations().is_empty(), "{error:?}");
    world.create(&alice, item("ConcreteSample").name("concrete")).await;
    world.find("AbstractSample").gives(&["concrete"]).await;
}

/// The store says that it is well.
pub async fn an_open_store_is_healthy(world: World) {
    world.stores.items.check().await.unwrap();
    assert!(!world.stores.items.capabilities().name.is_empty());
}

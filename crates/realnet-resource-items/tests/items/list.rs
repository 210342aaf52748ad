//! Lists, children, single items, expansion.

use std::sync::Arc;

use realnet_core::ErrorKind;
use realnet_core::limit::Memory;
use realnet_core::resource::{Operation, Request};
use serde_json::{Value, json};

use crate::world::{World, json_of, kind, parameters_of};

fn names(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_list_holds_derived_types_and_what_one_may_read() {
    let world = World::new().await;
    for (caller, endpoint, name) in
        [(&world.ann, "customer", "1"), (&world.ann, "goldcustomer", "2"), (&world.bob, "customer", "3")]
    {
        world.create(caller, endpoint, json!({"name": name})).await.unwrap();
    }
    assert_eq!(names(&world.list(&world.ann, "clients", &[]).await.unwrap()), ["1", "2"]);
    assert_eq!(
        names(&world.list(&world.admin, "Clients", &[("order", "name.desc")]).await.unwrap()),
        ["3", "2", "1"]
    );
    assert_eq!(names(&world.list(&world.ann, "goldcustomer", &[]).await.unwrap()), ["2"]);
    assert_eq!(
        names(&world.list(&world.admin, "customer", &[("tier", "eq.free"), ("name", "3")]).await.unwrap()),
        ["3"]
    );
    assert_eq!(kind(world.list(&world.ann, "clients", &[("limit", "x")]).await), ErrorKind::Malformed);
    assert_eq!(kind(world.list(&world.ann, "nothing", &[]).await), ErrorKind::NotFound);
}

#[tokio::test]
async fn an_item_is_found_at_the_endpoints_of_its_bases_only() {
    let world = World::new().await;
    let item = world.create(&world.ann, "goldcustomer", json!({})).await.unwrap();
    for endpoint in ["goldcustomer", "customer", "clients", "items", "item"] {
        assert!(world.get(&world.ann, endpoint, item.id).await.is_ok(), "{endpoint}");
    }
    assert_eq!(kind(world.get(&world.ann, "note", item.id).await), ErrorKind::NotFound);
    assert_eq!(kind(world.get(&world.bob, "items", item.id).await), ErrorKind::NotFound);
}

#[tokio::test]
async fn children_are_those_of_the_parent_named_by_the_path() {
    let world = World::new().await;
    let folder = world.create(&world.ann, "folder", json!({"name": "F"})).await.unwrap();
    world.create(&world.ann, "note", json!({"name": "N", "parent_id": folder.id})).await.unwrap();
    world.create(&world.ann, "note", json!({"name": "M"})).await.unwrap();
    let children = |parameters: &[(&str, &str)]| Operation::Children {
        id: folder.id,
        parameters: parameters_of(parameters),
    };
    let found = world.call(&world.ann, "folder", children(&[])).await.unwrap();
    assert_eq!(names(&json_of(&found)), ["N"]);
    let other = [("parent", "019a0000-0000-7000-8000-000000000000")];
    assert_eq!(kind(world.call(&world.ann, "folder", children(&other)).await), ErrorKind::Malformed);
    assert_eq!(kind(world.call(&world.bob, "folder", children(&[])).await), ErrorKind::NotFound);
}

#[tokio::test]
async fn references_expand_to_what_is_selected_of_them() {
    let world = World::new().await;
    let secret = world.create(&world.bob, "note", json!({"name": "Bob's"})).await.unwrap();
    let note = world.create(&world.ann, "note", json!({"name": "N", "text": "t"})).await.unwrap();
    let body = json!({"name": "C", "parent_id": note.id, "friends": [note.id]});
    let friend = world.create(&world.ann, "customer", body).await.unwrap();
    // A reference that one can not read any more stays an id.
    let body = json!({"name": "D", "friends": [secret.id, friend.id]});
    let item = world.create(&world.admin, "customer", body).await.unwrap();
    let public = json!({"public": true});
    world.merge(&world.admin, "customer", item.id, public).await.unwrap();
    let select = [("select", "name,friends(name,parent_id(name),friends(attributes.text))")];
    let get = Operation::Get { id: item.id, parameters: parameters_of(&select) };
    let shown = json_of(&world.call(&world.ann, "customer", get).await.unwrap());
    let expanded = json!({"name": "C", "parent_id": {"name": "N"}, "attributes": {"friends": [{"attributes": {"text": "t"}}]}});
    assert_eq!(shown, json!({"name": "D", "attributes": {"friends": [secret.id, expanded]}}));
    let get = Operation::Get { id: item.id, parameters: parameters_of(&[("name", "eq.x")]) };
    assert_eq!(kind(world.call(&world.ann, "customer", get).await), ErrorKind::Malformed);
}

#[tokio::test]
async fn large_figures_take_room_before_they_are_written() {
    let world = World::new().await;
    for letter in ["a", "b", "c"] {
        let body = json!({"name": letter, "text": letter.repeat(100_000)});
        world.create(&world.ann, "note", body).await.unwrap();
    }
    let memory = Memory::new(500_000);
    let aggregate = async |group: &str| {
        let operation = Operation::Aggregate(parameters_of(&[("group", group)]));
        let cx = world.context(&world.ann).with_room(Arc::new(memory.room(false)));
        let request = Request { endpoint: "note".to_owned(), operation };
        let reply = world.dispatcher.dispatch(&cx, request).await;
        reply.map(|reply| (json_of(&reply).as_array().unwrap().len(), memory.used()))
    };
    let (groups, used) = aggregate("text").await.unwrap();
    assert!(groups == 3 && used > 300_000, "{groups} groups took {used} bytes");
    let others = memory.room(false);
    others.add(300_000).unwrap();
    assert_eq!(kind(aggregate("text").await), ErrorKind::Unavailable);
    assert_eq!(aggregate("name").await.unwrap(), (3, 300_000), "what is small is free");
    drop(others);
    assert_eq!(memory.used(), 0);
}

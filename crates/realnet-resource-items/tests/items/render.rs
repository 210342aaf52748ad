//! How items are shown.

use std::sync::Arc;

use realnet_core::acl::Caller;
use realnet_core::model::{Attributes, Item};
use realnet_core::resource::{Operation, Rendered, Reply};
use serde_json::{Value, json};

use crate::world::{World, json_of, parameters_of};

fn get(item: &Item, parameters: &[(&str, &str)]) -> Operation {
    Operation::Get { id: item.id, parameters: parameters_of(parameters) }
}

#[tokio::test]
async fn properties_come_in_their_order_and_none_is_missing() {
    let world = World::new().await;
    let item = world
        .create(&world.ann, "note", json!({"name": "\"q\" é\n", "z": 1, "a": [true, null]}))
        .await
        .unwrap();
    let mut text = Vec::new();
    Rendered::new(&world.context(&world.ann), item.clone()).write_json(&mut text);
    let text = String::from_utf8(text).unwrap();
    let places: Vec<usize> =
        Item::PROPERTIES.iter().map(|name| text.find(&format!("\"{name}\":")).unwrap()).collect();
    assert!(places.is_sorted(), "{text}");
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value.as_object().unwrap().len(), Item::PROPERTIES.len());
    assert_eq!(
        (&value["name"], &value["attributes"]),
        (&json!("\"q\" é\n"), &json!({"a": [true, null], "z": 1}))
    );
    assert!(!text.contains("grants"));
}

#[tokio::test]
async fn attributes_are_effective_own_or_all() {
    let world = World::new().await;
    let item = world.create(&world.ann, "product", json!({"unit": "kg", "size": 1})).await.unwrap();
    let shown = async |parameters: &[(&str, &str)]| {
        json_of(&world.call(&world.ann, "product", get(&item, parameters)).await.unwrap())["attributes"]
            .clone()
    };
    assert_eq!(shown(&[]).await, json!({"currency": "EUR", "size": 1, "unit": "kg"}));
    assert_eq!(shown(&[("attributes", "own")]).await, json!({"size": 1, "unit": "kg"}));
    let all = shown(&[("attributes", "all")]).await;
    assert_eq!((&all["icon"], &all["unit"], &all["currency"]), (&json!("box"), &json!("kg"), &json!("EUR")));
    assert_eq!(shown(&[("select", "currency,unit,missing")]).await, json!({"currency": "EUR", "unit": "kg"}));
}

#[tokio::test]
async fn secrets_are_never_shown_and_hidden_fields_to_their_roles_only() {
    let world = World::new().await;
    let hr = World::with_role(&world.ann, "hr");
    let item = world.create(&hr, "customer", json!({"token": "t0ken", "salary": 5})).await.unwrap();
    let everything = [
        vec![],
        vec![("attributes", "all")],
        vec![("attributes", "own")],
        vec![("select", "attributes")],
        vec![("select", "name,token")],
    ];
    for parameters in everything {
        for caller in [&world.ann, &hr, &world.admin, &world.system] {
            // Asking for a field that one may not read may be refused as well.
            if let Ok(reply) = world.call(caller, "customer", get(&item, &parameters)).await {
                let text = json_of(&reply).to_string();
                assert!(!text.contains("t0ken"), "{parameters:?}: {text}");
                let shown = text.contains("salary");
                assert!(
                    !shown || Arc::ptr_eq(caller, &hr) || Arc::ptr_eq(caller, &world.system),
                    "{parameters:?}"
                );
            }
        }
    }
    assert_eq!(world.get(&hr, "customer", item.id).await.unwrap()["attributes"]["salary"], 5);
}

async fn tag_of(world: &World, caller: &Arc<Caller>, item: &Item, parameters: &[(&str, &str)]) -> String {
    match world.call(caller, "customer", get(item, parameters)).await.unwrap() {
        Reply::Item(item) => item.etag(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_a_hidden_reference_leads_to_does_not_show_in_the_tag() {
    let world = World::new().await;
    let public = |name: &str| json!({"name": name, "public": true});
    let chief = world.create(&world.admin, "note", public("Chief")).await.unwrap();
    let mut body = public("C");
    body["chief"] = json!(chief.id);
    let item = world.create(&world.admin, "customer", body).await.unwrap();
    let hr = World::with_role(&world.ann, "hr");
    let select = [("select", "name,chief(name)")];
    let tag = async |caller| tag_of(&world, caller, &item, &select).await;
    let (hidden, shown) = (tag(&world.ann).await, tag(&hr).await);
    world.merge(&world.admin, "note", chief.id, json!({"name": "Another"})).await.unwrap();
    assert_eq!(tag(&world.ann).await, hidden);
    assert_ne!(tag(&hr).await, shown, "whoever sees it is told of its change");
}

#[tokio::test]
async fn a_hidden_value_does_not_show_in_the_tag() {
    let world = World::new().await;
    let hr = World::with_role(&world.ann, "hr");
    let item = world.create(&hr, "customer", json!({"name": "C", "salary": 5})).await.unwrap();
    for parameters in [vec![], vec![("attributes", "all")], vec![("select", "name")]] {
        let reply = world.call(&world.ann, "customer", get(&item, &parameters)).await.unwrap();
        let Reply::Item(mut shown) = reply else { panic!("{parameters:?}") };
        let tag = shown.etag();
        let mut attributes = shown.value.attributes.as_map().clone();
        assert!(attributes.insert("salary".to_owned(), json!(6)).is_some());
        shown.value.attributes = Attributes::from_map(attributes);
        assert_eq!(shown.etag(), tag, "{parameters:?}");
    }
}

#[tokio::test]
async fn an_entity_tag_stands_for_one_representation() {
    let world = World::new().await;
    let item = world.create(&world.ann, "customer", json!({"name": "C", "friends": []})).await.unwrap();
    let tag = async |caller, parameters: &[(&str, &str)]| tag_of(&world, caller, &item, parameters).await;
    let plain = tag(&world.ann, &[]).await;
    assert!(plain.starts_with("\"1-") && plain.ends_with('"'), "{plain}");
    assert_eq!(plain, tag(&world.ann, &[]).await);
    assert_eq!(plain, tag(&world.admin, &[]).await, "they see the same");
    let hr = World::with_role(&world.ann, "hr");
    assert_ne!(plain, tag(&hr, &[]).await, "another sees more");
    assert_ne!(plain, tag(&world.ann, &[("attributes", "own")]).await);
    assert_ne!(plain, tag(&world.ann, &[("select", "name")]).await);
    world.merge(&world.ann, "customer", item.id, json!({"name": "D"})).await.unwrap();
    assert!(tag(&world.ann, &[]).await.starts_with("\"2-"));
}

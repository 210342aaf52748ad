//! Earlier states.

use realnet_core::ErrorKind;
use realnet_core::resource::Operation;
use serde_json::json;

use crate::world::{World, json_of, kind, parameters_of};

#[tokio::test]
async fn states_are_shown_to_who_could_read_them_then() {
    let world = World::new().await;
    let body = json!({"name": "one", "token": "s3cret-s3cret"});
    let item = world.create(&world.ann, "customer", body).await.unwrap();
    for body in [json!({"name": "two"}), json!({"public": true}), json!({"name": "three"})] {
        world.merge(&world.ann, "customer", item.id, body).await.unwrap();
    }
    let history = |parameters: &[(&str, &str)]| Operation::History {
        id: item.id,
        parameters: parameters_of(parameters),
    };
    let own = json_of(&world.call(&world.ann, "customer", history(&[])).await.unwrap());
    let names: Vec<&str> =
        own.as_array().unwrap().iter().map(|r| r["after"]["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["three", "two", "two", "one"]);
    assert!(!own.to_string().contains("s3cret"));
    assert_eq!(
        (&own[3]["kind"], &own[3]["before"], &own[3]["actor"]),
        (&json!("create"), &json!(null), &json!(world.ann.account))
    );
    let others = json_of(&world.call(&world.bob, "customer", history(&[])).await.unwrap());
    assert_eq!((&others[0]["after"]["name"], &others[0]["before"]["name"]), (&json!("three"), &json!("two")));
    assert_eq!((&others[1]["after"]["name"], &others[1]["before"]), (&json!("two"), &json!(null)));
    assert_eq!((&others[3]["after"], &others[3]["before"]), (&json!(null), &json!(null)));
    let page = json_of(
        &world.call(&world.ann, "customer", history(&[("limit", "1"), ("before", "3")])).await.unwrap(),
    );
    assert_eq!((page.as_array().unwrap().len(), &page[0]["version"]), (1, &json!(2)));
    assert_eq!(
        kind(world.call(&world.ann, "customer", history(&[("limit", "0")])).await),
        ErrorKind::Malformed
    );
    assert_eq!(kind(world.call(&world.ann, "note", history(&[])).await), ErrorKind::NotFound);
    assert_eq!(
        kind(world.call(&world.foreigner, "items", history(&[("x", "1")])).await),
        ErrorKind::Malformed
    );
}

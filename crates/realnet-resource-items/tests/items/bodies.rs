//! What a document may say about each property.

use realnet_core::ErrorKind;
use serde_json::{Value, json};

use crate::world::{World, refusal};

#[tokio::test]
async fn every_property_is_read() {
    let world = World::new().await;
    let folder = world.create(&world.ann, "folder", json!({"name": "F"})).await.unwrap();
    let body = json!({
        "name": "Acme", "type": "GoldCustomer", "instance": "vip", "tags": ["b", "a", "b"], "status": "active",
        "visibility": "restricted", "location": {"type": "Point", "coordinates": [8.5, 47.4]},
        "valid_from": "2026-01-01T00:00:00+01:00", "valid_to": "2027-01-01T00:00:00Z",
        "parent_id": folder.id, "linked_item_id": folder.id, "public": true,
        "size": 3, "attributes": {"tier": "pro"},
    });
    let item = world.create(&world.ann, "clients", body).await.unwrap();
    let shown = world.get(&world.ann, "customer", item.id).await.unwrap();
    let expected = json!({
        "id": item.id, "type": "GoldCustomer", "instance": "VIP", "name": "Acme",
        "attributes": {"tier": "pro", "size": 3}, "tags": ["a", "b"], "status": "active",
        "visibility": "restricted", "location": {"type": "Point", "coordinates": [8.5, 47.4]},
        "valid_from": "2025-12-31T23:00:00.000000Z", "valid_to": "2027-01-01T00:00:00.000000Z",
        "parent_id": folder.id, "linked_item_id": folder.id, "owner": world.ann.account, "org": world.org,
        "public": true, "version": 1,
        "created_at": item.created_at.to_string(), "updated_at": item.updated_at.to_string(),
    });
    assert_eq!(shown, expected);
}

#[tokio::test]
async fn wrong_forms_are_named_all_at_once() {
    let world = World::new().await;
    let body = json!({
        "name": 1, "instance": "Nobody", "tags": ["a", 2], "status": [], "visibility": "secret",
        "location": {"type": "Point", "coordinates": [181, 0]}, "valid_from": "yesterday", "parent_id": "root",
        "linked_item_id": 7, "public": "yes", "id": "x", "version": 3,
    });
    let (kind, mut places) = refusal(world.create(&world.ann, "customer", body).await);
    places.sort();
    let expected = [
        "/id",
        "/instance",
        "/linked_item_id",
        "/location",
        "/name",
        "/parent_id",
        "/public",
        "/status",
        "/tags",
        "/valid_from",
        "/version",
        "/visibility",
    ];
    assert_eq!((kind, places), (ErrorKind::InvalidInput, expected.map(str::to_owned).to_vec()));
}

#[tokio::test]
async fn null_says_nothing() {
    let world = World::new().await;
    let properties = [
        "name",
        "instance",
        "tags",
        "status",
        "visibility",
        "location",
        "valid_from",
        "valid_to",
        "parent_id",
        "linked_item_id",
        "public",
        "owner",
        "org",
        "type",
        "id",
        "version",
        "created_at",
        "updated_at",
        "attributes",
    ];
    let body: serde_json::Map<String, Value> =
        properties.iter().map(|name| ((*name).to_owned(), Value::Null)).collect();
    let item = world.create(&world.ann, "note", Value::Object(body)).await.unwrap();
    assert_eq!((item.owner, item.org, &*item.type_name), (world.ann.account, world.org, "Note"));
}

#[tokio::test]
async fn what_is_no_item_is_malformed() {
    let world = World::new().await;
    for body in [
        json!("x"),
        json!([]),
        json!([1]),
        json!({"a": 1, "attributes": {"a": 1}}),
        json!({"attributes": []}),
    ] {
        let (kind, _) = refusal(world.create(&world.ann, "note", body.clone()).await);
        assert_eq!(kind, ErrorKind::Malformed, "{body}");
    }
    let body = json!({"valid_from": "2026-01-02T00:00:00Z", "valid_to": "2026-01-02T00:00:00Z"});
    assert_eq!(refusal(world.create(&world.ann, "note", body).await).1, ["/valid_to"]);
}

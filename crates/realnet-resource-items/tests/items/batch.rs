//! Batches.

use realnet_core::ErrorKind;
use realnet_core::resource::{Operation, WriteOptions};
use serde_json::{Value, json};

use crate::world::{World, json_of};

fn batch(operations: &Value) -> Operation {
    Operation::Batch { body: json!({"operations": operations}), options: WriteOptions::default() }
}

#[tokio::test]
async fn each_operation_answers_in_order() {
    let world = World::new().await;
    let note = world.create(&world.ann, "note", json!({"name": "N", "a": 1})).await.unwrap();
    let gone = world.create(&world.ann, "folder", json!({})).await.unwrap();
    let operations = json!([
        {"operation": "create", "resource": "clients", "body": {"name": "C"}},
        {"operation": "patch", "resource": "items", "id": note.id, "body": {"b": 2}, "if_match": 1},
        {"operation": "patch", "resource": "note", "id": note.id,
         "body": [{"op": "remove", "path": "/attributes/a"}], "if_match": "\"2-abc\""},
        {"operation": "replace", "resource": "note", "id": note.id, "body": {"name": "M"}},
        {"operation": "delete", "resource": "folder", "id": gone.id},
    ]);
    let reply = json_of(&world.call(&world.ann, "", batch(&operations)).await.unwrap());
    let results = reply["results"].as_array().unwrap();
    let kinds: Vec<&str> = results.iter().map(|result| result["operation"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["create", "patch", "patch", "replace", "delete"]);
    assert_eq!(results[0]["item"]["type"], "Customer");
    assert_eq!(results[1]["item"]["attributes"], json!({"a": 1, "b": 2}));
    assert_eq!(results[2]["item"]["attributes"], json!({"b": 2}));
    assert_eq!((&results[3]["item"]["name"], &results[3]["item"]["version"]), (&json!("M"), &json!(4)));
    assert_eq!((&results[4]["deleted"], results[4].get("item")), (&json!(1), None));
}

#[tokio::test]
async fn a_failure_names_its_operation_and_undoes_all() {
    let world = World::new().await;
    let note = world.create(&world.ann, "note", json!({"name": "N"})).await.unwrap();
    let create = json!({"operation": "create", "resource": "note", "body": {"name": "new"}});
    for (bad, expected) in [
        (
            json!({"operation": "patch", "resource": "note", "id": note.id, "body": {}, "if_match": 9}),
            ErrorKind::PreconditionFailed,
        ),
        (
            json!({"operation": "create", "resource": "customer", "body": {"tier": "gold"}}),
            ErrorKind::InvalidInput,
        ),
        (json!({"operation": "create", "resource": "account", "body": {}}), ErrorKind::Forbidden),
        (json!({"operation": "create", "resource": "nothing", "body": {}}), ErrorKind::NotFound),
        (json!({"operation": "create", "resource": "ghost", "body": {}}), ErrorKind::Unsupported),
        (json!({"operation": "delete", "resource": "folder", "id": note.id}), ErrorKind::NotFound),
        (json!({"operation": "delete", "resource": "note"}), ErrorKind::Malformed),
        (
            json!({"operation": "delete", "resource": "note", "id": note.id, "force": true}),
            ErrorKind::Malformed,
        ),
        (json!({"operation": "run", "resource": "note", "id": note.id}), ErrorKind::Malformed),
        (json!("delete"), ErrorKind::Malformed),
    ] {
        let operations = json!([create, bad]);
        let error = world.call(&world.ann, "", batch(&operations)).await.unwrap_err();
        assert_eq!((error.kind(), error.operation_index()), (expected, Some(1)), "{bad}: {error}");
    }
    assert_eq!(world.list(&world.ann, "note", &[]).await.unwrap().as_array().unwrap().len(), 1);
    for body in [json!([]), json!({}), json!({"operations": []}), json!({"operations": [create], "x": 1})] {
        let operation = Operation::Batch { body: body.clone(), options: WriteOptions::default() };
        let error = world.call(&world.ann, "", operation).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed, "{body}");
    }
}

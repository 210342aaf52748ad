//! Who sets what it can not see learns nothing from it: neither whether the value was right nor whether there was one.

use std::sync::Arc;

use realnet_core::acl::Caller;
use realnet_core::model::Item;
use realnet_core::resource::{Operation, PatchDocument, WriteOptions};
use realnet_core::{ErrorKind, Result};
use serde_json::{Value, json};

use crate::world::{World, json_of, parameters_of, refusal};

/// A customer of Ann's whose token and remark she does not see.
async fn customer(world: &World) -> Item {
    let hr = World::with_role(&world.ann, "hr");
    let body = json!({"name": "A", "token": "4711", "remark": "dear"});
    world.create(&hr, "customer", body).await.unwrap()
}

/// What a write of `body` answers, by each way that there is to write one item.
async fn written(world: &World, way: &str, item: &Item, body: &Value) -> Result<Value> {
    let id = item.id;
    let options = WriteOptions::default;
    let operation = match way {
        "put" => {
            let mut document = json!({"name": "A", "tier": "free"});
            document.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
            Operation::Replace { id, body: document, options: options() }
        }
        "patch" => Operation::Patch { id, patch: PatchDocument::Merge(body.clone()), options: options() },
        "json" => {
            let (key, value) = body.as_object().unwrap().iter().next().unwrap();
            let patch = json!([{"op": "add", "path": format!("/attributes/{key}"), "value": value}]);
            Operation::Patch { id, patch: PatchDocument::Json(patch), options: options() }
        }
        "bulk" => Operation::PatchMany { parameters: parameters_of(&[("name", "A")]), patch: body.clone() },
        _ => unreachable!("{way}"),
    };
    world.call(&world.ann, "customer", operation).await.map(|reply| json_of(&reply))
}

#[tokio::test]
async fn a_right_guess_is_a_change_as_any_other() {
    let world = World::new().await;
    for way in ["patch", "put", "json", "bulk"] {
        for (right, wrong) in [
            (json!({"token": "4711"}), json!({"token": "4712"})),
            (json!({"remark": "dear"}), json!({"remark": "cheap"})),
        ] {
            let mut seen = Vec::new();
            for body in [&right, &wrong] {
                let item = customer(&world).await;
                let mut answer = written(&world, way, &item, body).await.unwrap();
                let shown = world.get(&world.ann, "customer", item.id).await.unwrap();
                assert_eq!(shown["version"], 2, "{way} {body}");
                let history = Operation::History { id: item.id, parameters: parameters_of(&[]) };
                let history = json_of(&world.call(&world.ann, "customer", history).await.unwrap());
                assert_eq!(history.as_array().unwrap().len(), 2, "{way} {body}");
                if let Some(map) = answer.as_object_mut() {
                    map.retain(|key, _| !["id", "created_at", "updated_at"].contains(&key.as_str()));
                }
                seen.push(answer);
                world.delete(&world.ann, "customer", item.id).await.unwrap();
            }
            assert_eq!(seen[0], seen[1], "{way} {right}");
        }
    }
}

#[tokio::test]
async fn an_absent_value_is_not_told_from_one_that_is_removed() {
    let world = World::new().await;
    let with = customer(&world).await;
    let without = world.create(&world.ann, "customer", json!({"name": "A"})).await.unwrap();
    for item in [&with, &without] {
        for (way, key) in [("patch", "token"), ("patch", "remark")] {
            let version =
                world.get(&world.ann, "customer", item.id).await.unwrap()["version"].as_i64().unwrap();
            let body = json!({ key: null });
            let answer = written(&world, way, item, &body).await.unwrap();
            assert_eq!(answer["version"], version + 1, "{way} {key}");
        }
    }
}

/// The attack: the second step of a batch is only carried out while the first one has changed nothing.
#[tokio::test]
async fn a_batch_does_not_tell_a_right_guess_by_a_condition() {
    let world = World::new().await;
    let mut refusals = Vec::new();
    for guess in [
        json!({"token": "4711"}),
        json!({"token": "4712"}),
        json!({"remark": "dear"}),
        json!({"remark": "x"}),
    ] {
        let item = customer(&world).await;
        let operations = json!([
            {"operation": "patch", "resource": "customer", "id": item.id, "body": guess},
            {"operation": "patch", "resource": "customer", "id": item.id, "body": {"name": "A"}, "if_match": 1},
        ]);
        let batch =
            Operation::Batch { body: json!({"operations": operations}), options: WriteOptions::default() };
        let error = world.call(&world.ann, "", batch).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PreconditionFailed, "{guess}");
        refusals.push(format!("{error}"));
    }
    assert!(refusals.iter().all(|refusal| *refusal == refusals[0]), "{refusals:?}");
}

/// What one sees, one may write back: nothing has changed then.
#[tokio::test]
async fn who_sees_the_value_changes_nothing_by_repeating_it() {
    let world = World::new().await;
    let item = customer(&world).await;
    let hr: Arc<Caller> = World::with_role(&world.ann, "hr");
    let shown = world.merge(&hr, "customer", item.id, json!({"remark": "dear"})).await.unwrap();
    assert_eq!((&shown["version"], &shown["attributes"]["remark"]), (&json!(1), &json!("dear")));
    let shown = world.merge(&hr, "customer", item.id, json!({"token": "4711"})).await.unwrap();
    assert_eq!(shown["version"], 2, "nobody sees a secret");
}

/// The commit looks at references that are new. One that is there already must not be taken for that reason.
#[tokio::test]
async fn a_hidden_reference_to_what_one_can_not_see_is_refused_when_it_is_right_too() {
    let world = World::new().await;
    let item = customer(&world).await;
    let [chief, other] = [1, 2].map(|n| json!({"name": format!("of bob {n}")}));
    let chief = world.create(&world.bob, "note", chief).await.unwrap().id;
    let other = world.create(&world.bob, "note", other).await.unwrap().id;
    let admin = World::with_role(&world.admin, "hr");
    world.merge(&admin, "customer", item.id, json!({"chief": chief})).await.unwrap();
    let refused = (ErrorKind::InvalidInput, vec!["/attributes/chief".to_owned()]);
    for guess in [chief, other] {
        for way in ["patch", "put", "json"] {
            let answer = written(&world, way, &item, &json!({"chief": guess})).await;
            assert_eq!(refusal(answer), refused, "{way} {guess}");
        }
        // However a patch writes it: beside the properties, with all attributes, or from another place of the document.
        let scratch = json!({"tier": "free", "scratch": guess, "whole": {"tier": "free", "chief": guess}});
        world.merge(&world.ann, "customer", item.id, scratch).await.unwrap();
        for operation in [
            json!({"op": "add", "path": "/chief", "value": guess}),
            json!({"op": "add", "path": "/attributes", "value": {"tier": "free", "chief": guess}}),
            json!({"op": "copy", "from": "/attributes/scratch", "path": "/attributes/chief"}),
            json!({"op": "move", "from": "/attributes/scratch", "path": "/chief"}),
            json!({"op": "copy", "from": "/attributes/whole", "path": "/attributes"}),
        ] {
            let patch = PatchDocument::Json(json!([operation]));
            let operation = Operation::Patch { id: item.id, patch, options: WriteOptions::default() };
            let answer = world.call(&world.ann, "customer", operation).await.map(|reply| json_of(&reply));
            assert_eq!(refusal(answer), refused, "{guess}");
        }
    }
    let own = world.create(&world.ann, "note", json!({})).await.unwrap().id;
    for id in [own, item.id] {
        written(&world, "patch", &item, &json!({"chief": id})).await.unwrap();
        written(&world, "json", &item, &json!({"chief": id})).await.unwrap();
    }
}

/// What one does not see is replaced, not merged: else a rule for the whole would tell what is there.
#[tokio::test]
async fn an_object_that_one_does_not_see_is_replaced() {
    let world = World::new().await;
    let hr = World::with_role(&world.ann, "hr");
    let body = json!({"name": "A", "facts": {"secret": 1}});
    let item = world.create(&hr, "customer", body).await.unwrap();
    for key in ["secret", "other"] {
        written(&world, "patch", &item, &json!({"facts": {key: 2}})).await.unwrap();
    }
    let shown = world.get(&hr, "customer", item.id).await.unwrap();
    assert_eq!(shown["attributes"]["facts"], json!({"other": 2}));
    let refused = world.merge(&hr, "customer", item.id, json!({"facts": {"more": 3}})).await;
    assert_eq!(refusal(refused).0, ErrorKind::InvalidInput, "who sees it merges");
}

//! Replacing and patching.

use realnet_core::ErrorKind;
use realnet_core::change::Version;
use realnet_core::resource::{Operation, PatchDocument, WriteOptions};
use serde_json::{Value, json};

use crate::world::{World, kind, refusal};

#[tokio::test]
async fn replacing_drops_absent_attributes_and_keeps_absent_properties() {
    let world = World::new().await;
    let body = json!({"name": "A", "tags": ["x"], "status": "open", "a": 1, "b": {"c": 2}});
    let item = world.create(&world.ann, "note", body).await.unwrap();
    let body = json!({"name": "B", "attributes": {"b": {"d": 3}}, "status": null});
    let shown = world.replace(&world.ann, "note", item.id, body).await.unwrap();
    assert_eq!(shown["attributes"], json!({"b": {"d": 3}}));
    assert_eq!(
        (&shown["name"], &shown["tags"], &shown["status"]),
        (&json!("B"), &json!(["x"]), &Value::Null)
    );
    assert_eq!(shown["version"], 2);
}

#[tokio::test]
async fn what_was_read_can_be_written_back() {
    let world = World::new().await;
    let hr = World::with_role(&world.ann, "hr");
    let body = json!({"name": "A", "token": "s3cret", "salary": 10, "tier": "pro"});
    let item = world.create(&hr, "customer", body).await.unwrap();
    let shown = world.get(&world.ann, "customer", item.id).await.unwrap();
    assert_eq!(shown["attributes"], json!({"tier": "pro"}));
    let again = world.replace(&world.ann, "customer", item.id, shown.clone()).await.unwrap();
    assert_eq!(again, shown, "nothing has changed, so not the version either");
    let stored = world.get(&hr, "customer", item.id).await.unwrap();
    assert_eq!(stored["attributes"]["salary"], 10, "what one does not see stays");
    let product = world.create(&world.ann, "product", json!({"name": "P"})).await.unwrap();
    let shown = world.get(&world.ann, "product", product.id).await.unwrap();
    assert_eq!(shown["attributes"]["currency"], "EUR");
    assert_eq!(world.replace(&world.ann, "product", product.id, shown).await.unwrap()["version"], 1);
}

#[tokio::test]
async fn what_the_server_sets_stays() {
    let world = World::new().await;
    let item = world.create(&world.ann, "note", json!({"name": "A"})).await.unwrap();
    for (key, value) in [
        ("id", json!(world.org)),
        ("type", json!("Folder")),
        ("version", json!(7)),
        ("created_at", json!("2020-01-01T00:00:00Z")),
        ("updated_at", json!(null)),
        ("org", json!(world.foreigner.org)),
        ("owner", json!(world.bob.account)),
        ("owner", json!(null)),
    ] {
        let body = json!({ key: value });
        for merge in [false, true] {
            let result = if merge {
                world.merge(&world.ann, "note", item.id, body.clone()).await
            } else {
                world.replace(&world.ann, "note", item.id, body.clone()).await
            };
            assert_eq!(refusal(result), (ErrorKind::InvalidInput, vec![format!("/{key}")]), "{body}");
        }
    }
    let patch = json!([{"op": "replace", "path": "/owner", "value": world.bob.account}]);
    let result = world.patch(&world.ann, "note", item.id, PatchDocument::Json(patch.clone())).await;
    assert_eq!(refusal(result), (ErrorKind::InvalidInput, vec!["/owner".to_owned()]));
    for malformed in [json!(7), json!("nobody")] {
        let patch = json!([{"op": "replace", "path": "/owner", "value": malformed}]);
        let result = world.patch(&world.admin, "note", item.id, PatchDocument::Json(patch)).await;
        assert_eq!(refusal(result), (ErrorKind::InvalidInput, vec!["/owner".to_owned()]), "{malformed}");
    }
    let given = world.patch(&world.admin, "note", item.id, PatchDocument::Json(patch)).await.unwrap();
    assert_eq!(given["owner"], json!(world.bob.account));
    let back = world.merge(&world.admin, "note", item.id, json!({"owner": world.ann.account})).await.unwrap();
    assert_eq!(back["owner"], json!(world.ann.account));
}

#[tokio::test]
async fn merging_follows_rfc_7396() {
    let world = World::new().await;
    let body = json!({"name": "A", "status": "open", "a": {"b": 1, "c": 2}, "d": [1, 2], "e": 5,
        "location": {"type": "Point", "coordinates": [1, 2]}});
    let item = world.create(&world.ann, "note", body).await.unwrap();
    let patch = json!({"a": {"b": null, "x": {"y": null, "z": 1}}, "attributes": {"d": [3], "e": null}, "status": null,
        "location": {"coordinates": [3, 4]}});
    let shown = world.merge(&world.ann, "items", item.id, patch).await.unwrap();
    assert_eq!(shown["attributes"], json!({"a": {"c": 2, "x": {"z": 1}}, "d": [3]}));
    assert_eq!((&shown["name"], &shown["status"]), (&json!("A"), &Value::Null));
    assert_eq!(shown["location"]["coordinates"], json!([3.0, 4.0]));
    let shown = world.merge(&world.ann, "note", item.id, json!({"attributes": null})).await.unwrap();
    assert_eq!(shown["attributes"], json!({}));
    let shown = world.merge(&world.ann, "note", item.id, json!({})).await.unwrap();
    assert_eq!(shown["version"], 3, "an empty patch changes nothing");
}

#[tokio::test]
async fn json_patch_sees_what_the_caller_sees() {
    let world = World::new().await;
    let hr = World::with_role(&world.ann, "hr");
    let item = world.create(&hr, "customer", json!({"name": "A", "token": "s", "salary": 3})).await.unwrap();
    let patch = |operations: Value| PatchDocument::Json(operations);
    let operations = json!([
        {"op": "test", "path": "/name", "value": "A"},
        {"op": "replace", "path": "/name", "value": "B"},
        {"op": "add", "path": "/tags/-", "value": "t"},
        {"op": "add", "path": "/attributes/notes", "value": ["n"]},
    ]);
    let shown = world.patch(&world.ann, "customer", item.id, patch(operations)).await.unwrap();
    assert_eq!((&shown["name"], &shown["tags"]), (&json!("B"), &json!(["t"])));
    assert_eq!(shown["attributes"], json!({"notes": ["n"], "tier": "free"}));
    let stored = world.get(&hr, "customer", item.id).await.unwrap();
    assert_eq!(stored["attributes"]["salary"], 3);
    for path in ["/attributes/token", "/attributes/salary"] {
        let probe = json!([{"op": "test", "path": path, "value": "s"}]);
        let refused = world.patch(&world.ann, "customer", item.id, patch(probe)).await.unwrap_err();
        let missing = json!([{"op": "test", "path": "/attributes/nothing", "value": "s"}]);
        let other = world.patch(&world.ann, "customer", item.id, patch(missing)).await.unwrap_err();
        assert_eq!(refused.message().replace(path, ""), other.message().replace("/attributes/nothing", ""));
    }
    let removed = json!([{"op": "remove", "path": "/id"}]);
    let refused = world.patch(&world.ann, "customer", item.id, patch(removed)).await;
    assert_eq!(refusal(refused), (ErrorKind::InvalidInput, vec!["/id".to_owned()]));
    let reset = json!([{"op": "remove", "path": "/tags"}, {"op": "remove", "path": "/attributes/notes"}]);
    let shown = world.patch(&world.ann, "customer", item.id, patch(reset)).await.unwrap();
    assert_eq!((&shown["tags"], &shown["attributes"]), (&json!([]), &json!({"tier": "free"})));
}

#[tokio::test]
async fn a_stale_version_fails() {
    let world = World::new().await;
    let item = world.create(&world.ann, "note", json!({})).await.unwrap();
    let replace = |version| Operation::Replace {
        id: item.id,
        body: json!({"name": "x"}),
        options: WriteOptions { expected_version: Some(Version::from(version)), idempotency: None },
    };
    assert_eq!(kind(world.call(&world.ann, "note", replace(2)).await), ErrorKind::PreconditionFailed);
    assert!(world.call(&world.ann, "note", replace(1)).await.is_ok());
}

#[tokio::test]
async fn who_may_not_is_told_no_more_than_that() {
    let world = World::new().await;
    let item = world.create(&world.ann, "note", json!({})).await.unwrap();
    let body = json!({"name": "mine"});
    assert_eq!(kind(world.merge(&world.bob, "note", item.id, body.clone()).await), ErrorKind::NotFound);
    assert_eq!(
        kind(world.merge(&world.foreigner, "items", item.id, body.clone()).await),
        ErrorKind::NotFound
    );
    let public = json!({"public": true});
    assert!(world.merge(&world.ann, "note", item.id, public).await.is_ok());
    assert_eq!(kind(world.merge(&world.bob, "note", item.id, body.clone()).await), ErrorKind::Forbidden);
    assert_eq!(kind(world.merge(&world.ann, "customer", item.id, body).await), ErrorKind::NotFound);
}

#[tokio::test]
async fn fields_keep_their_rules() {
    let world = World::new().await;
    let item = world.create(&world.ann, "customer", json!({})).await.unwrap();
    for (body, expected) in [
        (json!({"tier": "gold"}), ErrorKind::InvalidInput),
        (json!({"code": "x"}), ErrorKind::InvalidInput),
        (json!({"salary": 1}), ErrorKind::Forbidden),
        (json!({"manager": item.id}), ErrorKind::InvalidInput),
        (json!({"instance": "None"}), ErrorKind::InvalidInput),
    ] {
        assert_eq!(
            kind(world.merge(&world.ann, "customer", item.id, body.clone()).await),
            expected,
            "{body}"
        );
    }
}

#[tokio::test]
async fn a_value_stays_when_the_instance_that_gave_it_goes() {
    let world = World::new().await;
    let item = world.create(&world.ann, "customer", json!({"instance": "VIP"})).await.unwrap();
    let mut document = world.get(&world.ann, "customer", item.id).await.unwrap();
    assert_eq!(document["attributes"]["tier"], "pro");
    document["instance"] = Value::Null;
    let shown = world.replace(&world.ann, "customer", item.id, document).await.unwrap();
    assert_eq!((&shown["instance"], &shown["attributes"]["tier"]), (&Value::Null, &json!("pro")));
}

//! `/api/openapi.json`.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::common::TestServer;

/// All `$ref`s of a document.
fn references<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
    match value {
        Value::Object(map) => {
            if let Some(Value::String(target)) = map.get("$ref") {
                found.insert(target);
            }
            map.values().for_each(|inner| references(inner, found));
        }
        Value::Array(list) => list.iter().for_each(|inner| references(inner, found)),
        _ => {}
    }
}

#[test]
fn the_document_is_valid_and_complete() {
    let server = TestServer::start();
    let document = server.get("/api/openapi.json").expect(200);
    let schema: Value = serde_json::from_str(include_str!("schemas/openapi-3.1.json")).unwrap();
    let validator = jsonschema::options().offline().build(&schema).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}");

    let mut found = BTreeSet::new();
    references(&document, &mut found);
    assert!(found.len() > 20);
    for target in found {
        let pointer = target.strip_prefix('#').expect("a local reference");
        assert!(document.pointer(pointer).is_some(), "{target} leads nowhere");
    }

    let mut ids = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for operation in item.as_object().unwrap().values().filter(|value| value.is_object()) {
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id), "{id} stands twice, again at {path}");
            assert!(operation["responses"]["default"].is_object(), "{path}");
        }
    }
    for (name, component) in document["components"]["schemas"].as_object().unwrap() {
        assert!(jsonschema::meta::is_valid(component), "{name}");
    }
}

#[test]
fn declared_types_are_in_it() {
    let server = TestServer::start();
    let document = server.get("/api/openapi.json").expect(200);
    assert_eq!(document["openapi"], "3.1.1");
    assert!(document["paths"]["/api/customers/{id}"]["patch"].is_object());
    let customer = &document["components"]["schemas"]["Customer"];
    let attributes = &customer["allOf"][1]["properties"]["attributes"];
    assert!(attributes["properties"]["tier"].to_string().contains("pro"), "{attributes}");
    assert_eq!(document["paths"]["/api/auth"]["post"]["security"], serde_json::json!([]));
    // Nothing depends on the store: the document is made from the types alone.
    server.take_store_away(true);
    assert_eq!(server.get_anonymous("/api/openapi.json").status, 200);
}

/// One line per operation: method, path, parameters, body, statuses.
fn outline(document: &Value) -> Vec<String> {
    let last = |value: &Value| {
        let name = value["$ref"].as_str().or(value["name"].as_str()).unwrap_or_default();
        name.rsplit('/').next().unwrap_or_default().to_owned()
    };
    let list = |value: &Value| value.as_array().into_iter().flatten().map(last).collect::<Vec<_>>().join(" ");
    let keys = |value: &Value| {
        let mut keys: Vec<&str> =
            value.as_object().into_iter().flatten().map(|(key, _)| key.as_str()).collect();
        keys.sort_unstable();
        keys.join(" ")
    };
    let mut lines = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap().iter().filter(|(_, value)| value.is_object()) {
            lines.push(format!(
                "{path} {method} ({}; {}) body({}) -> {}",
                list(&item["parameters"]),
                list(&operation["parameters"]),
                keys(&operation["requestBody"]["content"]),
                keys(&operation["responses"]),
            ));
        }
    }
    lines.sort_unstable();
    lines.push(format!("schemas: {}", keys(&document["components"]["schemas"])));
    lines
}

#[test]
fn the_shape_of_the_document_changes_only_on_purpose() {
    let server = TestServer::start();
    let mut document = server.get("/api/openapi.json").expect(200);
    // One type stands for all.
    let paths = document["paths"].as_object_mut().unwrap();
    paths.retain(|path, item| {
        item.to_string().contains("\"Resources\"") <= path.starts_with("/api/customers")
    });
    insta::assert_snapshot!(outline(&document).join("\n"));
    insta::with_settings!({sort_maps => true}, {
        insta::assert_json_snapshot!(document["components"]["schemas"]["Customer"]);
    });
}

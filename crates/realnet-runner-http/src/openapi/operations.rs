//! Pieces of operations: references, bodies, and the failures that each may have.

#![allow(clippy::needless_pass_by_value, reason = "pieces are built in the place where they are used")]

use serde_json::{Map, Value, json};

/// A reference to a component schema.
pub(super) fn schema(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// A reference to a parameter.
pub(super) fn parameter(name: &str) -> Value {
    json!({"$ref": format!("#/components/parameters/{name}")})
}

/// References to parameters.
pub(super) fn parameters(names: &[&str]) -> Value {
    names.iter().map(|name| parameter(name)).collect()
}

/// A JSON body that must be there.
pub(super) fn body(schema: Value) -> Value {
    json!({"required": true, "content": {"application/json": {"schema": schema}}})
}

/// The body of a patch: both kinds.
pub(super) fn patch_body(merge: Value) -> Value {
    json!({"required": true, "content": {
        "application/merge-patch+json": {"schema": merge},
        "application/json-patch+json": {"schema": schema("realnet.JsonPatch")},
    }})
}

/// An answer with a JSON body.
pub(super) fn answer(description: &str, schema: Value) -> Value {
    json!({"description": description, "content": {"application/json": {"schema": schema}}})
}

/// An answer with headers.
pub(super) fn with_headers(mut answer: Value, headers: &[&str]) -> Value {
    let headers: Map<String, Value> = headers
        .iter()
        .map(|name| ((*name).to_owned(), json!({"$ref": format!("#/components/headers/{name}")})))
        .collect();
    answer["headers"] = Value::Object(headers);
    answer
}

/// The answers of an operation: its own, and the failures by status.
pub(super) fn responses(own: &[(&str, Value)], failures: &[u16]) -> Value {
    let mut map: Map<String, Value> =
        own.iter().map(|(status, answer)| ((*status).to_owned(), answer.clone())).collect();
    for status in failures {
        map.insert(status.to_string(), json!({"$ref": format!("#/components/responses/{status}")}));
    }
    map.insert("default".to_owned(), json!({"$ref": "#/components/responses/default"}));
    Value::Object(map)
}

/// An operation.
pub(super) fn operation(tag: &str, id: &str, summary: &str, responses: Value) -> Value {
    json!({"tags": [tag], "operationId": id, "summary": summary, "responses": responses})
}

/// Adds a key to an operation.
pub(super) fn with(mut operation: Value, key: &str, value: Value) -> Value {
    operation[key] = value;
    operation
}

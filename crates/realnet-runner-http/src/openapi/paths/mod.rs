//! Paths: the fixed ones, what every endpoint offers, and two for each type.

mod audit;
mod auth;
mod data;
mod elsewhere;
mod endpoint;
mod keys;
mod passkeys;

use realnet_core::query::{AGGREGATE_PARAMETERS, LIST_PARAMETERS};
use realnet_core::registry::FIXED_ROUTES;
use serde_json::{Map, Value, json};

use self::endpoint::{Endpoint, grants, list_and_create, list_parameters, one};
use super::names::Named;
use super::operations::{
    answer, body, operation, parameter, parameters, patch_body, responses, schema, with, with_headers,
};

/// Failures of a read and of a write.
const READ: [u16; 4] = [400, 401, 403, 404];
const WRITE: [u16; 9] = [400, 401, 403, 404, 409, 412, 413, 415, 422];

/// All paths.
pub(super) fn build(types: &[Named<'_>]) -> Value {
    let mut paths = Map::new();
    let mut add = |path: &str, item: Value| drop(paths.insert(path.to_owned(), item));
    auth::add(&mut add);
    audit::add(&mut add);
    keys::add(&mut add);
    elsewhere::add(&mut add);
    passkeys::add(&mut add);
    server(&mut add);
    documents(&mut add);
    declared_types(&mut add);
    any_resource(&mut add);
    data::uploads(&mut add);
    for named in types.iter().filter(|named| !FIXED_ROUTES.contains(&named.endpoint.as_str())) {
        let of_items = schema(&named.schema);
        let tag = "Resources";
        let endpoint = Endpoint {
            name: named.info.name(),
            id: &named.schema,
            place: json!([]),
            filters: list_parameters(named),
            creatable: !named.info.is_abstract(),
        };
        add(&format!("/api/{}", named.endpoint), list_and_create(tag, &endpoint, &of_items));
        add(
            &format!("/api/{}/{{id}}", named.endpoint),
            one(tag, &named.schema, &of_items, &json!([parameter("id")])),
        );
    }
    Value::Object(paths)
}

fn server(add: &mut impl FnMut(&str, Value)) {
    let tag = "Server";
    let object = || json!({"type": "object"});
    let plain = |status: &str, text: &str| responses(&[(status, answer(text, object()))], &[]);
    let unready = responses(&[("200", answer("Ready", object()))], &[503]);
    let metrics =
        json!({"description": "Metrics", "content": {"text/plain": {"schema": {"type": "string"}}}});
    add("/api/info", json!({"get": operation(tag, "info", "About the server", plain("200", "Figures"))}));
    add(
        "/api/openapi.json",
        json!({"get": operation(tag, "openapi", "This document", plain("200", "OpenAPI"))}),
    );
    add("/healthz", json!({"get": operation(tag, "alive", "Whether it lives", plain("200", "Alive"))}));
    add("/readyz", json!({"get": operation(tag, "ready", "Whether it can serve", unready)}));
    let metrics = responses(&[("200", metrics)], &[]);
    add("/metrics", json!({"get": operation(tag, "metrics", "For Prometheus", metrics)}));
}

fn documents(add: &mut impl FnMut(&str, Value)) {
    let tag = "Documents";
    let report = || answer("What it does", json!({"type": "object"}));
    let names = ["prune", "force", "adopt", "compat", "source"];
    for (path, id, summary) in [
        ("/api/plan", "plan", "What a document would do"),
        ("/api/apply", "apply", "Do what a document says, atomically"),
    ] {
        let post = operation(tag, id, summary, responses(&[("200", report())], &WRITE));
        let post = with(post, "parameters", parameters(&names));
        add(path, json!({"post": with(post, "requestBody", body(schema("realnet.Document")))}));
    }
    let drift = responses(&[("200", report())], &[401, 403]);
    add("/api/drift", json!({"get": operation(tag, "drift", "What differs from what was applied", drift)}));
    let batch = responses(&[("200", answer("The results", json!({"type": "object"})))], &WRITE);
    let batch = operation("Any resource", "batch", "Several operations, all or none", batch);
    let batch = with(batch, "parameters", parameters(&["idempotency-key", "prefer"]));
    add("/api/batch", json!({"post": with(batch, "requestBody", body(schema("realnet.Batch")))}));
}

fn declared_types(add: &mut impl FnMut(&str, Value)) {
    let tag = "Types";
    let object = || json!({"type": "object"});
    let list = answer("The types", json!({"type": "array", "items": object()}));
    let created = with_headers(answer("The type", object()), &["Location"]);
    let create = operation(tag, "createType", "Create a type", responses(&[("201", created)], &WRITE));
    let prefix = json!({"name": "name", "in": "query", "schema": {"type": "string"},
        "description": "What names begin with, without regard to case"});
    let limit = json!({"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 1000},
        "description": "Page size; without it, all types come at once"});
    add(
        "/api/types",
        json!({
            "get": with(
                operation(tag, "listTypes", "List types", responses(&[("200", list)], &READ)),
                "parameters",
                json!([prefix, limit, parameter("cursor")]),
            ),
            "post": with(create, "requestBody", body(object())),
        }),
    );
    let one = || responses(&[("200", answer("The type", object()))], &WRITE);
    let gone = responses(&[("204", json!({"description": "Deleted"}))], &WRITE);
    let replace = with(operation(tag, "replaceType", "Replace a type", one()), "requestBody", body(object()));
    let patch = operation(tag, "patchType", "Change a part of a type", one());
    let patch = with(patch, "requestBody", patch_body(object()));
    add(
        "/api/types/{name}",
        json!({
            "parameters": parameters(&["name"]),
            "get": operation(tag, "getType", "Get a type", one()),
            "put": with(replace, "parameters", parameters(&["if-match"])),
            "patch": with(patch, "parameters", parameters(&["if-match"])),
            "delete": with(operation(tag, "deleteType", "Delete a type", gone), "parameters", parameters(&["if-match"])),
        }),
    );
    let mut acl = grants(tag, "Type", &json!([parameter("name"), parameter("instance")]), &[]);
    let reset = responses(&[("200", answer("The declared grants", schema("realnet.Grants")))], &WRITE);
    acl["delete"] = operation(tag, "resetTypeGrants", "Return to the declared grants", reset);
    add("/api/types/{name}/acl", acl);
}

/// Figures of items, by group.
fn figures(tag: &str) -> Value {
    let groups = answer(
        "One object for each group, in the order of the groups' values",
        json!({
            "type": "array", "items": {"type": "object", "description": "Values and figures, by the names that were asked for"},
        }),
    );
    let get = operation(
        tag,
        "aggregate",
        "Count, sum up and compare items, by group",
        responses(&[("200", groups)], &READ),
    );
    let named = |name: &&str| parameter(if *name == "select" { "figures" } else { name });
    let parameters: Value = AGGREGATE_PARAMETERS.iter().map(named).collect();
    json!({"parameters": [parameter("resource")], "get": with(get, "parameters", parameters)})
}

fn any_resource(add: &mut impl FnMut(&str, Value)) {
    let tag = "Any resource";
    let of_items = schema("realnet.Item");
    let place = || json!([parameter("resource"), parameter("id")]);
    let endpoint = Endpoint {
        name: "item",
        id: "Item-of-any-type",
        place: json!([parameter("resource")]),
        filters: parameters(&LIST_PARAMETERS),
        creatable: true,
    };
    add("/api/{resource}", list_and_create(tag, &endpoint, &of_items));
    add("/api/{resource}/{id}", one(tag, "Item-of-any-type", &of_items, &place()));
    let list = with_headers(
        answer("A page", json!({"type": "array", "items": of_items})),
        &["Link", "Content-Range"],
    );
    let children = operation(tag, "listChildren", "Children of an item", responses(&[("200", list)], &READ));
    add(
        "/api/{resource}/{id}/items",
        json!({
            "parameters": place(), "get": with(children, "parameters", parameters(&LIST_PARAMETERS)),
        }),
    );
    add("/api/{resource}/aggregate", figures(tag));
    let changes =
        answer("Changes, newest first", json!({"type": "array", "items": schema("realnet.Change")}));
    let changes = responses(&[("200", with_headers(changes, &["Link"]))], &READ);
    let history = operation(tag, "history", "Earlier states of an item", changes);
    add(
        "/api/{resource}/{id}/history",
        json!({
            "parameters": place(), "get": with(history, "parameters", parameters(&["limit", "before"])),
        }),
    );
    add("/api/{resource}/{id}/data", data::content(tag, &place()));
    add("/api/{resource}/{id}/acl", grants(tag, "Item", &place(), &["if-match"]));
}

//! What an endpoint offers: its list, creation, single items and their grants.

use realnet_core::query::LIST_PARAMETERS;
use serde_json::{Value, json};

use super::{READ, WRITE};
use crate::openapi::names::Named;
use crate::openapi::operations::{
    answer, body, operation, parameter, parameters, patch_body, responses, schema, with, with_headers,
};

/// `acl` of an item or type.
pub(super) fn grants(tag: &str, of: &str, place: &Value, conditions: &[&str]) -> Value {
    let grants = || responses(&[("200", answer("The grants", schema("realnet.Grants")))], &WRITE);
    let put = operation(tag, &format!("set{of}Grants"), "Replace the grants", grants());
    let put = with(put, "requestBody", body(schema("realnet.Grants")));
    json!({
        "parameters": place,
        "get": operation(tag, &format!("get{of}Grants"), "Show the grants", grants()),
        "put": with(put, "parameters", parameters(conditions)),
    })
}

/// What there is to say of an endpoint.
pub(super) struct Endpoint<'a> {
    pub(super) name: &'a str,
    /// Part of the ids of its operations.
    pub(super) id: &'a str,
    /// Parameters of its path.
    pub(super) place: Value,
    /// Parameters of its list.
    pub(super) filters: Value,
    pub(super) creatable: bool,
}

/// The endpoint of a type: its list, creation, and changes of all that match.
pub(super) fn list_and_create(tag: &str, endpoint: &Endpoint<'_>, of_items: &Value) -> Value {
    let Endpoint { name, id, place, filters, creatable } = endpoint;
    let page = answer("A page", json!({"type": "array", "items": of_items}));
    let page = with_headers(page, &["Link", "Content-Range"]);
    let list =
        operation(tag, &format!("list-{id}"), &format!("List {name}"), responses(&[("200", page)], &READ));
    let affected =
        || answer("How many", json!({"type": "object", "properties": {"affected": {"type": "integer"}}}));
    let patch_many = responses(&[("200", affected())], &WRITE);
    let patch_many =
        operation(tag, &format!("patch-many-{id}"), &format!("Patch each {name} that matches"), patch_many);
    let patch_many = with(
        patch_many,
        "requestBody",
        json!({
            "required": true, "content": {"application/merge-patch+json": {"schema": of_items}},
        }),
    );
    let delete_many = responses(&[("200", affected())], &WRITE);
    let delete_many = operation(
        tag,
        &format!("delete-many-{id}"),
        &format!("Delete each {name} that matches"),
        delete_many,
    );
    let of_many = || {
        let filters = filters.as_array().into_iter().flatten().cloned();
        filters.chain([parameter("dry_run")]).collect::<Value>()
    };
    let mut item = json!({
        "parameters": place,
        "get": with(list, "parameters", filters.clone()),
        "patch": with(patch_many, "parameters", of_many()),
        "delete": with(delete_many, "parameters", of_many()),
    });
    if *creatable {
        let one_or_many = json!({"oneOf": [of_items, {"type": "array", "items": of_items}]});
        let created = with_headers(answer("Created", one_or_many.clone()), &["ETag", "Location"]);
        let create = responses(&[("201", created)], &WRITE);
        let create =
            operation(tag, &format!("create-{id}"), &format!("Create {name}, one or several"), create);
        let create = with(create, "parameters", parameters(&["idempotency-key", "prefer"]));
        item["post"] = with(create, "requestBody", body(one_or_many));
    }
    item
}

/// The parameters of every list, and the fields that are indexed: those are what a filter should use.
pub(super) fn list_parameters(named: &Named<'_>) -> Value {
    let mut list: Vec<Value> = LIST_PARAMETERS.iter().map(|name| parameter(name)).collect();
    for info in named.info.fields().iter().filter(|info| info.field.is_keyed()) {
        let name = &info.field.name;
        if !LIST_PARAMETERS.contains(&name.as_str()) {
            let description = "Filter: `op.value`, such as `eq.x`, `gte.5`, `in.(a,b)`, `is.null`";
            list.push(json!({"name": name, "in": "query", "description": description, "schema": {"type": "string"}}));
        }
    }
    Value::Array(list)
}

/// One item below an endpoint.
pub(super) fn one(tag: &str, id: &str, of_items: &Value, place: &Value) -> Value {
    let item = || with_headers(answer("The item", of_items.clone()), &["ETag"]);
    let same = json!({"description": "The representation at hand is the present one"});
    let get =
        operation(tag, &format!("get-{id}"), "Get", responses(&[("200", item()), ("304", same)], &READ));
    let put = operation(
        tag,
        &format!("replace-{id}"),
        "Replace name and attributes",
        responses(&[("200", item())], &WRITE),
    );
    let put = with(put, "requestBody", body(of_items.clone()));
    let patch = operation(tag, &format!("patch-{id}"), "Patch", responses(&[("200", item())], &WRITE));
    let patch = with(patch, "requestBody", patch_body(of_items.clone()));
    let gone = responses(&[("204", json!({"description": "Deleted"}))], &WRITE);
    let delete = operation(tag, &format!("delete-{id}"), "Delete, with all descendants", gone);
    json!({
        "parameters": place,
        "get": with(get, "parameters", parameters(&["select", "attributes", "if-none-match"])),
        "put": with(put, "parameters", parameters(&["if-match", "if-none-match", "prefer"])),
        "patch": with(patch, "parameters", parameters(&["if-match", "if-none-match", "prefer"])),
        "delete": with(delete, "parameters", parameters(&["if-match", "if-none-match"])),
    })
}

//! Paths that tell who did what and why they may.

use serde_json::{Value, json};

use crate::openapi::operations::{answer, operation, responses};

/// Adds them.
pub(super) fn add(add: &mut impl FnMut(&str, Value)) {
    audit(add);
    explain(add);
}

fn audit(add: &mut impl FnMut(&str, Value)) {
    let text = |name: &str, schema: Value, words: &str| json!({"name": name, "in": "query", "schema": schema, "description": words});
    let id = || json!({"type": "string", "format": "uuid"});
    let moment = || json!({"type": "string", "format": "date-time"});
    let parameters = json!([
        text("account", id(), "By this account, or about it"),
        text("item", id(), "Changes of this item"),
        text(
            "kind",
            json!({"type": "string"}),
            "create, update, grant, delete, or an event such as sign_in_failed"
        ),
        text("since", moment(), "At this moment or later"),
        text("until", moment(), "Before this moment"),
        text("org", json!({"type": "string"}), "Name or id of an org, for superusers"),
        text(
            "limit",
            json!({"type": "integer", "minimum": 1, "maximum": 1000, "default": 50}),
            "Entries of a page"
        ),
        text("cursor", json!({"type": "string"}), "The `next` of the page before"),
        text("export", json!({"type": "boolean"}), "Tell in the audit that it is read to be kept elsewhere"),
    ]);
    let entry = json!({"type": "object", "properties": {
        "at": moment(), "account": {"type": ["string", "null"]}, "username": {"type": ["string", "null"]},
        "source": {"enum": ["change", "event"]}, "kind": {"type": "string"}, "origin": {"type": ["object", "null"]},
    }});
    let page = json!({"type": "object", "properties": {
        "entries": {"type": "array", "items": entry}, "next": {"type": ["string", "null"]},
    }});
    let answers = responses(&[("200", answer("Entries, newest first", page))], &[400, 401, 403, 404]);
    let get = operation("Authentication", "audit", "Who did what, when and from where", answers);
    add("/api/audit", json!({"parameters": parameters, "get": get}));
}

fn explain(add: &mut impl FnMut(&str, Value)) {
    let parameter = |name: &str, schema: Value, required: bool, words: &str| json!({"name": name, "in": "query", "schema": schema, "required": required, "description": words});
    let id = || json!({"type": "string", "format": "uuid"});
    let permissions = json!({"enum": ["read", "write", "delete", "execute", "message", "share"]});
    let parameters = json!([
        parameter("item", id(), true, "Which item"),
        parameter("account", id(), false, "Whose rights; one's own when absent"),
        parameter("who", permissions, false, "For administrators: the accounts that may do this, instead"),
        parameter("cursor", json!({"type": "string"}), false, "The `next` of a page of accounts"),
    ]);
    let shown =
        answer("Each permission with what decides, or the accounts that may", json!({"type": "object"}));
    let get = operation(
        "Authentication",
        "explain",
        "Why may somebody do this, and who may",
        responses(&[("200", shown)], &[400, 401, 403, 404]),
    );
    add("/api/explain", json!({"parameters": parameters, "get": get}));
}

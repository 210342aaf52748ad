//! Paths of keys for programs, and of tokens for clients.

use serde_json::{Value, json};

use crate::openapi::operations::{answer, body, operation, parameter, responses, with, with_headers};

/// Adds them.
pub(super) fn add(add: &mut impl FnMut(&str, Value)) {
    clients(add);
    let tag = "Authentication";
    let id = || json!({"type": "string", "format": "uuid"});
    let moment = || json!({"type": ["string", "null"], "format": "date-time"});
    let of = json!([{"name": "account", "in": "query", "schema": id(),
        "description": "For administrators: of this account instead of one's own"}]);
    let list =
        answer("The keys, in the order in which they were made", json!({"type": "array", "items": shown()}));
    let list = operation(tag, "listKeys", "List keys", responses(&[("200", list)], &[400, 401, 403, 404]));
    let mut made = shown();
    made["properties"]["key"] =
        json!({"type": "string", "description": "The key: this is the only time it is shown"});
    let made = with_headers(answer("The key", made), &["Location"]);
    let made = responses(&[("201", made)], &[400, 401, 403, 404, 409, 415, 422]);
    let asked = json!({"type": "object", "required": ["name", "scopes"], "additionalProperties": false, "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 100}, "scopes": scopes(), "expires": moment(),
        "account": with(id(), "description", json!("Whose it is to be, for administrators; one's own when absent")),
    }});
    let make = operation(tag, "createKey", "Make a key for a program", made);
    let make = with(make, "requestBody", body(asked));
    add("/api/keys", json!({"get": with(list, "parameters", of), "post": make}));
    let one = responses(&[("200", answer("The key, without its secret", shown()))], &[401, 403, 404]);
    let gone = responses(&[("204", json!({"description": "Ended"}))], &[401, 403, 404]);
    add(
        "/api/keys/{id}",
        json!({
            "parameters": [parameter("id")],
            "get": operation(tag, "getKey", "Look at a key", one),
            "delete": operation(tag, "deleteKey", "End a key at once", gone),
        }),
    );
}

/// Tokens for programs that are items of their own.
fn clients(add: &mut impl FnMut(&str, Value)) {
    let text = || json!({"type": "string"});
    let form = json!({"type": "object", "required": ["grant_type"], "properties": {
        "grant_type": {"const": "client_credentials"}, "client_id": text(), "client_secret": text(),
        "scope": {"type": "string", "description": "Less than the client may, such as `customers:read files`"},
    }});
    let token = json!({"type": "object", "properties": {
        "access_token": text(), "token_type": {"const": "Bearer"}, "expires_in": {"type": "integer"}, "scope": text(),
    }});
    let errors = [
        "invalid_request",
        "invalid_client",
        "invalid_scope",
        "unauthorized_client",
        "unsupported_grant_type",
    ];
    let refused = json!({"type": "object", "required": ["error"], "properties": {
        "error": {"enum": errors}, "error_description": text(),
    }});
    let mut answers = responses(&[("200", answer("A token", token))], &[429]);
    for status in ["400", "401"] {
        answers[status] = answer("What is wrong, as RFC 6749 names it", refused.clone());
    }
    let summary = "A token for a client's id and secret (OAuth 2)";
    let post = operation("Authentication", "clientToken", summary, answers);
    let form = json!({"required": true, "content": {"application/x-www-form-urlencoded": {"schema": form}}});
    add("/api/auth/token", json!({"post": with(with(post, "requestBody", form), "security", json!([]))}));
}

fn scopes() -> Value {
    let permissions = json!({"enum": ["create", "read", "write", "delete", "execute", "message", "share"]});
    let rule = json!({"type": "object", "required": ["resource", "permissions"], "additionalProperties": false,
    "properties": {
        "resource": {"type": ["string", "null"], "description": "An endpoint or a type name; * is every resource"},
        "permissions": {"type": "array", "minItems": 1, "items": permissions},
    }});
    json!({"type": "array", "minItems": 1, "maxItems": 50, "items": rule})
}

/// A key as it is shown.
fn shown() -> Value {
    let moment = || json!({"type": ["string", "null"], "format": "date-time"});
    let id = || json!({"type": ["string", "null"], "format": "uuid"});
    json!({"type": "object", "properties": {
        "id": id(), "name": {"type": "string"}, "account": id(), "scopes": scopes(), "created_at": moment(),
        "created_by": id(), "expires": moment(), "used_at": moment(), "address": {"type": ["string", "null"]},
    }})
}

//! Paths of passkeys.

use serde_json::{Value, json};

use super::auth::of_account;
use crate::openapi::operations::{answer, body, operation, responses, schema, with};

const TAG: &str = "Authentication";

fn text() -> Value {
    json!({"type": "string"})
}

/// What a browser takes and gives, as the methods of `PublicKeyCredential` read and write it.
fn object(words: &str) -> Value {
    json!({"type": "object", "description": words})
}

fn optional(properties: &Value) -> Value {
    with(body(json!({"type": "object", "properties": properties})), "required", json!(false))
}

/// Adds them.
pub(super) fn add(add: &mut impl FnMut(&str, Value)) {
    let time = || json!({"type": "string", "format": "date-time"});
    let passkey = || {
        json!({"type": "object", "properties": {
            "id": text(), "name": text(), "created_at": time(), "used_at": {"type": ["string", "null"], "format": "date-time"},
            "synced": {"type": "boolean", "description": "Whether it is on several devices of its owner"},
        }})
    };
    let options = || {
        let options = json!({"type": "object", "properties": {
            "publicKey": object("For `navigator.credentials`, as JSON"), "expires": time()}});
        answer("The options", options)
    };
    let proofs = || json!({"current_password": text(), "code": text()});
    let list = responses(
        &[("200", answer("One's passkeys", json!({"type": "array", "items": passkey()})))],
        &[400, 401, 403, 404],
    );
    let begin = responses(&[("200", options())], &[401, 403, 409, 415, 422, 429, 503]);
    let begin = operation(TAG, "beginPasskey", "Options for a new passkey", begin);
    let begin = with(begin, "requestBody", optional(&proofs()));
    let list = with(operation(TAG, "listPasskeys", "Passkeys", list), "parameters", of_account());
    add("/api/auth/passkeys", json!({"get": list, "post": begin}));

    let made = |more: Value| {
        let mut properties =
            json!({"credential": object("What the browser has made, as its `toJSON()` gives it")});
        if let (Some(all), Value::Object(more)) = (properties.as_object_mut(), more) {
            all.extend(more);
        }
        body(json!({"type": "object", "required": ["credential"], "properties": properties}))
    };
    let confirm =
        responses(&[("200", answer("The passkey", passkey()))], &[400, 401, 403, 409, 415, 422, 503]);
    let confirm = operation(TAG, "confirmPasskey", "Keep a new passkey", confirm);
    let confirm = with(confirm, "requestBody", made(json!({"name": text()})));
    add("/api/auth/passkeys/confirm", json!({"post": confirm}));

    let asked = responses(&[("200", options())], &[415, 422, 429, 503]);
    let asked = operation(TAG, "beginPasskeySignIn", "Options for a sign-in by passkey", asked);
    let asked = with(with(asked, "requestBody", optional(&json!({}))), "security", json!([]));
    add("/api/auth/passkeys/options", json!({"post": asked}));
    let tokens = answer("Tokens", schema("realnet.Tokens"));
    let tokens = responses(&[("200", tokens)], &[400, 401, 403, 409, 415, 422, 503]);
    let tokens = operation(TAG, "signInByPasskey", "Sign in by a passkey", tokens);
    let tokens = with(tokens, "requestBody", made(json!({"cookie": {"type": "boolean"}})));
    add("/api/auth/passkeys/sign-in", json!({"post": with(tokens, "security", json!([]))}));

    let gone = responses(&[("204", json!({"description": "Removed"}))], &[401, 403, 404, 409, 415, 422, 429]);
    let gone =
        with(operation(TAG, "removePasskey", "Remove a passkey", gone), "requestBody", optional(&proofs()));
    let name = json!({"name": "name", "in": "path", "required": true, "schema": text(), "description": "The id of a passkey"});
    add("/api/auth/passkeys/{name}", json!({"parameters": [name], "delete": gone}));
}

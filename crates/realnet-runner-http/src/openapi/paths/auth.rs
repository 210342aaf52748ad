//! Paths of signing in, sessions and what is proved by mail.

use serde_json::{Map, Value, json};

use crate::openapi::operations::{answer, body, operation, parameter, responses, schema, with};

pub(super) fn add(add: &mut impl FnMut(&str, Value)) {
    let tag = "Authentication";
    let tokens = || answer("Tokens", schema("realnet.Tokens"));
    let text = || json!({"type": "string"});
    let login = json!({
        "type": "object",
        "required": ["username", "password"],
        "properties": {
            "username": text(), "password": text(), "org": text(), "code": text(),
            "cookie": {"type": "boolean", "description": "Gives the tokens as cookies, and `csrf_token` in the answer"},
        },
    });
    let sign_in =
        operation(tag, "signIn", "Sign in", responses(&[("200", tokens())], &[400, 401, 415, 422, 429]));
    let sign_in = with(with(sign_in, "requestBody", body(login)), "security", json!([]));
    let show = responses(&[("200", answer("The account", json!({"type": "object"})))], &[401]);
    let sign_out = responses(&[("204", json!({"description": "Signed out"}))], &[401, 403, 409]);
    add(
        "/api/auth",
        json!({
            "get": operation(tag, "whoAmI", "Who am I", show),
            "post": sign_in,
            "delete": operation(tag, "signOut", "Sign out", sign_out),
        }),
    );
    let token = json!({
        "type": "object", "required": ["refresh_token"], "properties": {"refresh_token": text()},
    });
    let refresh = operation(
        tag,
        "refresh",
        "New tokens",
        responses(&[("200", tokens())], &[400, 401, 403, 409, 415, 422]),
    );
    // Without a body, the cookie counts.
    let token = with(body(token), "required", json!(false));
    let refresh =
        with(with(refresh, "requestBody", token), "security", json!([{}, {"cookie": [], "csrf": []}]));
    add("/api/auth/refresh", json!({"post": refresh}));
    sessions(add);
    mailed(add);
}

fn sessions(add: &mut impl FnMut(&str, Value)) {
    let tag = "Authentication";
    let of = json!([{"name": "account", "in": "query", "schema": {"type": "string", "format": "uuid"},
        "description": "For administrators: of this account instead of one's own"}]);
    let session = json!({"type": "object", "properties": {
        "id": {"type": "string", "format": "uuid"}, "current": {"type": "boolean"}, "method": {"type": "string"},
        "factor": {"type": "boolean"}, "created_at": {"type": "string", "format": "date-time"},
        "used_at": {"type": "string", "format": "date-time"}, "expires_at": {"type": "string", "format": "date-time"},
        "address": {"type": ["string", "null"]}, "agent": {"type": ["string", "null"]},
    }});
    let list = answer("The sessions, newest first", json!({"type": "array", "items": session}));
    let list =
        operation(tag, "listSessions", "List sessions", responses(&[("200", list)], &[400, 401, 403, 404]));
    let ended = json!({"type": "object", "properties": {"ended": {"type": "integer"}}});
    let ended = responses(&[("200", answer("How many ended", ended))], &[400, 401, 403, 404]);
    let all = operation(tag, "endSessions", "End all sessions but the one that asks", ended);
    let gone = responses(&[("204", json!({"description": "Ended"}))], &[401, 403, 404]);
    add("/api/auth/sessions", json!({"parameters": of, "get": list, "delete": all}));
    let one = operation(tag, "endSession", "End a session", gone);
    add("/api/auth/sessions/{id}", json!({"parameters": [parameter("id")], "delete": one}));
    let unlocked = json!({"description": "What has failed counts no more"});
    let unlocked = responses(&[("204", unlocked)], &[400, 401, 403, 404, 415, 422]);
    let unlock =
        operation(tag, "unlock", "Let an account sign in that failed sign-ins have locked", unlocked);
    let account = json!({"type": "object", "required": ["account"],
        "properties": {"account": {"type": "string", "format": "uuid"}}});
    add("/api/auth/unlock", json!({"post": with(unlock, "requestBody", body(account))}));
}

/// What is done by the proof of a mail that was received.
fn mailed(add: &mut impl FnMut(&str, Value)) {
    let tag = "Authentication";
    let text = || json!({"type": "string"});
    let object = |required: &[&str], optional: &[&str]| {
        let names = required.iter().chain(optional);
        let properties: Map<String, Value> = names.map(|name| ((*name).to_owned(), text())).collect();
        json!({"type": "object", "required": required, "properties": properties})
    };
    let done = |words: &str, failures: &[u16]| responses(&[("204", json!({"description": words}))], failures);
    let open = |id: &str, summary: &str, schema: Value, failures: &[u16]| {
        let post = operation(tag, id, summary, done("Done, as far as may be told", failures));
        json!({"post": with(with(post, "requestBody", body(schema)), "security", json!([]))})
    };
    let ask = open(
        "askPasswordReset",
        "Ask for a mail to set a new password",
        object(&["email"], &["org"]),
        &[400, 415, 422, 429],
    );
    add("/api/auth/password-reset", ask);
    let fields = object(&["token", "password"], &[]);
    let set = open(
        "confirmPasswordReset",
        "Set a new password by the token of that mail",
        fields,
        &[400, 415, 422],
    );
    add("/api/auth/password-reset/confirm", set);
    let verify = done("A mail is on its way", &[401, 409, 422, 429]);
    let verify = operation(tag, "askEmailVerification", "Ask for a mail to prove the own address", verify);
    add("/api/auth/verify-email", json!({"post": verify}));
    let prove = done("The address is proved", &[400, 401, 409, 415, 422]);
    let prove = operation(tag, "confirmEmail", "Prove the own address by the token of that mail", prove);
    let prove = json!({"post": with(prove, "requestBody", body(object(&["token"], &[])))});
    add("/api/auth/verify-email/confirm", prove);
}

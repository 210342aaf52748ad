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
    factor(add);
    sessions(add);
    mailed(add);
}

/// The second factor.
fn factor(add: &mut impl FnMut(&str, Value)) {
    let tag = "Authentication";
    let text = || json!({"type": "string"});
    let fields = |required: &[&str], optional: &[&str]| {
        let names = required.iter().chain(optional);
        let properties: Map<String, Value> = names.map(|name| ((*name).to_owned(), text())).collect();
        json!({"type": "object", "required": required, "properties": properties})
    };
    let mut answers = fields(&["challenge", "code"], &[]);
    answers["properties"]["cookie"] = json!({"type": "boolean"});
    let tokens =
        responses(&[("200", answer("Tokens", schema("realnet.Tokens")))], &[400, 401, 409, 415, 422, 429]);
    let second = operation(tag, "answerFactor", "Answer the challenge of a second factor by a code", tokens);
    let second = with(with(second, "requestBody", body(answers)), "security", json!([]));
    add("/api/auth/factor", json!({"post": second}));

    let state = json!({"type": "object", "properties": {"enabled": {"type": "boolean"},
        "since": {"type": "string", "format": "date-time"}, "recovery_codes": {"type": "integer"}}});
    let show = responses(&[("200", answer("Whether there is one", state))], &[401]);
    let secret = json!({"type": "object", "properties": {
        "secret": text(), "uri": text(), "expires": {"type": "string", "format": "date-time"}}});
    let begun = responses(&[("200", answer("For the authenticator", secret))], &[401, 409, 415, 422, 429]);
    let begin = operation(tag, "beginFactor", "Begin a second factor (TOTP)", begun);
    let optional = |schema: Value| with(body(schema), "required", json!(false));
    let begin = with(begin, "requestBody", optional(fields(&[], &["current_password"])));
    let off = responses(&[("204", json!({"description": "Off"}))], &[400, 401, 403, 404, 409, 415, 422, 429]);
    let off = operation(tag, "removeFactor", "Turn the second factor off, by password and code", off);
    let off = with(off, "requestBody", optional(fields(&[], &["current_password", "code"])));
    let of = json!([{"name": "account", "in": "query", "schema": {"type": "string", "format": "uuid"},
        "description": "For administrators: of this account, which has lost it"}]);
    let off = with(off, "parameters", of);
    let show = operation(tag, "showFactor", "Whether one has a second factor", show);
    add("/api/auth/totp", json!({"get": show, "post": begin, "delete": off}));

    let codes = || {
        let codes =
            json!({"type": "object", "properties": {"recovery_codes": {"type": "array", "items": text()}}});
        responses(&[("200", answer("Recovery codes, shown once", codes))], &[400, 401, 409, 415, 422, 429])
    };
    let confirm = operation(tag, "confirmFactor", "Turn the second factor on by its first code", codes());
    let confirm = with(confirm, "requestBody", body(fields(&["code"], &[])));
    add("/api/auth/totp/confirm", json!({"post": confirm}));
    let renew = operation(tag, "renewRecoveryCodes", "New recovery codes, by password and code", codes());
    let renew = with(renew, "requestBody", body(fields(&["current_password", "code"], &[])));
    add("/api/auth/totp/recovery", json!({"post": renew}));
}

fn sessions(add: &mut impl FnMut(&str, Value)) {
    let tag = "Authentication";
    let of = of_account();
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

/// Whose it is that is listed.
pub(super) fn of_account() -> Value {
    json!([{"name": "account", "in": "query", "schema": {"type": "string", "format": "uuid"},
        "description": "For administrators: of this account instead of one's own"}])
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

//! Paths of signing in at providers of identities.

use serde_json::{Value, json};

use super::auth::of_account;
use crate::openapi::operations::{answer, body, operation, parameter, responses, schema, with};

fn text() -> Value {
    json!({"type": "string"})
}

fn query(name: &str, words: &str) -> Value {
    json!({"name": name, "in": "query", "schema": {"type": "string"}, "description": words})
}

/// Adds them.
pub(super) fn add(add: &mut impl FnMut(&str, Value)) {
    let tag = "Authentication";
    let provider =
        json!({"type": "object", "properties": {"id": {"type": "string", "format": "uuid"}, "name": text()}});
    let list = answer("The providers", json!({"type": "array", "items": provider}));
    let list = operation(
        tag,
        "listProviders",
        "By which providers people sign in",
        responses(&[("200", list)], &[400]),
    );
    let list = with(list, "security", json!([]));
    add("/api/auth/providers", json!({"parameters": [query("org", "Name or id of an org")], "get": list}));

    let moved = |words: &str| json!({"description": words, "headers": {"Location": {"schema": text()}}});
    let start = |id: &str, summary: &str| {
        let answers = responses(&[("302", moved("To the provider"))], &[400, 404, 429, 503]);
        with(operation(tag, id, summary, answers), "security", json!([]))
    };
    let places = json!([
        parameter("id"),
        query("return_to", "The path of this server that follows; `/` when absent"),
        query("redirect_uri", "For programs: the loopback address where they listen"),
        query(
            "code_challenge",
            "For programs: the SHA-256 of a verifier; they get a `code` instead of cookies"
        ),
        query("code_challenge_method", "`S256`"),
    ]);
    let begin = start("signInAt", "Sign in at a provider that has an address of its own to return to");
    add("/api/auth/{id}", json!({"parameters": places, "get": begin}));
    let start = start("startOidc", "Sign in at a provider");
    add("/api/auth/oidc/{id}/start", json!({"parameters": places, "get": start}));
    let back = |id: &str, summary: &str| {
        let answers = responses(&[("302", moved("Signed in, or linked"))], &[400, 401, 403, 409, 503]);
        with(operation(tag, id, summary, answers), "security", json!([]))
    };
    let brought = || ["code", "state", "iss", "error"].map(|name| query(name, "As the provider has sent it"));
    let common = back("oidcCallback", "Back from a provider");
    add("/api/auth/oidc/callback", json!({"parameters": brought(), "get": common}));
    let own = back("callbackOf", "Back from a provider at its own address");
    let place = [vec![parameter("id")], brought().to_vec()].concat();
    add("/api/auth/{id}/callback", json!({"parameters": place, "get": own}));
    let fetched = responses(&[("200", answer("Tokens", schema("realnet.Tokens")))], &[400, 401, 415, 422]);
    let fetched = operation(tag, "fetchOidcSession", "The session for a program's code, once", fetched);
    let code = json!({"type": "object", "required": ["code", "verifier"], "properties": {"code": text(), "verifier": text()}});
    let fetched = with(with(fetched, "requestBody", body(code)), "security", json!([]));
    add("/api/auth/oidc/token", json!({"post": fetched}));
    links(add);
}

/// Identities that accounts are linked with.
fn links(add: &mut impl FnMut(&str, Value)) {
    let tag = "Authentication";
    let location = json!({"type": "object", "properties": {"location": text()}});
    let link =
        responses(&[("200", answer("Where to go", location))], &[400, 401, 403, 404, 409, 422, 429, 503]);
    let link = operation(tag, "linkOidc", "Link the own account with an identity at a provider", link);
    let current = json!({"type": "object", "properties": {"current_password": text(), "code": text()}});
    let link = with(link, "requestBody", with(body(current), "required", json!(false)));
    let places =
        json!([parameter("id"), query("return_to", "The path of this server that follows; `/` when absent")]);
    add("/api/auth/oidc/{id}/link", json!({"parameters": places, "post": link}));
    let shown = json!({"type": "object", "properties": {
        "id": text(), "provider": {"type": "string", "format": "uuid"}, "issuer": text(),
        "email": {"type": ["string", "null"]}, "created_at": {"type": "string", "format": "date-time"},
    }});
    let links = answer("The identities", json!({"type": "array", "items": shown}));
    let links = operation(
        tag,
        "listLinks",
        "Identities that an account is linked with",
        responses(&[("200", links)], &[400, 401, 403, 404]),
    );
    let links = with(links, "parameters", of_account());
    add("/api/auth/links", json!({"get": links}));
    let gone = responses(&[("204", json!({"description": "No longer linked"}))], &[401, 403, 404, 409]);
    let name = json!({"name": "name", "in": "path", "required": true, "schema": text(), "description": "The id of a link"});
    let unlink = operation(tag, "unlink", "Remove such a link", gone);
    add("/api/auth/links/{name}", json!({"parameters": [name], "delete": unlink}));
}

//! What is kept from a caller is not told by other ways: guesses, descriptions of types.

use serde_json::{Value, json};

use crate::common::TestServer;

/// A type with a field that only administrators know, open to all users.
fn staff(server: &TestServer) {
    let fields = json!([
        {"name": "salary", "type": "integer", "read": ["admin"], "write": ["admin"], "default": 4_711_471_147_114_i64},
        {"name": "bonus", "type": "integer", "read": ["admin"]},
        {"name": "desk", "type": "string"},
    ]);
    let body = json!({"name": "Staff", "base": "Item", "fields": fields, "attributes": {"bonus": 7_770_777_077_707_i64},
        "instances": [{"name": "Boss", "attributes": {"bonus": 4_242_424_242_424_i64}}]});
    server.admin("POST", "/api/types", &body).expect(201);
    let grants =
        json!([{"subject": {"type": "role", "id": "user"}, "permissions": ["create", "read", "write"]}]);
    server.admin("PUT", "/api/types/Staff/acl", &grants).expect(200);
}

#[test]
fn the_right_guess_looks_like_any_other() {
    let server = TestServer::start();
    staff(&server);
    let user = server.account("uma", "user");
    let made = server.admin("POST", "/api/staff", &json!({"name": "s", "salary": 5000})).expect(201);
    let path = format!("/api/staff/{}", made["id"].as_str().unwrap());
    assert_eq!(server.by(&user, "GET", &path, &Value::Null).expect(200)["attributes"].get("salary"), None);
    for guess in [json!(5000), json!(5001), Value::Null] {
        let body = json!({"name": "s", "salary": guess});
        for method in ["PATCH", "PUT"] {
            server.by(&user, method, &path, &body).problem(403);
        }
    }
    let changed = server.by(&user, "PUT", &path, &json!({"name": "s", "desk": "4b"})).expect(200);
    assert_eq!(changed["attributes"]["desk"], "4b");
    assert_eq!(server.get(&path).expect(200)["attributes"]["salary"], 5000, "what one can not know stays");
}

#[test]
fn types_tell_what_their_items_would() {
    let server = TestServer::start();
    staff(&server);
    let user = server.account("uma", "user");
    let shown = |token: &str, path: &str| server.by(token, "GET", path, &Value::Null).expect(200).to_string();
    for path in ["/api/types/Staff", "/api/types?name=Staff", "/api/openapi.json"] {
        let text = shown(&user, path);
        for secret in ["4711471147114", "7770777077707", "4242424242424"] {
            assert!(!text.contains(secret), "{path} tells {secret}");
        }
    }
    let whole = shown(&server.admin, "/api/types/Staff");
    assert!(
        ["4711471147114", "7770777077707", "4242424242424"].iter().all(|value| whole.contains(value)),
        "who writes types sees them: {whole}"
    );
}

/// A type with a secret and a field for administrators, an item that has both, and a user who may read and write it.
fn vault(server: &TestServer) -> (String, String) {
    let fields = json!([
        {"name": "pin", "type": "secret"}, {"name": "note", "type": "string", "read": ["admin"]}, {"name": "desk", "type": "string"},
    ]);
    let body =
        json!({"name": "Vault", "base": "Item", "fields": fields, "attributes": {"note": "zebraconstant"}});
    server.admin("POST", "/api/types", &body).expect(201);
    let grants =
        json!([{"subject": {"type": "role", "id": "user"}, "permissions": ["create", "read", "write"]}]);
    server.admin("PUT", "/api/types/Vault/acl", &grants).expect(200);
    let item = json!({"name": "s", "pin": "pin9999", "note": "zebraword", "desk": "4a"});
    let made = server.admin("POST", "/api/vault", &item).expect(201);
    let path = format!("/api/vault/{}", made["id"].as_str().unwrap());
    server.admin("PATCH", &path, &json!({"note": "zebraword two", "pin": "pin8888"})).expect(200);
    (server.account("uma", "user"), path)
}

#[test]
fn what_was_hidden_stays_hidden_when_its_field_goes() {
    let server = TestServer::start();
    let (user, path) = vault(&server);
    let without =
        json!({"fields": [{"name": "desk", "type": "string"}], "attributes": {"note": "zebraconstant"}});
    server.admin("PUT", "/api/types/Vault", &without).expect(200);
    let shown = |token: &str, path: &str| server.by(token, "GET", path, &Value::Null).expect(200).to_string();
    let history = format!("{path}/history");
    for path in [
        &path,
        &history,
        "/api/vault",
        "/api/vault?attributes=all",
        "/api/vault?attributes=own",
        "/api/vault?select=pin,note",
        "/api/types/Vault",
    ] {
        let text = shown(&user, path);
        assert!(
            !text.contains("pin9999") && !text.contains("pin8888") && !text.contains("zebra"),
            "{path}: {text}"
        );
        assert!(!shown(&server.admin, path).contains("pin9999"), "{path}: a secret is shown to nobody");
    }
    assert!(shown(&server.admin, &history).contains("zebraword"), "as the rule said");
    for list in [
        "search=zebraword",
        "note=zebraword%20two",
        "attributes.note=like.zebra*",
        "pin=pin8888",
        "search=zebraconstant",
    ] {
        assert_eq!(shown(&user, &format!("/api/vault?{list}")), "[]", "{list}");
        assert_eq!(shown(&server.admin, &format!("/api/vault?{list}")), "[]", "{list}");
    }
    let described = server.get("/api/types/Vault").expect(200);
    assert_eq!(described["retired_fields"], json!([{"name": "pin"}, {"name": "note", "read": ["admin"]}]));
    assert!(!shown(&user, "/api/types/Vault").contains("retired_fields"), "for those who write types");
    server.admin("PUT", "/api/types/Vault", &described).expect(200);

    for guess in [
        json!({"pin": "pin8888"}),
        json!({"note": "zebraword two"}),
        json!({"pin": "x"}),
        json!({"note": null}),
    ] {
        server.by(&user, "PATCH", &path, &guess).problem(403);
    }
    server.by(&user, "PUT", &path, &json!({"name": "s", "desk": "5"})).expect(200);
    assert!(shown(&server.admin, &path).contains("zebraword two"), "what one can not know stays");
}

#[test]
fn a_name_that_was_hidden_is_not_opened_by_another_field() {
    let server = TestServer::start();
    vault(&server);
    let put = |fields: Value| server.admin("PUT", "/api/types/Vault", &json!({ "fields": fields }));
    let text = put(json!([{"name": "pin", "type": "string"}])).problem(422).to_string();
    assert!(text.contains("was a secret") && text.contains("pin_2"), "{text}");
    put(json!([])).expect(200);
    let text = put(json!([{"name": "note", "type": "string"}])).problem(422).to_string();
    assert!(text.contains("note_2"), "{text}");
    let derived = json!({"name": "Safe", "base": "Vault", "fields": [{"name": "pin", "type": "integer"}]});
    server.admin("POST", "/api/types", &derived).problem(422);
    let document =
        json!({"types": [{"name": "Safe", "base": "Vault", "fields": [{"name": "pin", "type": "integer"}]}]});
    server.admin("POST", "/api/apply", &document).problem(422);
    put(json!([{"name": "note_2", "type": "string"}, {"name": "pin", "type": "secret"}])).expect(200);
    let described = server.get("/api/types/Vault").expect(200);
    assert_eq!(described["retired_fields"], json!([{"name": "note", "read": ["admin"]}]));
}

#[test]
fn the_audit_names_no_field_that_one_can_not_see() {
    let server = TestServer::start();
    let (user, path) = vault(&server);
    let id = path.rsplit('/').next().unwrap();
    server.by(&user, "PATCH", &path, &json!({"pin": "pin8888", "desk": "5"})).expect(200);
    server.by(&user, "PATCH", &path, &json!({"pin": "another", "desk": "6"})).expect(200);
    let audit = server.get(&format!("/api/audit?item={id}")).expect(200);
    let fields = |n: usize| audit["entries"][n]["fields"].clone();
    assert_eq!((fields(0), fields(1)), (json!(["desk"]), json!(["desk"])), "{audit}");
    assert_eq!(fields(2), json!(["note"]), "what one may see: {audit}");
}

#[test]
fn a_hidden_default_is_not_guessed() {
    let server = TestServer::start();
    staff(&server);
    let user = server.account("uma", "user");
    for guess in [4_711_471_147_114_i64, 5] {
        server.by(&user, "POST", "/api/staff", &json!({"name": "s", "salary": guess})).problem(403);
    }
    let made = server.by(&user, "POST", "/api/staff", &json!({"name": "s"})).expect(201);
    let path = format!("/api/staff/{}", made["id"].as_str().unwrap());
    assert_eq!(server.get(&path).expect(200)["attributes"]["salary"], 4_711_471_147_114_i64);
}

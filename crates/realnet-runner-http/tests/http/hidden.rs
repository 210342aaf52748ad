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

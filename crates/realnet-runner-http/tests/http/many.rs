//! `PATCH` and `DELETE` of all items that match.

use serde_json::{Value, json};

use crate::common::TestServer;

#[test]
fn a_filter_is_required_and_all_that_match_are_changed() {
    let server = TestServer::start();
    let bodies: Vec<Value> = (0..5).map(|size| json!({"name": format!("c{size}"), "size": size})).collect();
    server.admin("POST", "/api/customers", &Value::Array(bodies)).expect(201);
    server.admin("PATCH", "/api/customers", &json!({"tier": "pro"})).problem(400);
    server.admin("DELETE", "/api/customers", &Value::Null).problem(400);
    server.admin("DELETE", "/api/customers?limit=1", &Value::Null).problem(400);
    let patched = server.admin("PATCH", "/api/customers?size=gte.3", &json!({"tier": "pro"})).expect(200);
    assert_eq!(patched, json!({"affected": 2}));
    let deleted = server.admin("DELETE", "/api/customers?tier=eq.pro", &Value::Null).expect(200);
    assert_eq!(deleted, json!({"affected": 2}));
    assert_eq!(server.get("/api/customers").expect(200).as_array().map(Vec::len), Some(3));
    let json_patch = [("Content-Type", "application/json-patch+json")];
    server.admin_with("PATCH", "/api/customers?size=eq.1", &json_patch, b"[]").problem(415);
}

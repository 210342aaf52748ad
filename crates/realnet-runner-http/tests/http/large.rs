//! Answers and work stay bounded, whatever is asked for.

use serde_json::{Value, json};

use crate::common::TestServer;

#[test]
fn what_is_expanded_counts_as_often_as_it_is_shown() {
    let server = TestServer::start();
    let reference = json!([{"name": "m", "type": "reference", "reference": "Item", "multiple": true}]);
    server
        .admin("POST", "/api/types", &json!({"name": "Hub", "base": "Item", "fields": reference}))
        .expect(201);
    let text = "x".repeat(500_000);
    let big = server.admin("POST", "/api/item", &json!({"name": "big", "text": text})).expect(201);
    let id = big["id"].as_str().unwrap();
    let twice = json!({"name": "two", "m": vec![id; 2]});
    server.admin("POST", "/api/hub", &twice).expect(201);
    let two = server.get("/api/hub?select=m(text)").expect(200).to_string();
    assert!(two.len() > 1_000_000, "{}", two.len());
    server.admin("POST", "/api/hub", &json!({"name": "many", "m": vec![id; 40]})).expect(201);
    let refused = server.get("/api/hub?select=m(text)");
    let words = refused.problem(413)["detail"].to_string();
    assert!(words.contains("fewer items"), "{words}");
    server.get("/api/hub?select=m(name)").expect(200);
}

#[test]
fn times_that_can_not_be_written_are_refused() {
    let server = TestServer::start();
    let made = server.customer(&json!({"name": "c"}));
    let path = format!("/api/customers/{}", made["id"].as_str().unwrap());
    for moment in ["9999-12-31T23:59:59-00:01", "0000-01-01T00:00:00+00:01"] {
        server.admin("PATCH", &path, &json!({"valid_to": moment})).problem(422);
    }
    server.admin("PATCH", &path, &json!({"valid_to": "9999-12-31T23:59:59Z"})).expect(200);
    server.get(&format!("{path}/history")).expect(200);
}

#[test]
fn a_change_by_filter_takes_no_name_that_no_type_declares() {
    let server = TestServer::start();
    server.customer(&json!({"name": "c", "size": 75, "odd": 1}));
    let words = server.admin("DELETE", "/api/customers?siez=neq.75", &Value::Null).problem(400).to_string();
    assert!(words.contains("attributes.siez"), "{words}");
    server.admin("PATCH", "/api/customers?odd=1", &json!({"tier": "pro"})).problem(400);
    let meant = server.admin("PATCH", "/api/customers?attributes.odd=1", &json!({"tier": "pro"})).expect(200);
    assert_eq!(meant, json!({"affected": 1}));
}

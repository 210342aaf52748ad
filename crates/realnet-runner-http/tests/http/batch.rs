//! `POST /api/batch`.

use serde_json::{Value, json};

use crate::common::TestServer;

#[test]
fn operations_go_in_order_all_or_none() {
    let server = TestServer::start();
    let item = server.customer(&json!({"name": "Acme", "size": 1}));
    let id = item["id"].as_str().unwrap();
    let body = json!({"operations": [
        {"operation": "create", "resource": "customers", "body": {"name": "New"}},
        {"operation": "patch", "resource": "customers", "id": id, "body": {"size": 2}, "if_match": "\"1\""},
    ]});
    let answer = server.admin("POST", "/api/batch", &body).expect(200);
    let results = answer["results"].as_array().unwrap();
    assert_eq!(results.len(), 2);
    assert_eq!(results[0]["item"]["name"], "New");
    assert_eq!(results[1]["item"]["attributes"]["size"], 2);

    // The same again: the version is another now, so nothing of it happens.
    let problem = server.admin("POST", "/api/batch", &body).problem(412);
    assert_eq!(problem["operation"], 1);
    assert_eq!(server.get("/api/customers?name=eq.New").expect(200).as_array().map(Vec::len), Some(1));
}

#[test]
fn malformed_batches_are_refused() {
    let server = TestServer::start();
    for body in [
        json!([]),
        json!({}),
        json!({"operations": {}}),
        json!({"operations": [{"operation": "fly", "resource": "customers"}]}),
        json!({"operations": [{"operation": "delete", "resource": "customers", "id": "x"}]}),
    ] {
        let answer = server.admin("POST", "/api/batch", &body);
        assert!([400, 422].contains(&answer.status), "{body}: {}", answer.status);
        answer.problem(answer.status);
    }
    let unknown =
        json!({"operations": [{"operation": "create", "resource": "nothing", "body": {"name": "x"}}]});
    assert_eq!(server.admin("POST", "/api/batch", &unknown).problem(404)["operation"], 0);
    server.admin("GET", "/api/batch", &Value::Null).problem(405);
}

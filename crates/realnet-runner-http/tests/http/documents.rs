//! `/api/plan`, `/api/apply`, `/api/drift`.

use serde_json::{Value, json};

use crate::common::TestServer;

fn document() -> Value {
    json!({
        "types": [{"name": "Recipe", "base": "Item", "fields": [{"name": "minutes", "type": "integer"}]}],
        "items": [{"name": "Soup", "type": "Recipe", "attributes": {"minutes": 3}}],
    })
}

#[test]
fn a_plan_changes_nothing_and_applying_does_all_of_it_once() {
    let server = TestServer::start();
    let plan = server.admin("POST", "/api/plan?source=menu", &document()).expect(200);
    assert_eq!((&plan["applied"], &plan["summary"]["create"]), (&json!(false), &json!(2)));
    server.get("/api/recipe").problem(404);
    let applied = server.admin("POST", "/api/apply?source=menu", &document()).expect(200);
    assert_eq!((&applied["applied"], &applied["summary"]["create"]), (&json!(true), &json!(2)));
    assert_eq!(server.get("/api/recipe?minutes=eq.3").expect(200).as_array().map(Vec::len), Some(1));
    let again = server.admin("POST", "/api/apply?source=menu", &document()).expect(200);
    assert_eq!(again["summary"]["create"], 0);
    assert!(server.get("/api/openapi.json").expect(200)["paths"]["/api/recipe"].is_object());
}

#[test]
fn what_was_changed_by_hand_is_drift_and_is_kept_unless_forced() {
    let server = TestServer::start();
    server.admin("POST", "/api/apply?source=menu", &document()).expect(200);
    let clean = server.get("/api/drift").expect(200);
    server.admin("PATCH", "/api/recipe?name=eq.Soup", &json!({"minutes": 9})).expect(200);
    assert_ne!(server.get("/api/drift").expect(200), clean);
    server.admin("POST", "/api/apply?source=menu", &document()).expect(200);
    assert_eq!(server.get("/api/recipe?minutes=eq.9").expect(200).as_array().map(Vec::len), Some(1));
    server.admin("POST", "/api/apply?source=menu&force", &document()).expect(200);
    assert_eq!(server.get("/api/recipe?minutes=eq.3").expect(200).as_array().map(Vec::len), Some(1));
    let empty = json!({"types": [], "items": []});
    let pruned = server.admin("POST", "/api/apply?source=menu&prune=true", &empty).expect(200);
    assert_eq!(pruned["summary"]["delete"], 2);
    server.get("/api/recipe").problem(404);
}

#[test]
fn contradictions_are_named_and_nothing_is_stored() {
    let server = TestServer::start();
    let cycle = json!({"types": [{"name": "A", "base": "B"}, {"name": "B", "base": "A"}]});
    let answer = server.admin("POST", "/api/apply", &cycle);
    assert!([400, 422].contains(&answer.status), "{}", answer.status);
    let problem = answer.problem(answer.status);
    assert!(problem["detail"].as_str().unwrap().contains('A'), "{problem}");
    server.get("/api/types/A").problem(404);
    let user = server.account("user", "user");
    server.by(&user, "POST", "/api/apply", &document()).problem(403);
    server.by(&user, "GET", "/api/drift", &Value::Null).problem(403);
}

#[test]
fn documents_are_for_members_and_in_json() {
    let server = TestServer::start();
    let json = ("Content-Type", "application/json");
    for target in ["/api/plan", "/api/apply"] {
        server.send("POST", target, &[json], b"{}").problem(401);
        server.admin_with("POST", target, &[("Content-Type", "application/xml")], b"<types/>").problem(415);
        server.admin("POST", &format!("{target}?prun=true"), &json!({})).problem(400);
        server.admin("POST", &format!("{target}?prune=perhaps"), &json!({})).problem(400);
        server.admin("GET", target, &Value::Null).problem(405);
    }
    server.get_anonymous("/api/drift").problem(401);
}

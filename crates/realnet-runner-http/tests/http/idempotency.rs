//! `Idempotency-Key`.

use serde_json::json;

use crate::common::{Answer, TestServer};

const JSON: (&str, &str) = ("Content-Type", "application/json");

fn create(server: &TestServer, key: &str, body: &str) -> Answer {
    server.admin_with("POST", "/api/customers", &[JSON, ("Idempotency-Key", key)], body.as_bytes())
}

#[test]
fn a_repeated_creation_gives_the_first_answer() {
    let server = TestServer::start();
    let first = create(&server, "k1", "{\"name\":\"Acme\"}");
    let again = create(&server, "k1", "{\"name\":\"Acme\"}");
    assert_eq!(first.expect(201), again.expect(201));
    assert_eq!(first.header("idempotency-replayed"), None);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(first.header("location"), again.header("location"));
    create(&server, "k1", "{\"name\":\"Other\"}").problem(422);
    create(&server, "k2", "{\"name\":\"Acme\"}").expect(201);
    assert_eq!(server.get("/api/customers").expect(200).as_array().map(Vec::len), Some(2));
}

#[test]
fn keys_are_bounded() {
    let server = TestServer::start();
    create(&server, &"k".repeat(255), "{\"name\":\"x\"}").expect(201);
    create(&server, &"k".repeat(256), "{\"name\":\"x\"}").problem(400);
    create(&server, "", "{\"name\":\"x\"}").problem(400);
}

#[test]
fn concurrent_repetitions_create_once() {
    let server = TestServer::start();
    std::thread::scope(|scope| {
        let calls: Vec<_> =
            (0..8).map(|_| scope.spawn(|| create(&server, "race", "{\"name\":\"once\"}").status)).collect();
        for call in calls {
            let status = call.join().unwrap();
            assert!([201, 409].contains(&status), "{status}");
        }
    });
    assert_eq!(server.get("/api/customers?name=eq.once").expect(200).as_array().map(Vec::len), Some(1));
}

#[test]
fn a_key_is_refused_where_answers_are_not_kept() {
    let server = TestServer::start();
    let body = json!({"name": "twice", "scopes": [{"resource": "*", "permissions": ["read"]}]}).to_string();
    for target in ["/api/keys", "/api/auth/verify-email"] {
        let answer = server.admin_with("POST", target, &[JSON, ("Idempotency-Key", "k")], body.as_bytes());
        assert_eq!(answer.problem(400)["errors"][0]["pointer"], "Idempotency-Key", "{target}");
    }
    assert_eq!(server.get("/api/keys").expect(200), json!([]));
}

//! Failures: every one is a problem document.

use std::time::Duration;

use realnet_runner_http::HttpConfig;
use serde_json::{Value, json};

use crate::common::TestServer;

#[test]
fn unknown_places_and_methods_are_told_apart() {
    let server = TestServer::start();
    for target in
        ["/nothing", "/api", "/api/", "/api/nonsense", "/api//x", "/api/customers/", "/docs/../etc/passwd"]
    {
        server.get(target).problem(404);
    }
    let problem = server.get("/api/customers/").problem(404);
    assert!(problem["detail"].as_str().unwrap().contains("slash"), "{problem}");
    assert_eq!(server.send("OPTIONS", "*", &[], b"").status, 204);
    server.send("GET", "*", &[], b"").problem(404);
    let id = "018f0000-0000-7000-8000-000000000001";
    for (method, target, allow) in [
        ("PUT", "/api/customers", "GET, HEAD, POST, PATCH, DELETE, OPTIONS"),
        ("POST", &format!("/api/customers/{id}") as &str, "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"),
        ("DELETE", "/healthz", "GET, HEAD, OPTIONS"),
        ("GET", "/api/batch", "POST, OPTIONS"),
        ("TRACE", "/api/customers", "GET, HEAD, POST, PATCH, DELETE, OPTIONS"),
        ("BREW", "/", "GET, HEAD, OPTIONS"),
    ] {
        let answer = server.admin(method, target, &Value::Null);
        answer.problem(405);
        assert_eq!(answer.header("allow"), Some(allow), "{method} {target}");
    }
    let options = server.send("OPTIONS", "/api/customers", &[("Origin", "https://evil.example")], b"");
    assert_eq!((options.status, options.body.len()), (204, 0));
    assert_eq!(options.header("allow"), Some("GET, HEAD, POST, PATCH, DELETE, OPTIONS"));
    assert_eq!(options.header("access-control-allow-origin"), None);
}

#[test]
fn what_a_resource_adds_is_carried_to_it() {
    let server = TestServer::start();
    let answer = server.admin("POST", "/api/echo/a%2Fb/c?x=1&x=2", &json!({"n": 1})).expect(200);
    assert_eq!(
        answer,
        json!({
            "path": ["a/b", "c"], "verb": "Post", "body": {"n": 1}, "parameters": [["x", "1"], ["x", "2"]],
        })
    );
    assert_eq!(server.get("/api/echo").expect(200)["path"], json!([]));
    assert_eq!(server.admin("DELETE", "/api/echo/x", &Value::Null).expect(200)["verb"], "Delete");
    server.get("/api/customers/nothing/here").problem(404);
}

#[test]
fn a_resource_that_is_not_built_in_is_named() {
    let server = TestServer::start();
    let problem = server.get("/api/ghost").problem(501);
    assert!(problem["detail"].as_str().unwrap().contains("ghost"), "{problem}");
}

#[test]
fn faults_of_ours_tell_nothing_and_the_server_lives_on() {
    let server = TestServer::start();
    for (method, target) in
        [("GET", "/api/trouble/panic"), ("POST", "/api/trouble/panic"), ("GET", "/api/trouble/fail")]
    {
        let problem = server.admin(method, target, &Value::Null).problem(500);
        assert!(!problem.to_string().contains("hunter2"), "{problem}");
    }
    server.get("/api/customers").expect(200);
}

#[test]
fn an_operation_that_takes_too_long_is_given_up() {
    let server =
        TestServer::with(HttpConfig { request_timeout: Duration::from_millis(200), ..HttpConfig::default() });
    server.get("/api/trouble/slow").problem(504);
    server.admin("POST", "/api/trouble/slow", &Value::Null).problem(504);
}

#[test]
fn a_store_that_is_away_is_503_with_a_time_to_retry() {
    let server = TestServer::start();
    server.take_store_away(true);
    let answer = server.get("/api/customers");
    let problem = answer.problem(503);
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert!(!problem.to_string().contains("hunter2"), "{problem}");
    server.take_store_away(false);
    server.get("/api/customers").expect(200);
}

#[test]
fn request_ids_are_taken_over_when_they_are_sane() {
    let server = TestServer::start();
    let answer = server.send("GET", "/nothing", &[("X-Request-Id", "my-id.1")], b"");
    assert_eq!(answer.problem(404)["instance"], "my-id.1");
    for bad in ["a b", "<script>", &"x".repeat(200)] {
        let answer = server.send("GET", "/nothing", &[("X-Request-Id", bad)], b"");
        let id = answer.problem(404)["instance"].as_str().unwrap().to_owned();
        assert_eq!(realnet_core::Uuid::parse_str(&id).unwrap().get_version_num(), 7, "{bad}");
    }
}

#[test]
fn answers_are_not_sniffed_and_not_shared() {
    let server = TestServer::start();
    let answer = server.get("/api/customers");
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(answer.header("cache-control"), Some("private, no-cache"));
    assert!(answer.header("vary").is_some_and(|vary| vary.contains("Authorization")));
    assert!(answer.header("x-request-id").is_some());
}

//! The second factor as clients see it.

use realnet_core::clock::{Clock as _, System};
use realnet_testkit::authenticator::Authenticator;
use serde_json::{Value, json};

use crate::common::TestServer;
use crate::common::client::Answer;
use crate::common::server::PASSWORD;

fn post(server: &TestServer, target: &str, body: &Value) -> Answer {
    server.send("POST", target, &[("Content-Type", "application/json")], body.to_string().as_bytes())
}

fn now() -> i64 {
    System.now().as_micros() / 1_000_000
}

/// Turns the factor of the administrator on; answers the authenticator and the recovery codes.
pub(crate) fn enroll(server: &TestServer) -> (Authenticator, Vec<String>) {
    let begun = server.admin("POST", "/api/auth/totp", &Value::Null);
    assert_eq!(begun.header("cache-control"), Some("no-store"));
    let phone = Authenticator::new(begun.expect(200)["secret"].as_str().unwrap());
    let body = json!({"code": phone.code(now())});
    let codes = server.admin("POST", "/api/auth/totp/confirm", &body);
    assert_eq!(codes.header("cache-control"), Some("no-store"));
    let codes = codes.expect(200)["recovery_codes"].as_array().unwrap().clone();
    (phone, codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect())
}

#[test]
fn a_challenge_is_answered_by_a_code() {
    let server = TestServer::start();
    let (phone, codes) = enroll(&server);
    assert_eq!(server.get("/api/auth/totp").expect(200)["recovery_codes"], 10);
    let answer = post(&server, "/api/auth", &json!({"username": "admin", "password": PASSWORD}));
    let problem = answer.problem(401);
    assert_eq!(problem["type"], "urn:realnet:problem:second-factor-required");
    assert!(problem.get("token").is_none() && answer.header("set-cookie").is_none(), "{problem}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let expires = problem["expires"].as_str().unwrap();
    assert!(realnet_core::clock::Timestamp::parse(expires).is_some(), "{expires}");
    let challenge = &problem["challenge"];
    server.by(challenge.as_str().unwrap(), "GET", "/api/auth", &Value::Null).problem(401);
    let wrong = json!({"challenge": challenge, "code": phone.wrong_code(now())});
    let refused = post(&server, "/api/auth/factor", &wrong).problem(401);
    assert_eq!(
        (&refused["detail"], &refused["type"]),
        (&json!("the code is not right"), &json!("urn:realnet:problem:unauthenticated"))
    );
    for bad in [json!({"challenge": challenge}), json!({"code": "1"}), json!({"challenge": 1, "code": "1"})] {
        post(&server, "/api/auth/factor", &bad).problem(422);
    }
    // The next one: that of now has turned the factor on.
    let right = json!({"challenge": challenge, "code": phone.code(now() + 30)});
    let tokens = post(&server, "/api/auth/factor", &right).expect(200);
    let me = server.by(tokens["token"].as_str().unwrap(), "GET", "/api/auth", &Value::Null).expect(200);
    assert_eq!(me["account"]["username"], "admin");
    post(&server, "/api/auth/factor", &right).problem(401);
    let at_once = json!({"username": "admin", "password": PASSWORD, "code": codes[0]});
    assert!(post(&server, "/api/auth", &at_once).expect(200)["token"].is_string());
}

#[test]
fn strangers_have_no_factor_and_turning_off_takes_both_proofs() {
    let server = TestServer::start();
    for method in ["GET", "POST", "DELETE"] {
        server.send(method, "/api/auth/totp", &[], b"").problem(401);
    }
    let (_, codes) = enroll(&server);
    let refused = server.admin("DELETE", "/api/auth/totp", &Value::Null).problem(422);
    assert_eq!(refused["errors"].as_array().unwrap().len(), 2);
    server.admin("DELETE", "/api/auth/totp?accounts=1", &Value::Null).problem(400);
    server.admin("GET", "/api/auth/totp?account=1", &Value::Null).problem(400);
    let body = json!({"current_password": PASSWORD, "code": codes[3]});
    assert_eq!(server.admin("DELETE", "/api/auth/totp", &body).status, 204);
    assert_eq!(server.get("/api/auth/totp").expect(200), json!({"enabled": false}));
    server.admin("DELETE", "/api/auth/totp", &Value::Null).problem(409);
}

/// By a document as little as by a request.
#[test]
fn who_has_no_factor_requires_none_of_others() {
    let server = TestServer::start();
    let document =
        json!({"items": [{"name": "Test", "type": "Org", "attributes": {"require_factor": true}}]});
    let apply = |token: &str| server.by(token, "POST", "/api/apply?source=org.json&adopt=true", &document);
    let refused = apply(&server.admin).problem(422);
    assert!(refused["errors"][0]["detail"].as_str().unwrap().contains("realnet factor on"), "{refused}");
    let boss = server.account("boss", "admin");
    apply(&boss).problem(422);
    assert_eq!(server.by(&boss, "GET", "/api/customers", &Value::Null).status, 200, "nothing is required");
    let (_, codes) = enroll(&server);
    let by_factor = json!({"username": "admin", "password": PASSWORD, "code": codes[0]});
    let tokens = post(&server, "/api/auth", &by_factor).expect(200);
    apply(tokens["token"].as_str().unwrap()).expect(200);
    server.by(&boss, "GET", "/api/customers", &Value::Null).problem(403);
}

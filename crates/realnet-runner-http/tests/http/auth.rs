//! `/api/auth`.

use serde_json::{Value, json};

use crate::common::TestServer;
use crate::common::server::PASSWORD;

fn post(server: &TestServer, target: &str, body: &Value) -> crate::common::Answer {
    server.send("POST", target, &[("Content-Type", "application/json")], body.to_string().as_bytes())
}

#[test]
fn signing_in_gives_tokens_that_nobody_may_keep() {
    let server = TestServer::start();
    let answer = post(&server, "/api/auth", &json!({"username": "admin", "password": PASSWORD}));
    let tokens = answer.expect(200);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    for key in ["token", "refresh_token"] {
        assert!(tokens[key].as_str().is_some_and(|token| token.len() > 20), "{key}");
    }
    let expires = tokens["expires"].as_str().unwrap();
    assert!(realnet_core::clock::Timestamp::parse(expires).is_some(), "{expires}");
    assert_eq!(tokens["account"]["username"], "admin");
    assert_eq!(tokens["account"]["role"], "superuser");
}

#[test]
fn a_wrong_password_and_a_wrong_name_look_the_same() {
    let server = TestServer::start();
    let wrong = |body| {
        let answer = post(&server, "/api/auth", &body);
        assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"realnet\""));
        let mut document = answer.problem(401);
        document["instance"] = Value::Null;
        document
    };
    let password = wrong(json!({"username": "admin", "password": "hunter2hunter2"}));
    assert!(!password.to_string().contains("hunter2"));
    assert_eq!(password, wrong(json!({"username": "nobody", "password": "hunter2hunter2"})));
}

#[test]
fn malformed_sign_ins_are_refused_by_name() {
    let server = TestServer::start();
    for (body, status) in [
        (json!([]), 400),
        (json!({"username": "admin"}), 422),
        (json!({"username": "admin", "password": 7}), 422),
        (json!({"username": "admin", "password": "x", "role": "superuser"}), 422),
        (json!({"username": "a".repeat(5000), "password": "x"}), 422),
    ] {
        post(&server, "/api/auth", &body).problem(status);
    }
    server.send("POST", "/api/auth", &[], b"username=admin").problem(415);
}

#[test]
fn a_refresh_token_serves_once() {
    let server = TestServer::start();
    let tokens = post(&server, "/api/auth", &json!({"username": "admin", "password": PASSWORD})).expect(200);
    let body = json!({"refresh_token": tokens["refresh_token"]});
    let second = post(&server, "/api/auth/refresh", &body).expect(200);
    assert_ne!(second["refresh_token"], tokens["refresh_token"]);
    // The old one again, a moment later: whoever holds the session has asked twice.
    post(&server, "/api/auth/refresh", &body).problem(409);
    let body = json!({"refresh_token": second["refresh_token"]});
    let third = post(&server, "/api/auth/refresh", &body).expect(200);
    // The one before the last: somebody has stolen it, so the whole family ends.
    let body = json!({"refresh_token": tokens["refresh_token"]});
    post(&server, "/api/auth/refresh", &body).problem(401);
    let token = third["token"].as_str().unwrap();
    server.by(token, "GET", "/api/auth", &Value::Null).problem(401);
}

#[test]
fn who_am_i_and_signing_out() {
    let server = TestServer::start();
    let me = server.get("/api/auth").expect(200);
    assert_eq!(me["account"]["username"], "admin");
    server.get_anonymous("/api/auth").problem(401);

    let token = server.sign_in("admin", PASSWORD);
    server.by(&token, "DELETE", "/api/auth", &Value::Null).expect(204);
    server.by(&token, "GET", "/api/auth", &Value::Null).problem(401);
    server.get("/api/auth").expect(200);
    server.send("DELETE", "/api/auth", &[], b"").problem(401);
}

#[test]
fn bad_tokens_are_never_taken_for_anonymous() {
    let server = TestServer::start();
    let token = &server.admin;
    let (body, signature) = token.rsplit_once('.').unwrap();
    let unsigned = {
        use base64::Engine as _;
        use base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let claims = body.split_once('.').unwrap().1;
        format!("{}.{claims}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#))
    };
    let flipped: String = signature.chars().rev().collect();
    for bad in [
        "Bearer x".to_owned(),
        "Bearer".to_owned(),
        "Basic YWRtaW46YWRtaW4=".to_owned(),
        format!("Bearer {body}.{flipped}"),
        format!("Bearer {unsigned}"),
        format!("Bearer {}", "a".repeat(9000)),
        token.clone(),
    ] {
        let answer = server.send("GET", "/api/customers", &[("Authorization", &bad)], b"");
        answer.problem(401);
        assert!(answer.header("www-authenticate").is_some());
    }
    server.get_anonymous("/api/customers").expect(200);
}

#[test]
fn sessions_are_listed_with_where_they_came_from_and_ended() {
    let server = TestServer::start();
    let sign_in = || {
        let body = json!({"username": "admin", "password": PASSWORD}).to_string();
        let headers = [("Content-Type", "application/json"), ("User-Agent", "Tests/1 (\u{e9})")];
        server.send("POST", "/api/auth", &headers, body.as_bytes()).expect(200)["token"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let (one, two) = (sign_in(), sign_in());
    let answer = server.by(&one, "GET", "/api/auth/sessions", &Value::Null);
    let list = answer.expect(200);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(list.as_array().unwrap().len(), 3, "{list}");
    assert_eq!((&list[0]["address"], &list[0]["agent"]), (&json!("127.0.0.1"), &json!("Tests/1 (\u{e9})")));
    assert_eq!((&list[0]["current"], &list[1]["current"]), (&json!(false), &json!(true)));
    let path = format!("/api/Auth/Sessions/{}", list[0]["id"].as_str().unwrap().to_uppercase());
    server.by(&one, "DELETE", &path, &Value::Null).expect(204);
    server.by(&two, "GET", "/api/auth", &Value::Null).problem(401);
    server.by(&one, "DELETE", &path, &Value::Null).problem(404);
    assert_eq!(
        server.by(&one, "DELETE", "/api/auth/sessions", &Value::Null).expect(200),
        json!({"ended": 1})
    );
    server.get_anonymous("/api/auth/sessions").problem(401);
    server.send("PUT", "/api/auth/sessions", &[], b"").problem(405);
    server.by(&one, "GET", "/api/auth/sessions?limit=1", &Value::Null).problem(400);
}

#[test]
fn a_lost_password_is_asked_for_in_vain_or_not_with_the_same_answer() {
    let server = TestServer::start();
    for email in ["nobody@first.test", "admin@first.test"] {
        let answer = post(&server, "/api/auth/password-reset", &json!({"email": email}));
        assert_eq!((answer.expect(204), answer.header("cache-control")), (Value::Null, Some("no-store")));
    }
    post(&server, "/api/auth/password-reset", &json!({})).problem(422);
    let confirm = json!({"token": "x", "password": "battery staple"});
    post(&server, "/api/auth/password-reset/confirm", &confirm).problem(422);
    post(&server, "/api/auth/verify-email/confirm", &json!({"token": "x"})).problem(401);
    let admin = server.sign_in("admin", PASSWORD);
    server.by(&admin, "POST", "/api/auth/verify-email/confirm", &json!({"token": "x"})).problem(422);
    post(&server, "/api/auth/verify-email", &Value::Null).problem(401);
}

#[test]
fn guessing_is_slowed_down() {
    let server = TestServer::start();
    let guess =
        |name: &str| post(&server, "/api/auth", &json!({"username": name, "password": "wrong password"}));
    for _ in 0..10 {
        guess("nobody").problem(401);
    }
    let answer = guess("nobody");
    answer.problem(429);
    let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((60..=90).contains(&wait), "{wait}");
    let admin = server.sign_in("admin", PASSWORD);
    let me = server.by(&admin, "GET", "/api/auth", &Value::Null).expect(200)["account"]["id"].take();
    let unlock = json!({"account": me});
    post(&server, "/api/auth/unlock", &unlock).problem(401);
    server.by(&admin, "POST", "/api/auth/unlock", &unlock).expect(204);
    server.by(&admin, "POST", "/api/auth/unlock", &json!({"account": "x"})).problem(400);
}

//! How often a client may ask.

use std::time::Duration;

use realnet_core::limit::Rate;
use realnet_runner_http::{HttpConfig, RateLimits};
use serde_json::Value;

use crate::common::TestServer;

fn limited(limits: RateLimits) -> TestServer {
    TestServer::with(HttpConfig { rate_limits: limits, ..HttpConfig::default() })
}

#[test]
fn nothing_is_limited_unless_it_is_said() {
    let server = TestServer::start();
    let answer = server.get("/api/info");
    assert_eq!((answer.status, answer.header("ratelimit")), (200, None));
}

#[test]
fn an_address_that_asks_too_often_is_told_when_to_come_again() {
    // Signing in at the start of the server is the first request.
    let address = Rate::new(3, Duration::from_mins(1));
    let server = limited(RateLimits { address, ..RateLimits::default() });
    let first = server.get_anonymous("/api/info");
    assert_eq!(first.header("ratelimit-policy"), Some("\"address\";q=3;w=60"));
    assert!(
        first.header("ratelimit").is_some_and(|text| text.starts_with("\"address\";r=1;t=")),
        "{first:?}"
    );
    server.get_anonymous("/nothing").problem(404);
    let second = server.get_anonymous("/api/info");
    second.expect(200);
    let refused = server.get_anonymous("/api/info");
    refused.problem(429);
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=20).contains(&wait), "{wait}");
    assert!(refused.header("ratelimit").unwrap().starts_with("\"address\";r=0;"));
    // What watches over the server gets through.
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(server.get_anonymous(path).status, 200, "{path}");
    }
}

#[test]
fn an_account_has_its_limit_whatever_it_is_signed_in_by() {
    let account = Rate::new(4, Duration::from_hours(1));
    let server = limited(RateLimits { account, ..RateLimits::default() });
    let bob = server.account("bob", "user");
    let again = server.sign_in("bob", crate::common::server::PASSWORD);
    let ask = |token: &str| server.by(token, "GET", "/api/info", &Value::Null);
    for token in [&bob, &again, &bob, &again] {
        assert!(ask(token).header("ratelimit").unwrap().starts_with("\"account\""));
    }
    ask(&bob).problem(429);
    ask(&again).problem(429);
    server.get("/api/info").expect(200);
    server.get_anonymous("/api/info").expect(200);
}

#[test]
fn a_session_has_its_limit_beside_that_of_its_account() {
    let (account, key) = (Rate::new(100, Duration::from_hours(1)), Rate::new(2, Duration::from_hours(1)));
    let server = limited(RateLimits { account, key, ..RateLimits::default() });
    let (one, two) = (server.sign_in("admin", crate::common::server::PASSWORD), server.admin.clone());
    let ask = |token: &str| server.by(token, "GET", "/api/info", &Value::Null);
    assert_eq!(ask(&one).header("ratelimit-policy"), Some("\"account\";q=100;w=3600, \"key\";q=2;w=3600"));
    ask(&one).expect(200);
    ask(&one).problem(429);
    ask(&two).expect(200);
}

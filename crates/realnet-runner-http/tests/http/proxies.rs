//! Behind reverse proxies: whose word about the client counts.

use std::sync::{Arc, Mutex};

use realnet_core::limit::Rate;
use realnet_runner_http::{HttpConfig, RateLimits};
use serde_json::{Value, json};

use crate::common::TestServer;
use crate::common::server::PASSWORD;

fn behind(proxies: &str) -> TestServer {
    TestServer::with(HttpConfig { trusted_proxies: proxies.parse().unwrap(), ..HttpConfig::default() })
}

/// The address that a session is kept with which was opened with such a header.
fn address_of_session(server: &TestServer, forwarded: &str) -> Value {
    let body = json!({"username": "admin", "password": PASSWORD}).to_string();
    let headers = [("Content-Type", "application/json"), ("X-Forwarded-For", forwarded)];
    let tokens = server.send("POST", "/api/auth", &headers, body.as_bytes()).expect(200);
    let token = tokens["token"].as_str().unwrap();
    let sessions = server.by(token, "GET", "/api/auth/sessions", &Value::Null).expect(200);
    let sessions = sessions.as_array().unwrap().clone();
    sessions.into_iter().find(|session| session["current"] == true).unwrap()["address"].take()
}

#[test]
fn a_trusted_proxy_names_the_client_and_others_do_not() {
    let trusting = behind("127.0.0.0/8,10.0.0.0/8");
    assert_eq!(address_of_session(&trusting, "198.51.100.7"), "198.51.100.7");
    assert_eq!(address_of_session(&trusting, "203.0.113.1, 198.51.100.7, 10.0.0.9"), "198.51.100.7");
    assert_eq!(address_of_session(&trusting, "198.51.100.7, nonsense"), "127.0.0.1");
    let other = behind("10.0.0.0/8");
    assert_eq!(address_of_session(&other, "198.51.100.7"), "127.0.0.1");
    assert_eq!(address_of_session(&TestServer::start(), "198.51.100.7"), "127.0.0.1");
}

#[test]
fn guesses_behind_a_proxy_are_counted_by_client() {
    let server = behind("127.0.0.1");
    let guess = |client: &str, name: &str| {
        let body = json!({"username": name, "password": "wrong password"}).to_string();
        let headers = [("Content-Type", "application/json"), ("X-Forwarded-For", client)];
        server.send("POST", "/api/auth", &headers, body.as_bytes()).status
    };
    // One client uses up what its address has, guessing at many names.
    let all: Vec<u16> = (0..60).map(|number| guess("198.51.100.7", &format!("nobody{number}"))).collect();
    assert!(all.contains(&429), "{all:?}");
    assert_eq!(guess("198.51.100.8", "somebody"), 401, "others sign in as before");
    // What it pretends to have passed before changes nothing.
    assert_eq!(guess("192.0.2.1, 198.51.100.7", "somebody"), 429);
}

#[test]
fn limits_by_address_go_by_the_client() {
    let address = Rate::new(2, std::time::Duration::from_hours(1));
    let limits = RateLimits { address, ..RateLimits::default() };
    let proxies = "127.0.0.1".parse().unwrap();
    let config = HttpConfig { trusted_proxies: proxies, rate_limits: limits, ..HttpConfig::default() };
    let server = TestServer::with(config);
    let ask = |client: &str| server.send("GET", "/api/info", &[("X-Forwarded-For", client)], b"").status;
    assert_eq!([ask("198.51.100.1"), ask("198.51.100.1"), ask("198.51.100.1")], [200, 200, 429]);
    assert_eq!(ask("198.51.100.2"), 200);
    // Of IPv6, a network is one client.
    assert_eq!([ask("2001:db8::1"), ask("2001:db8::2"), ask("2001:db8::3")], [200, 200, 429]);
    assert_eq!(ask("2001:db8:0:1::1"), 200);
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_forgotten_proxy_is_told_of_once() {
    let lines = Lines::default();
    let writer = lines.clone();
    tracing_subscriber::fmt().with_writer(move || writer.clone()).with_ansi(false).init();
    let server = behind("10.0.0.1");
    for _ in 0..3 {
        server.send("GET", "/healthz", &[("X-Forwarded-For", "198.51.100.7")], b"").expect(200);
    }
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert_eq!(text.matches("REALNET_TRUSTED_PROXIES").count(), 1, "{text}");
}

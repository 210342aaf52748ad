//! Bytes that no honest client sends. The server answers or ends the connection, and lives on.

use std::time::{Duration, Instant};

use realnet_runner_http::HttpConfig;

use crate::common::TestServer;
use crate::common::client::{Connection, request};

#[test]
fn queries_and_paths_that_can_not_be_decoded_are_refused() {
    let server = TestServer::start();
    for target in [
        "/api/customers?name=%",
        "/api/customers?name=%zz",
        "/api/customers?name=%ff",
        "/api/customers?name=%00",
        "/api/customers?%00=x",
        "/api/customers?=x",
        "/api/%ff",
        "/api/%00",
        "/api/a%",
        "/%c0%ae%c0%ae/etc/passwd",
    ] {
        server.get(target).problem(400);
    }
    let many = format!("/api/customers?{}", "a=1&".repeat(600));
    server.get(&many).problem(400);
    let long = format!("/api/customers?name=eq.{}", "a".repeat(20_000));
    server.get(&long).expect(200);
    server.get("/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q").problem(400);
}

#[test]
fn what_is_not_http_is_answered_and_cut_off() {
    let server = TestServer::start();
    for bytes in [
        &b"nonsense\r\n\r\n"[..],
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nBad Header: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: a\0b\r\n\r\n",
        b"POST /api/auth HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /api/auth HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"POST /api/auth HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\nhello",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ] {
        let mut connection = Connection::open(server.address);
        connection.send(bytes);
        connection.send(b"\r\n\r\n");
        let answer = connection.read(true).unwrap_or_else(|| panic!("no answer to {bytes:?}"));
        assert!((400..500).contains(&answer.status), "{bytes:?}: {}", answer.status);
    }
    server.get("/api/customers").expect(200);
}

#[test]
fn a_head_that_is_too_large_is_answered() {
    let server = TestServer::start();
    let mut connection = Connection::open(server.address);
    connection.send(b"GET / HTTP/1.1\r\nHost: x\r\nX: ");
    for _ in 0..40 {
        if !connection.send(&[b'a'; 8192]) {
            break;
        }
    }
    let answer = connection.read(true).expect("an answer");
    assert!([400, 431].contains(&answer.status), "{}", answer.status);
}

#[test]
fn a_body_that_trickles_is_cut_off_with_a_problem() {
    let config = HttpConfig { body_timeout: Duration::from_millis(400), ..HttpConfig::default() };
    let server = TestServer::with(config);
    let mut connection = Connection::open(server.address);
    connection.send(b"POST /api/auth HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{");
    let started = Instant::now();
    connection.read(true).expect("an answer").problem(408);
    assert!(started.elapsed() < Duration::from_secs(3));
}

#[test]
fn a_head_that_trickles_is_cut_off() {
    let config = HttpConfig { header_timeout: Duration::from_millis(400), ..HttpConfig::default() };
    let server = TestServer::with(config);
    let mut connection = Connection::open(server.address);
    connection.send(b"GET / HTTP/1.1\r\nHost: x\r\n");
    let started = Instant::now();
    assert_eq!(connection.read(true).expect("an answer").status, 408);
    assert!(connection.is_closed());
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_body_that_breaks_off_hurts_nobody() {
    let server = TestServer::start();
    let mut connection = Connection::open(server.address);
    connection.send(b"POST /api/auth HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{");
    drop(connection);
    let mut connection = Connection::open(server.address);
    connection.send(b"POST /api/auth HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\nzz\r\n");
    let answer = connection.read(true).expect("an answer");
    assert_eq!(answer.status, 400);
    server.get("/api/customers").expect(200);
}

#[test]
fn one_connection_serves_many_requests_in_order() {
    let server = TestServer::start();
    let mut connection = Connection::open(server.address);
    for _ in 0..20 {
        connection.send(&request("GET", "/healthz", &[], b""));
        connection.read(true).expect("an answer").expect(200);
    }
    // An error before the body was read does not spoil the next request either.
    connection.send(&request("POST", "/healthz", &[], &[b'x'; 1000]));
    connection.read(true).expect("an answer").problem(405);
}

#[test]
fn authorization_headers_are_not_guessed() {
    let server = TestServer::start();
    let authorization = format!("Bearer {}", server.admin);
    let twice = [("Authorization", authorization.as_str()), ("Authorization", "Bearer x")];
    server.send("GET", "/api/customers", &twice, b"").problem(401);
}

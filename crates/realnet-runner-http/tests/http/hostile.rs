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
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ] {
        let mut connection = Connection::open(server.address);
        connection.send(bytes);
        connection.send(b"\r\n\r\n");
        let answer = connection.read(true).unwrap_or_else(|| panic!("no answer to {bytes:?}"));
        answer.problem(400);
        assert_eq!(answer.header("connection"), Some("close"), "{bytes:?}");
        assert!(connection.is_closed(), "{bytes:?}");
    }
    server.get("/api/customers").expect(200);
}

#[test]
fn nonsense_behind_requests_is_answered_after_them() {
    let server = TestServer::start();
    let mut connection = Connection::open(server.address);
    let mut bytes = request("GET", "/healthz", &[], b"");
    bytes.extend(request("GET", "/nothing", &[("Accept-Encoding", "gzip")], b""));
    bytes.extend_from_slice(b"nonsense\r\n\r\n");
    connection.send(&bytes);
    connection.read(true).expect("an answer").expect(200);
    connection.read(true).expect("an answer").problem(404);
    let refusal = connection.read(true).expect("an answer");
    refusal.problem(400);
    assert!(connection.is_closed());
    // The client goes on sending: it reads the answer all the same.
    let mut connection = Connection::open(server.address);
    connection.send(b"nonsense\r\n\r\n");
    connection.send(&vec![b'x'; 300_000]);
    connection.read(true).expect("an answer").problem(400);
}

#[test]
fn pipelined_heads_garble_no_answer() {
    let server = TestServer::start();
    let mut connection = Connection::open(server.address);
    let head = request("HEAD", "/healthz", &[], b"");
    connection.send(&[request("GET", "/healthz", &[], b""), head.clone()].concat());
    connection.read(true).expect("an answer").expect(200);
    assert_eq!(connection.read(false).expect("an answer").status, 200);
    // The library would leave the body of a slow answer out when a HEAD is read behind it; what follows would be taken
    // for the body. Better no answer than that of another.
    let authorization = format!("Bearer {}", server.admin);
    let slow = request("POST", "/api/trouble/slow", &[("Authorization", &authorization)], b"");
    let get = request("GET", "/healthz", &[], b"");
    for behind in [vec![head.clone()], vec![head.clone(), get.clone()], vec![get.clone(), head.clone()]] {
        let mut connection = Connection::open(server.address);
        connection.send(&[slow.clone(), behind.concat()].concat());
        let answer = connection.read(true);
        assert!(answer.as_ref().is_none_or(|answer| answer.json()["slept"] == true), "{answer:?}");
    }
    let mut connection = Connection::open(server.address);
    connection.send(&[slow, get].concat());
    assert_eq!(connection.read(true).expect("an answer").expect(200)["slept"], true);
    assert_eq!(connection.read(true).expect("an answer").expect(200)["status"], "alive");
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
    connection.read(true).expect("an answer").problem(431);
}

#[test]
fn a_host_is_named_once() {
    let server = TestServer::start();
    for (head, status) in [
        ("GET /healthz HTTP/1.1\r\n\r\n", 400),
        ("GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        ("GET /healthz HTTP/1.1\r\nHost:\r\n\r\n", 200),
        ("GET /healthz HTTP/1.0\r\n\r\n", 200),
    ] {
        let mut connection = Connection::open(server.address);
        connection.send(head.as_bytes());
        assert_eq!(connection.read(true).expect("an answer").status, status, "{head:?}");
    }
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
fn a_large_body_on_a_slow_line_arrives() {
    let config = HttpConfig { body_timeout: Duration::from_millis(400), ..HttpConfig::default() };
    let server = TestServer::with(config);
    let body = format!("{{\"name\":\"slow\",\"text\":\"{}\"}}", "x".repeat(80_000));
    let authorization = format!("Bearer {}", server.admin);
    let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
    let bytes = request("POST", "/api/items", &headers, body.as_bytes());
    let mut connection = Connection::open(server.address);
    let started = Instant::now();
    for part in bytes.chunks(10_000) {
        connection.send(part);
        std::thread::sleep(Duration::from_millis(100));
    }
    connection.read(true).expect("an answer").expect(201);
    assert!(started.elapsed() > Duration::from_millis(800), "slower than a small body may be");
}

#[test]
fn a_head_that_trickles_is_cut_off() {
    let config = HttpConfig { header_timeout: Duration::from_millis(400), ..HttpConfig::default() };
    let server = TestServer::with(config);
    // The first request of a connection, one after others, and one that never stops sending.
    for earlier in [0, 3] {
        for trickles in [false, true] {
            let mut connection = Connection::open(server.address);
            for _ in 0..earlier {
                connection.send(&request("GET", "/healthz", &[], b""));
                connection.read(true).expect("an answer").expect(200);
            }
            let started = Instant::now();
            connection.send(b"GET / HTTP/1.1\r\nHost: x\r\nX: ");
            while trickles && started.elapsed() < Duration::from_millis(600) {
                std::thread::sleep(Duration::from_millis(50));
                connection.send(b"x");
            }
            let answer = connection.read(true).expect("an answer");
            answer.problem(408);
            assert_eq!(answer.header("connection"), Some("close"));
            assert!(connection.is_closed());
            assert!(started.elapsed() < Duration::from_secs(5));
        }
    }
}

#[test]
fn idle_connections_end_without_a_word() {
    let second = Duration::from_millis(400);
    let config = HttpConfig { header_timeout: second, keep_alive: second, ..HttpConfig::default() };
    let server = TestServer::with(config);
    let mut fresh = Connection::open(server.address);
    let mut used = Connection::open(server.address);
    used.send(&request("GET", "/healthz", &[], b""));
    used.read(true).expect("an answer").expect(200);
    std::thread::sleep(second / 2);
    used.send(&request("GET", "/healthz", &[], b""));
    used.read(true).expect("an answer").expect(200);
    let started = Instant::now();
    assert!(fresh.is_closed() && used.is_closed());
    assert!((second / 2..second * 5).contains(&started.elapsed()), "{:?}", started.elapsed());
}

#[test]
fn a_slow_handler_is_no_idle_connection() {
    let short = Duration::from_millis(200);
    let config = HttpConfig { header_timeout: short, keep_alive: short, ..HttpConfig::default() };
    let server = TestServer::with(config);
    let authorization = format!("Bearer {}", server.admin);
    let mut connection = Connection::open(server.address);
    connection.send(&request("POST", "/api/trouble/slow", &[("Authorization", &authorization)], b""));
    assert_eq!(connection.read(true).expect("an answer").expect(200)["slept"], true);
    // It is one from now on.
    let started = Instant::now();
    assert!(connection.is_closed());
    assert!(started.elapsed() < short * 10, "{:?}", started.elapsed());
}

#[test]
fn who_has_said_all_is_answered() {
    let server = TestServer::start();
    let authorization = format!("Bearer {}", server.admin);
    let mut connection = Connection::open(server.address);
    connection.send(&request("POST", "/api/trouble/slow", &[("Authorization", &authorization)], b""));
    connection.end();
    assert_eq!(connection.read(true).expect("an answer").expect(200)["slept"], true);
    assert!(connection.is_closed());
}

#[test]
fn a_client_that_does_not_read_is_let_go() {
    let config = HttpConfig { stall_timeout: Duration::from_millis(500), ..HttpConfig::default() };
    let server = TestServer::with(config);
    let text = "x".repeat(4_000_000);
    for _ in 0..8 {
        server.customer(&serde_json::json!({"name": "large", "note": text}));
    }
    let authorization = format!("Bearer {}", server.admin);
    let list = request("GET", "/api/customers", &[("Authorization", &authorization)], b"");
    let mut reader = Connection::open(server.address);
    reader.send(&list);
    reader.read(true).expect("who reads gets all of it").expect(200);
    // A connection of its own: on one that has read much, the system takes all of an answer in before anybody reads.
    let mut connection = Connection::open(server.address);
    connection.send(&list);
    // Making the answer may take a while on a busy machine; from its first byte on, nobody reads.
    connection.writer().peek(&mut [0]).expect("an answer begins");
    std::thread::sleep(Duration::from_secs(3));
    assert!(connection.read(true).is_none(), "the answer is cut off");
}

#[test]
fn a_body_that_breaks_off_hurts_nobody() {
    let server = TestServer::start();
    let mut connection = Connection::open(server.address);
    connection.send(b"POST /api/auth HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{");
    drop(connection);
    server.get("/api/customers").expect(200);
}

#[test]
fn broken_chunks_are_answered_once() {
    let server = TestServer::start();
    let large = format!("2710\r\n{}\r\nnonsense\r\n{}", " ".repeat(10_000), "x".repeat(100_000));
    for chunks in
        ["zz\r\n", "5\r\nhello\r\nzz\r\n", "5\r\nhelloworld\r\n0\r\n\r\n", "ffffffffffffffffff\r\nx", &large]
    {
        for pause in [false, true] {
            let mut connection = Connection::open(server.address);
            connection.send(b"POST /api/auth HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n");
            if pause {
                std::thread::sleep(Duration::from_millis(50));
            }
            connection.send(chunks.as_bytes());
            let answer = connection.read(true).expect("an answer");
            answer.problem(400);
            assert_eq!(answer.header("connection"), Some("close"));
            assert!(connection.is_closed(), "one answer and the end");
        }
    }
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
fn headers_that_contradict_each_other_are_refused() {
    let server = TestServer::start();
    let authorization = format!("Bearer {}", server.admin);
    let authorization = ("Authorization", authorization.as_str());
    let json = ("Content-Type", "application/json");
    for (name, first, second) in [
        ("Authorization", authorization.1, "Bearer x"),
        ("Content-Type", "application/json", "application/merge-patch+json"),
        ("Content-Encoding", "identity", "gzip"),
        ("Idempotency-Key", "a", "b"),
        ("If-Match", "\"1-0\"", "\"2-0\""),
        ("If-None-Match", "\"1-0\"", "*"),
    ] {
        let mut headers = vec![(name, first), (name, second)];
        headers.extend([authorization, json].iter().filter(|(other, _)| *other != name));
        let problem = server.send("POST", "/api/customers", &headers, b"{\"name\":\"x\"}").problem(400);
        assert!(problem["errors"][0]["pointer"].as_str().unwrap().eq_ignore_ascii_case(name), "{problem}");
    }
    assert_eq!(server.get("/api/customers").expect(200), serde_json::json!([]));
}

//! Bodies: media types, codings, sizes, JSON that can not be taken.

use realnet_runner_http::HttpConfig;
use serde_json::json;

use crate::common::client::{Connection, request};
use crate::common::{Answer, TestServer};

const JSON: (&str, &str) = ("Content-Type", "application/json");

fn create(server: &TestServer, body: &[u8]) -> Answer {
    server.admin_with("POST", "/api/customers", &[JSON], body)
}

#[test]
fn only_json_is_understood() {
    let server = TestServer::start();
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/xml",
        "application/json; charset=utf-16",
    ] {
        let answer = server.admin_with("POST", "/api/customers", &[("Content-Type", kind)], b"{}");
        answer.problem(415);
    }
    server.admin_with("POST", "/api/customers", &[], b"{\"name\":\"x\"}").problem(415);
    let patch = [("Content-Type", "application/merge-patch+json")];
    server.admin_with("POST", "/api/customers", &patch, b"{\"name\":\"x\"}").problem(415);
    server
        .admin_with(
            "POST",
            "/api/customers",
            &[("Content-Type", "application/vnd.x+json")],
            b"{\"name\":\"x\"}",
        )
        .expect(201);
}

#[test]
fn json_that_can_not_be_taken_is_refused() {
    let server = TestServer::start();
    let deep = format!("{{\"name\":\"x\",\"a\":{}1{}}}", "[".repeat(200), "]".repeat(200));
    for body in [
        &b""[..],
        b"{",
        b"{\"name\":}",
        b"{\"name\":\"x\"} trailing",
        b"{\"name\":\"x\",\"name\":\"y\"}",
        b"{\"name\":\"a\\u0000b\"}",
        b"{\"name\":\"a\0b\"}",
        b"{\"name\":\"\xff\xfe\"}",
        b"{\"name\":\"\\ud800\"}",
        b"{\"name\":\"x\",\"size\":1e999}",
        b"\xef\xbb\xbf{}",
        b"NaN",
        deep.as_bytes(),
    ] {
        create(&server, body).problem(400);
    }
    for body in [&b"7"[..], b"null", b"\"text\"", b"{\"name\":7}", b"{\"name\":\"x\",\"tags\":{}}", b"[1]"] {
        let answer = create(&server, body);
        assert!([400, 422].contains(&answer.status), "{}: {}", String::from_utf8_lossy(body), answer.status);
        answer.problem(answer.status);
    }
    assert_eq!(server.get("/api/customers").expect(200), json!([]));
}

#[test]
fn text_that_looks_like_sql_or_a_path_is_only_text() {
    let server = TestServer::start();
    let names = [
        "'; DROP TABLE items; --",
        "../../etc/passwd",
        "\" OR 1=1 --",
        "%00%2e%2e",
        "${jndi:ldap://x}",
        "𝕏\u{202e}",
    ];
    for name in names {
        let item = server.customer(&json!({"name": name, "tags": [name]}));
        assert_eq!(item["name"], name);
        let encoded =
            percent_encoding::percent_encode(name.as_bytes(), percent_encoding::NON_ALPHANUMERIC).to_string();
        let list = server.get(&format!("/api/customers?name=eq.{encoded}")).expect(200);
        assert_eq!(list.as_array().map(Vec::len), Some(1), "{name}");
        server.get(&format!("/api/{encoded}")).problem(404);
        assert!(server.get(&format!("/api/customers?order={encoded}")).status < 500, "{name}");
        assert!(server.get(&format!("/api/customers?{encoded}=eq.1")).status < 500, "{name}");
    }
    assert_eq!(server.get("/api/customers").expect(200).as_array().map(Vec::len), Some(names.len()));
}

#[test]
fn packed_bodies_are_unpacked_within_the_limit() {
    let server = TestServer::with(HttpConfig { max_body: 64 * 1024, ..HttpConfig::default() });
    let gzip = |text: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut encoder, text).unwrap();
        encoder.finish().unwrap()
    };
    let send = |coding, body: &[u8]| {
        server.admin_with("POST", "/api/customers", &[JSON, ("Content-Encoding", coding)], body)
    };
    send("gzip", &gzip(b"{\"name\":\"gzip\"}")).expect(201);
    send("zstd", &zstd::stream::encode_all(&b"{\"name\":\"zstd\"}"[..], 3).unwrap()).expect(201);
    let mut packed = Vec::new();
    let mut encoder = brotli::CompressorWriter::new(&mut packed, 4096, 5, 20);
    std::io::Write::write_all(&mut encoder, b"{\"name\":\"br\"}").unwrap();
    drop(encoder);
    send("br", &packed).expect(201);

    let bomb = vec![b' '; 50_000_000];
    send("gzip", &gzip(&bomb)).problem(413);
    send("zstd", &zstd::stream::encode_all(&bomb[..], 3).unwrap()).problem(413);
    send("gzip", b"not gzip").problem(400);
    send("deflate", b"x").problem(415);
    send("gzip, gzip", b"x").problem(415);
}

#[test]
fn a_body_over_the_limit_is_answered_even_while_it_streams() {
    let server = TestServer::with(HttpConfig { max_body: 100_000, ..HttpConfig::default() });
    let fits = format!("{{\"name\":\"x\",\"text\":\"{}\"}}", "a".repeat(90_000));
    create(&server, fits.as_bytes()).expect(201);
    create(&server, &vec![b' '; 100_001]).problem(413);
    create(&server, &vec![b' '; 5_000_000]).problem(413);

    let authorization = format!("Bearer {}", server.admin);
    let headers = [("Authorization", authorization.as_str()), JSON, ("Transfer-Encoding", "chunked")];
    let mut connection = Connection::open(server.address);
    connection.send(&request("POST", "/api/customers", &headers, b""));
    let chunk = format!("{:x}\r\n{}\r\n", 10_000, " ".repeat(10_000));
    for _ in 0..50 {
        if !connection.send(chunk.as_bytes()) {
            break;
        }
    }
    connection.read(true).expect("an answer").problem(413);
}

#[test]
fn large_bodies_are_read_whole() {
    let server = TestServer::start();
    for size in [60_000, 70_000, 200_000, 2_000_000] {
        let text = "x".repeat(size);
        let item = server.admin("POST", "/api/items", &json!({"name": "large", "text": text})).expect(201);
        assert_eq!(item["attributes"]["text"], text, "{size}");
    }
}

#[test]
fn who_may_create_nothing_is_refused_before_a_long_body_is_read() {
    let server = TestServer::start();
    let (visitor, user) = (server.account("visitor", "visitor"), server.account("user", "user"));
    let send = |token: &str, headers: &[(&str, &str)], body: &[u8]| {
        let authorization = format!("Bearer {token}");
        let all = [&[("Authorization", authorization.as_str()), JSON][..], headers].concat();
        server.send("POST", "/api/customers", &all, body)
    };
    // None of these can be read.
    let (long, short) = (vec![b'['; 100_000], vec![b'['; 1000]);
    send(&visitor, &[], &long).problem(403);
    send(&visitor, &[("Content-Encoding", "gzip")], &short).problem(403);
    send(&user, &[], &long).problem(400);
    send(&user, &[("Content-Encoding", "gzip")], &short).problem(400);
    send(&visitor, &[], &short).problem(400);
    // Where an instance lets them, they may.
    let access = json!([{"subject": {"type": "role", "id": "visitor"}, "permissions": ["create"]}]);
    server.admin("PUT", "/api/types/Customer/acl?instance=VIP", &access).expect(200);
    send(&visitor, &[], &long).problem(400);
    let vip = format!("{{\"name\": \"x\", \"instance\": \"VIP\", \"note\": \"{}\"}}", "y".repeat(100_000));
    assert_eq!(send(&visitor, &[], vip.as_bytes()).status, 201);
}

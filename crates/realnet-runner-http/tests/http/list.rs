//! `GET /api/{resource}`.

use serde_json::{Value, json};

use crate::common::TestServer;

fn names(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect()
}

fn next(answer: &crate::common::Answer) -> Option<String> {
    let link = answer.header("link")?;
    let address = link.strip_prefix('<')?.strip_suffix(">; rel=\"next\"")?;
    Some(address.to_owned())
}

fn fill(server: &TestServer) {
    let bodies: Vec<Value> = (0..7).map(|size| json!({"name": format!("c{size}"), "size": size})).collect();
    server.admin("POST", "/api/customers", &Value::Array(bodies)).expect(201);
}

#[test]
fn pages_follow_each_other() {
    let server = TestServer::start();
    fill(&server);
    let mut target = Some("/api/customers?limit=3&order=size.desc&select=name,size".to_owned());
    let mut seen = Vec::new();
    while let Some(address) = target {
        let answer = server.get(&address);
        let list = answer.expect(200);
        seen.extend(names(&list).into_iter().map(str::to_owned));
        target = next(&answer);
    }
    assert_eq!(seen, ["c6", "c5", "c4", "c3", "c2", "c1", "c0"]);
}

#[test]
fn a_counted_list_says_how_much_there_is() {
    let server = TestServer::start();
    fill(&server);
    let answer = server.get("/api/customers?count=exact&limit=2&offset=4");
    assert_eq!(names(&answer.expect(200)), ["c4", "c5"]);
    assert_eq!(answer.header("content-range"), Some("items 4-5/7"));
    let next = next(&answer).unwrap();
    assert!(!next.contains("offset"), "{next}");
    let answer = server.get(&next);
    assert_eq!(names(&answer.expect(200)), ["c6"]);
    assert_eq!(answer.header("content-range"), Some("items */7"));
    let none = server.get("/api/customers?count=exact&size=eq.99");
    assert_eq!((none.expect(200), none.header("content-range")), (json!([]), Some("items */0")));
}

#[test]
fn filters_reach_the_store() {
    let server = TestServer::start();
    fill(&server);
    for (query, expected) in [
        ("size=gte.5", vec!["c5", "c6"]),
        ("size=in.(1,3)&name=neq.c1", vec!["c3"]),
        ("or=(size.eq.0,size.gt.5)", vec!["c0", "c6"]),
        ("name=c%32", vec!["c2"]),
        ("search=c4", vec!["c4"]),
        ("size=not.lt.6", vec!["c6"]),
    ] {
        assert_eq!(names(&server.get(&format!("/api/customers?{query}")).expect(200)), expected, "{query}");
    }
}

#[test]
fn malformed_parameters_are_named_and_never_ignored() {
    let server = TestServer::start();
    for query in [
        "limit=0",
        "limit=1001",
        "limit=x",
        "offset=-1",
        "cursor=nonsense",
        "order=size.sideways",
        "size=gt.many",
        "count=maybe",
        "near=1,2",
        "within=1",
        "or=(",
        "select=a(",
        "any_level=perhaps",
        "valid_at=yesterday",
        "types=Nonsense",
        "size=in.(1",
        "parent=x",
        "limit=1&limit=2",
    ] {
        let problem = server.get(&format!("/api/customers?{query}")).problem(400);
        assert!(problem["errors"][0]["pointer"].is_string(), "{query}: {problem}");
    }
    server.get("/api/strict?undeclared=eq.1").problem(400);
}

#[test]
fn watching_is_not_part_of_this_server() {
    let server = TestServer::start();
    server.get("/api/customers?watch=true").problem(501);
    server.get("/api/customers?watch=false").expect(200);
    server.get("/api/customers?watch=yes").problem(400);
}

#[test]
fn large_answers_are_compressed_on_request() {
    let server = TestServer::start();
    fill(&server);
    let plain = server.get("/api/customers").body;
    for (coding, unpack) in [
        (
            "gzip",
            (|bytes| {
                let mut text = Vec::new();
                std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(bytes), &mut text).unwrap();
                text
            }) as fn(&[u8]) -> Vec<u8>,
        ),
        ("zstd", |bytes| zstd::stream::decode_all(bytes).unwrap()),
        ("br", |bytes| {
            let mut text = Vec::new();
            std::io::Read::read_to_end(&mut brotli::Decompressor::new(bytes, 4096), &mut text).unwrap();
            text
        }),
    ] {
        let answer = server.admin_with("GET", "/api/customers", &[("Accept-Encoding", coding)], b"");
        assert_eq!(answer.header("content-encoding"), Some(coding));
        assert!(answer.body.len() < plain.len() / 2, "{coding}");
        assert_eq!(unpack(&answer.body), plain, "{coding}");
    }
    let small = server.admin_with("GET", "/api/customers?limit=1", &[("Accept-Encoding", "gzip")], b"");
    assert_eq!(small.header("content-encoding"), None);
}

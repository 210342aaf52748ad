//! What is large takes room of a budget that all requests share: change sets until they are done, answers until they are read.

use std::time::{Duration, Instant};

use realnet_runner_http::HttpConfig;
use serde_json::{Value, json};

use crate::common::TestServer;
use crate::common::client::{Answer, Connection, request};
use crate::crowds::with_a_large_list;

/// A server whose list of customers is four items of 4 MB.
fn server(memory: usize) -> TestServer {
    with_a_large_list(HttpConfig { memory, ..HttpConfig::default() })
}

fn first(server: &TestServer) -> Value {
    server.get("/api/customers?limit=1&select=id,version").expect(200)[0].clone()
}

/// As many patches of one item.
fn patches(server: &TestServer, id: &Value, count: usize, headers: &[(&str, &str)]) -> Answer {
    let patch = |round: usize| json!({"operation": "patch", "resource": "customers", "id": id, "body": {"size": round}});
    let body = json!({"operations": (0..count).map(patch).collect::<Vec<_>>()}).to_string();
    let mut all = vec![("Content-Type", "application/json")];
    all.extend_from_slice(headers);
    server.admin_with("POST", "/api/batch", &all, body.as_bytes())
}

/// Connections that have asked for the list and read nothing of it, until one more finds no room.
fn fill(server: &TestServer) -> Vec<Connection> {
    let authorization = format!("Bearer {}", server.admin);
    let list = request("GET", "/api/customers", &[("Authorization", &authorization)], b"");
    let mut held = Vec::new();
    let started = Instant::now();
    loop {
        let mut connection = Connection::open(server.address);
        connection.send(&list);
        held.push(connection);
        std::thread::sleep(Duration::from_millis(300));
        let answer = server.get("/api/customers");
        if answer.status != 200 {
            answer.problem(503);
            assert_eq!(answer.header("retry-after"), Some("1"));
            return held;
        }
        assert!(started.elapsed() < Duration::from_secs(30), "answers are not bounded together");
    }
}

fn until_free(server: &TestServer, what: impl Fn(&TestServer) -> u16) {
    let started = Instant::now();
    while what(server) != 200 {
        assert!(started.elapsed() < Duration::from_secs(20), "the room is not given back");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn answers_that_nobody_reads_are_bounded_together() {
    let server = server(24_000_000);
    let other = server.account("other", "admin");
    let held = fill(&server);
    // What is small goes on, and what fits beside them: of others, since half of the room is as much as one account gets.
    let item = first(&server);
    server.by(&other, "GET", "/api/customers?limit=1", &Value::Null).expect(200);
    server.get("/api/customers?limit=1").problem(503);
    // A change of 4 MB does not, and is not done.
    let path = format!("/api/customers/{}", item["id"].as_str().unwrap());
    server.admin("PATCH", &path, &json!({"size": 5})).problem(503);
    assert_eq!(first(&server), item);
    drop(held);
    until_free(&server, |server| server.get("/api/customers").status);
}

#[test]
fn batches_are_bounded_together() {
    let server = server(100_000_000);
    let item = first(&server);
    let held = fill(&server);
    patches(&server, &item["id"], 5, &[]).problem(503);
    assert_eq!(first(&server)["version"], item["version"], "nothing of it is done");
    drop(held);
    until_free(&server, |server| patches(server, &item["id"], 5, &[]).status);
    assert_eq!(first(&server)["version"], 6);
    // What would never fit is told apart.
    patches(&server, &item["id"], 7, &[]).problem(413);
    // Side by side, each is done whole or not at all, and the room is there again behind them.
    let done = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..4).map(|_| scope.spawn(|| patches(&server, &item["id"], 5, &[]).status)).collect();
        let done: Vec<u16> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        assert!(done.iter().all(|status| [200, 503].contains(status)), "{done:?}");
        done.iter().filter(|status| **status == 200).count()
    });
    assert!(done >= 1);
    assert_eq!(first(&server)["version"], 6 + 5 * done);
    until_free(&server, |server| patches(server, &item["id"], 5, &[]).status);
}

#[test]
fn the_items_of_a_batch_are_bounded_in_bytes() {
    let server = server(HttpConfig::default().memory);
    let item = first(&server);
    let id = &item["id"];
    let key = [("Idempotency-Key", "six")];
    let check = |answer: &Answer| {
        let results = answer.expect(200)["results"].clone();
        let shown: Vec<bool> =
            results.as_array().unwrap().iter().map(|result| result["item"].is_object()).collect();
        assert_eq!(shown, [true, true, true, true, false, false], "16 MiB of items");
        assert!(results[0].get("id").is_none());
        assert_eq!(results[5], json!({"operation": "patch", "id": id, "version": 7}));
    };
    let answer = patches(&server, id, 6, &key);
    check(&answer);
    let again = patches(&server, id, 6, &key);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    check(&again);
    let minimal = patches(&server, id, 2, &[("Prefer", "return=minimal")]);
    assert_eq!(minimal.header("preference-applied"), Some("return=minimal"));
    let results = json!([
        {"operation": "patch", "id": id, "version": 8},
        {"operation": "patch", "id": id, "version": 9},
    ]);
    assert_eq!(minimal.expect(200)["results"], results);
}

#[test]
fn strangers_have_a_half_of_it() {
    let server = TestServer::with(HttpConfig { memory: 20_000_000, ..HttpConfig::default() });
    for _ in 0..3 {
        server.customer(&json!({"name": "x", "note": "x".repeat(4_000_000), "public": true}));
    }
    server.get_anonymous("/api/customers?limit=2").expect(200);
    server.get_anonymous("/api/customers").problem(413);
    server.get("/api/customers").expect(200);
}

#[test]
fn values_of_bodies_take_room_before_they_are_read() {
    let server = server(24_000_000);
    let other = server.account("other", "admin");
    let send = |token: &str, body: &str| {
        let authorization = format!("Bearer {token}");
        let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
        server.send("POST", "/api/echo/it", &headers, body.as_bytes()).status
    };
    let zeros = |count: usize| format!("[0{}]", ",0".repeat(count));
    // 32 bytes for two of text.
    let (few, many) = (zeros(100_000), zeros(300_000));
    assert_eq!(send(&server.admin, &zeros(800_000)), 413, "more than there is");
    assert_eq!(send(&server.admin, &many), 200);
    let held = fill(&server);
    assert_eq!(send(&server.admin, &few), 503, "one account has a half");
    assert_eq!(send(&other, &few), 200);
    assert_eq!(send(&other, &many), 503);
    assert_eq!(send(&other, &format!("\"{}\"", ",".repeat(400_000))), 200, "a text is one value");
    drop(held);
    until_free(&server, |server| server.admin("POST", "/api/echo/it", &json!(vec![0; 300_000])).status);
}

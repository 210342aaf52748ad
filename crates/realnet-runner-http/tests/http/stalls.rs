//! Contents that stand still on their way: what is not taken in time is given up, and what is held for it is bounded.

use std::io::Write as _;
use std::time::{Duration, Instant};

use realnet_runner_http::HttpConfig;
use serde_json::json;

use crate::common::TestServer;
use crate::common::client::{Answer, Connection, request};

/// A file without a content: its path.
fn file(server: &TestServer, name: &str) -> String {
    let made = server.admin("POST", "/api/files", &json!({"name": name, "public": true})).expect(201);
    format!("/api/files/{}/data", made["id"].as_str().unwrap())
}

/// Waits until something holds, at most so long.
fn until(most: Duration, what: &str, holds: impl Fn() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < most, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Sends a large content by a thread of its own, since not all of it is taken.
fn send_large(server: &TestServer, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let authorization = format!("Bearer {}", server.admin);
    let mut all = vec![("Authorization", authorization.as_str())];
    all.extend_from_slice(headers);
    let bytes = request(method, path, &all, &vec![7; 4 << 20]);
    let mut connection = Connection::open(server.address);
    let mut writer = connection.writer();
    let sender = std::thread::spawn(move || drop(writer.write_all(&bytes)));
    let answer = connection.read(true).expect("an answer");
    drop(connection);
    sender.join().unwrap();
    answer
}

#[test]
fn a_storage_that_takes_nothing_is_given_up() {
    let patience = Duration::from_millis(600);
    let config = HttpConfig {
        storage_timeout: patience,
        request_timeout: Duration::from_secs(2),
        ..HttpConfig::default()
    };
    let server = TestServer::with(config);
    let path = file(&server, "large");
    let tus = [("Tus-Resumable", "1.0.0"), ("Upload-Length", "4194304")];
    let begun = server.admin_with("POST", "/api/uploads", &tus, b"");
    assert_eq!(begun.status, 201, "{}", String::from_utf8_lossy(&begun.body));
    let upload = begun.header("location").unwrap().to_owned();
    let patch = [
        ("Tus-Resumable", "1.0.0"),
        ("Upload-Offset", "0"),
        ("Content-Type", "application/offset+octet-stream"),
    ];
    server.storage.stick(true);
    for (method, path, headers) in
        [("PUT", &*path, &[][..]), ("POST", "/api/files?name=x", &[]), ("PATCH", &*upload, &patch)]
    {
        let started = Instant::now();
        let answer = send_large(&server, method, path, headers);
        answer.problem(503);
        assert!(answer.header("retry-after").is_some());
        let took = started.elapsed();
        assert!(took >= patience && took < Duration::from_secs(15), "{method}: {took:?}");
        assert_eq!(
            server.storage.waiting(),
            1,
            "{method}: the storage was reached, and has its time to notice"
        );
        until(Duration::from_secs(15), "what is held is free again", || server.storage.waiting() == 0);
    }
    server.storage.stick(false);
    assert_eq!(send_large(&server, "PUT", &path, &[]).expect(200)["version"], 2);
    assert_eq!(server.get(&path).body.len(), 4 << 20);
}

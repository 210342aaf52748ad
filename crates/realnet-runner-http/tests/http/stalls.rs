//! Contents that stand still on their way: what is not taken in time is given up, and what is held for it is bounded.

use std::io::Write as _;
use std::time::{Duration, Instant};

use realnet_runner_http::HttpConfig;
use serde_json::json;

use crate::common::TestServer;
use crate::common::client::{Answer, Connection, request};
use crate::common::server::MAX_CONTENT;

type Headers<'a> = &'a [(&'a str, &'a str)];

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
fn send_large(server: &TestServer, method: &str, path: &str, headers: Headers<'_>) -> Answer {
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
    let uploads: [(&str, &str, Headers<'_>); 3] =
        [("PUT", &path, &[]), ("POST", "/api/files?name=x", &[]), ("PATCH", &upload, &patch)];
    for (method, path, headers) in uploads {
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

/// A large content that may be read by anybody: its path.
fn large(server: &TestServer) -> String {
    let path = file(server, "large");
    server.admin_with("PUT", &path, &[], &vec![7; MAX_CONTENT as usize]).expect(200);
    path
}

/// Begins to read a content, and takes hardly anything of it; `None` when it is refused.
fn stall(server: &TestServer, token: Option<&str>, path: &str) -> Option<Connection> {
    let authorization = token.map(|token| format!("Bearer {token}"));
    let headers: Vec<(&str, &str)> = authorization.iter().map(|text| ("Authorization", &**text)).collect();
    let mut connection = Connection::open(server.address);
    connection.send(&request("GET", path, &headers, b""));
    let answer = connection.read(false).expect("an answer");
    assert!(answer.status == 200 || answer.header("retry-after").is_some(), "{}", answer.status);
    (answer.status == 200).then_some(connection)
}

#[test]
fn downloads_that_nobody_reads_are_bounded_together() {
    // A stream has half a MiB, and one account, as strangers together, half of all.
    let server = TestServer::with(HttpConfig { memory: 4 << 20, ..HttpConfig::default() });
    let path = large(&server);
    let other = server.account("other", "user");
    let fill = |token: Option<&str>| -> Vec<Connection> {
        std::iter::from_fn(|| stall(&server, token, &path)).take(20).collect()
    };
    let strangers = fill(None);
    assert_eq!(strangers.len(), 4);
    server.get_anonymous(&path).problem(503);
    // Members read on, and so do strangers what is small.
    assert_eq!(server.by(&other, "GET", &path, &json!(null)).body.len(), MAX_CONTENT as usize);
    assert_eq!(server.send("GET", &path, &[("Range", "bytes=0-99999")], b"").status, 206);
    drop(strangers);
    let is_free = || server.get_anonymous(&path).status == 200;
    until(Duration::from_secs(20), "the room of strangers is not given back", is_free);

    let own = fill(Some(&server.admin));
    assert_eq!(own.len(), 4);
    server.get(&path).problem(503);
    assert_eq!(server.by(&other, "GET", &path, &json!(null)).body.len(), MAX_CONTENT as usize);
    // Whoever only asks about it holds nothing of it.
    let head = server.admin_with("HEAD", &path, &[], b"");
    assert_eq!((head.status, head.header("content-length")), (200, Some(&*MAX_CONTENT.to_string())));
    drop(own);
    until(Duration::from_secs(20), "the room is not given back", || server.get(&path).status == 200);
}

#[test]
fn uploads_that_stand_still_are_bounded_together() {
    let server = TestServer::with(HttpConfig { memory: 4 << 20, ..HttpConfig::default() });
    let path = file(&server, "slow");
    let other = server.account("other", "admin");
    let authorization = format!("Bearer {}", server.admin);
    let headers = [("Authorization", authorization.as_str()), ("Content-Length", "1000000")];
    let put = |token: &str, size: usize| {
        let authorization = format!("Bearer {token}");
        let body = vec![7; size];
        server.send("PUT", &path, &[("Authorization", authorization.as_str())], &body).status
    };
    let mut held = Vec::new();
    while put(&server.admin, 300_000) == 200 {
        assert!(held.len() < 20, "uploads are not bounded");
        let mut connection = Connection::open(server.address);
        connection.send(&request("PUT", &path, &headers, b""));
        connection.send(b"a few bytes");
        held.push(connection);
        std::thread::sleep(Duration::from_millis(200));
    }
    assert!(held.len() >= 3, "{}", held.len());
    assert_eq!(put(&server.admin, 300_000), 503);
    assert_eq!(put(&server.admin, 30_000), 200, "small ones go on");
    assert_eq!(put(&other, 300_000), 200, "and those of others");
    drop(held);
    until(Duration::from_secs(20), "the room is not given back", || put(&server.admin, 300_000) == 200);
}

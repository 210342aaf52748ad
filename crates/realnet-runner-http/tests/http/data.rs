//! `/api/{resource}/{id}/data`.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use realnet_core::provider::{Checksum, DataProvider as _, Meter};
use realnet_runner_http::HttpConfig;
use serde_json::{Value, json};

use crate::common::client::{Connection, request};
use crate::common::server::MAX_CONTENT;
use crate::common::{Answer, TestServer};

/// SHA-256 of "abc", FIPS 180-2.
const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

/// A file without a content: its path.
fn file(server: &TestServer, name: &str) -> String {
    let made = server.admin("POST", "/api/files", &json!({"name": name})).expect(201);
    format!("/api/files/{}", made["id"].as_str().unwrap())
}

fn put(server: &TestServer, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    server.admin_with("PUT", &format!("{path}/data"), headers, body)
}

fn get(server: &TestServer, path: &str, headers: &[(&str, &str)]) -> Answer {
    server.admin_with("GET", &format!("{path}/data"), headers, b"")
}

/// Waits for what the store does.
fn wait_for<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

fn checksum(bytes: &[u8]) -> Checksum {
    let mut meter = Meter::new();
    meter.update(bytes);
    meter.checksum()
}

/// How many contents there are.
fn count(server: &TestServer) -> usize {
    wait_for(server.data.list(None, 1000)).unwrap().contents.len()
}

#[test]
fn what_is_put_is_got() {
    let server = TestServer::start();
    let path = file(&server, "notes.txt");
    get(&server, &path, &[]).problem(404);
    let item = put(&server, &path, &[("Content-Type", "text/plain")], b"abc").expect(200);
    assert_eq!(item["version"], 2);
    assert_eq!(item["attributes"], json!({"content_type": "text/plain", "size": 3, "checksum": ABC}));
    assert_eq!(server.get(&path).expect(200), item);
    let answer = get(&server, &path, &[]);
    assert_eq!((answer.status, &*answer.body), (200, &b"abc"[..]));
    let digest = STANDARD.encode(checksum(b"abc").as_bytes());
    for (name, value) in [
        ("content-type", "text/plain"),
        ("content-length", "3"),
        ("etag", &format!("\"{ABC}\"")),
        ("accept-ranges", "bytes"),
        ("content-disposition", "inline; filename=\"notes.txt\""),
        ("repr-digest", &format!("sha-256=:{digest}:")),
        ("cache-control", "private, no-cache"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'self'; sandbox"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
    let head = server.admin_with("HEAD", &format!("{path}/data"), &[("Range", "bytes=0-0")], b"");
    assert_eq!((head.status, head.body.len()), (200, 0));
    for (name, value) in
        answer.headers.iter().filter(|(name, _)| !["date", "x-request-id"].contains(&&**name))
    {
        assert_eq!(head.header(name), Some(&**value), "{name}");
    }
    // Without a media type, the one of before stays; an empty content is one as well.
    let item = put(&server, &path, &[], b"").expect(200);
    assert_eq!(
        (&item["attributes"]["content_type"], &item["attributes"]["size"]),
        (&json!("text/plain"), &json!(0))
    );
    assert_eq!(get(&server, &path, &[]).body, b"");
    get(&server, &path, &[("Range", "bytes=0-")]).problem(416);
    server.admin("DELETE", &format!("{path}/data"), &Value::Null).expect(204);
    assert_eq!(server.get(&path).expect(200)["attributes"], json!({}));
    get(&server, &path, &[]).problem(404);
    server.admin("DELETE", &format!("{path}/data"), &Value::Null).problem(404);
    assert_eq!(count(&server), 0);
}

#[test]
fn contents_go_with_their_items() {
    let server = TestServer::start();
    let folder = server.admin("POST", "/api/binders", &json!({"name": "folder"})).expect(201)["id"].clone();
    let below = json!([{"name": "a", "parent_id": folder}, {"name": "b", "parent_id": folder}, {"name": "c"}, {"name": "d"}]);
    let made = server.admin("POST", "/api/files", &below).expect(201);
    let paths: Vec<String> = made
        .as_array()
        .unwrap()
        .iter()
        .map(|item| format!("/api/files/{}", item["id"].as_str().unwrap()))
        .collect();
    for path in &paths {
        put(&server, path, &[], b"abc").expect(200);
    }
    assert_eq!(count(&server), 4);
    server.admin("DELETE", &format!("/api/binders/{}", folder.as_str().unwrap()), &Value::Null).expect(204);
    assert_eq!(count(&server), 2);
    server.admin("DELETE", "/api/files?name=c", &Value::Null).expect(200);
    assert_eq!(count(&server), 1);
    let id = paths[3].rsplit('/').next().unwrap();
    let delete = json!({"operation": "delete", "resource": "files", "id": id});
    let wrong = json!({"operation": "delete", "resource": "files", "id": folder});
    server.admin("POST", "/api/batch", &json!({"operations": [delete, wrong]})).problem(404);
    assert_eq!(get(&server, &paths[3], &[]).body, b"abc", "what is not committed takes nothing");
    server.admin("POST", "/api/batch", &json!({"operations": [delete]})).expect(200);
    assert_eq!(count(&server), 0);
}

#[test]
fn parts_are_given() {
    let server = TestServer::start();
    let path = file(&server, "bytes");
    let bytes: Vec<u8> = (0..100_000_u32).map(|number| (number % 251) as u8).collect();
    put(&server, &path, &[], &bytes).expect(200);
    let tag = get(&server, &path, &[]).header("etag").unwrap().to_owned();
    for (range, first, last) in [
        ("bytes=0-0", 0, 0),
        ("bytes=99990-", 99_990, 99_999),
        ("bytes=-1", 99_999, 99_999),
        ("bytes=-200000", 0, 99_999),
        ("bytes=5-70000", 5, 70_000),
        ("bytes=99999-1000000", 99_999, 99_999),
    ] {
        for headers in [&[("Range", range)][..], &[("Range", range), ("If-Range", &tag)]] {
            let answer = get(&server, &path, headers);
            assert_eq!((answer.status, &*answer.body), (206, &bytes[first..=last]), "{range}");
            assert_eq!(answer.header("content-range"), Some(&*format!("bytes {first}-{last}/100000")));
            assert_eq!(answer.header("etag"), Some(&*tag));
        }
    }
    for range in ["bytes=100000-", "bytes=100001-100002", "bytes=-0"] {
        let answer = get(&server, &path, &[("Range", range)]);
        answer.problem(416);
        assert_eq!(answer.header("content-range"), Some("bytes */100000"), "{range}");
    }
    // What is no single range, and a range of another content, is all of it.
    for headers in [
        &[("Range", "bytes=0-1,5-6")][..],
        &[("Range", "lines=0-1")],
        &[("Range", "bytes=9-1")],
        &[("Range", "bytes=0-1"), ("If-Range", "\"other\"")],
        &[("Range", "bytes=0-1"), ("If-Range", &format!("W/{tag}"))],
        &[("Range", "bytes=0-1"), ("If-Range", "Mon, 01 Jan 2024 00:00:00 GMT")],
        &[("Range", "bytes=500000-"), ("If-Range", "\"other\"")],
    ] {
        let answer = get(&server, &path, headers);
        assert_eq!((answer.status, answer.body.len()), (200, bytes.len()), "{headers:?}");
    }
}

#[test]
fn conditions_are_about_the_content() {
    let server = TestServer::start();
    let path = file(&server, "versions");
    put(&server, &path, &[("If-Match", "*")], b"none").problem(412);
    let version = server.get(&path).header("etag").unwrap().to_owned();
    put(&server, &path, &[("If-None-Match", "*")], b"first").expect(200);
    put(&server, &path, &[("If-None-Match", "*")], b"second").problem(412);
    let first = get(&server, &path, &[]).header("etag").unwrap().to_owned();
    for known in [first.clone(), format!("W/{first}"), format!("\"x\", {first}"), "*".to_owned()] {
        let answer = get(&server, &path, &[("If-None-Match", &known)]);
        assert_eq!(
            (answer.status, answer.body.len(), answer.header("etag")),
            (304, 0, Some(&*first)),
            "{known}"
        );
    }
    assert_eq!(get(&server, &path, &[("If-None-Match", "\"x\"")]).status, 200);
    get(&server, &path, &[("If-Match", "\"x\"")]).problem(412);
    assert_eq!(get(&server, &path, &[("If-Match", &first)]).status, 200);
    // By the tag of the content, or of the item.
    put(&server, &path, &[("If-Match", &version)], b"second").problem(412);
    put(&server, &path, &[("If-Match", "\"x\"")], b"second").problem(412);
    put(&server, &path, &[("If-Match", &first)], b"second").expect(200);
    put(&server, &path, &[("If-Match", &first)], b"third").problem(412);
    let version = server.get(&path).header("etag").unwrap().to_owned();
    put(&server, &path, &[("If-Match", &version)], b"third").expect(200);
    let delete = |tag: &str| server.admin_with("DELETE", &format!("{path}/data"), &[("If-Match", tag)], b"");
    delete(&first).problem(412);
    delete(&version).problem(412);
    for bad in ["", "x", "\"open"] {
        put(&server, &path, &[("If-Match", bad)], b"fourth").problem(400);
        get(&server, &path, &[("If-None-Match", bad)]).problem(400);
    }
    assert_eq!(get(&server, &path, &[]).body, b"third");
    delete("*").expect(204);
    assert_eq!(count(&server), 0);
}

#[test]
fn nothing_that_is_stored_runs_in_the_origin() {
    let server = TestServer::start();
    let path = file(&server, "page.html");
    let page = b"<script>fetch('/api/auth')</script>";
    // Whatever it is said to be: the bytes are looked at.
    for (kind, bytes) in [
        ("text/html", &page[..]),
        ("image/png", page),
        ("text/plain", page),
        ("application/octet-stream", page),
        ("image/svg+xml", b"<svg onload='alert(1)'/>"),
        ("text/javascript", b"alert(1)"),
        ("text/xml", b"<?xml version='1.0'?><a/>"),
        ("application/pdf", b"%PDF-1.7"),
    ] {
        put(&server, &path, &[("Content-Type", kind)], bytes).expect(200);
        let answer = get(&server, &path, &[]);
        assert_eq!(
            answer.header("content-disposition"),
            Some("attachment; filename=\"page.html\""),
            "{kind}"
        );
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("cross-origin-resource-policy"), Some("same-origin"));
        assert_ne!(answer.header("content-type"), Some("text/javascript"));
        assert!(answer.header("content-security-policy").unwrap().contains("sandbox"), "{kind}");
    }
    put(&server, &path, &[], b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR").expect(200);
    assert!(get(&server, &path, &[]).header("content-disposition").unwrap().starts_with("inline"));
    let saved = server.get(&format!("{path}/data?download"));
    assert!(saved.header("content-disposition").unwrap().starts_with("attachment"));
    server.get(&format!("{path}/data?download=maybe")).problem(400);
    server.get(&format!("{path}/data?other=1")).problem(400);
    // What somebody has written into the item goes into no header as it is.
    for kind in ["text/html\r\nX-Evil: yes", "\u{e4}", "nothing"] {
        server.admin("PATCH", &path, &json!({"content_type": kind}));
        let answer = get(&server, &path, &[]);
        assert_eq!((answer.status, answer.header("x-evil")), (200, None));
    }
    for name in ["../../etc/passwd", "a\"b\r\nX-Evil: yes", "\u{202e}gpj.exe", "."] {
        let path = file(&server, name);
        put(&server, &path, &[], b"x").expect(200);
        let answer = get(&server, &path, &[]);
        let disposition = answer.header("content-disposition").unwrap();
        assert!(
            !disposition.contains('/') && !disposition.contains('\\') && answer.header("x-evil").is_none(),
            "{disposition}"
        );
    }
    for kind in ["text", "text/", "te xt/plain", "text/html<b>"] {
        put(&server, &path, &[("Content-Type", kind)], b"x").problem(400);
    }
}

#[test]
fn only_files_have_contents() {
    let server = TestServer::start();
    let customer = server.customer(&json!({"name": "Acme"}));
    let path = format!("/api/customers/{}", customer["id"].as_str().unwrap());
    get(&server, &path, &[]).problem(405);
    put(&server, &path, &[], b"x").problem(405);
    server.admin("DELETE", &format!("{path}/data"), &Value::Null).problem(405);
    assert_eq!(server.get(&path).expect(200), customer);
    let path = file(&server, "a");
    let id = path.rsplit('/').next().unwrap();
    put(&server, &path, &[], b"abc").expect(200);
    put(&server, &format!("/api/customers/{id}"), &[], b"x").problem(404);
    get(&server, &format!("/api/customers/{id}"), &[]).problem(404);
    assert_eq!(get(&server, &format!("/api/items/{id}"), &[]).body, b"abc");
    // Strangers and others do not find it.
    server.get_anonymous(&format!("{path}/data")).problem(404);
    let other = server.account("other", "user");
    server.by(&other, "GET", &format!("{path}/data"), &Value::Null).problem(404);
    server.by(&other, "PUT", &format!("{path}/data"), &json!("x")).problem(404);
    let account =
        server.admin("GET", "/api/accounts?username=other", &Value::Null).expect(200)[0]["id"].clone();
    let grants = json!([{"subject": {"type": "account", "id": account}, "permissions": ["read"]}]);
    server.admin("PUT", &format!("{path}/acl"), &grants).expect(200);
    assert_eq!(server.by(&other, "GET", &format!("{path}/data"), &Value::Null).status, 200);
    server.by(&other, "PUT", &format!("{path}/data"), &json!("x")).problem(403);
    server.by(&other, "DELETE", &format!("{path}/data"), &Value::Null).problem(403);
    // Who may write and not read is shown nothing, and learns nothing of the content by conditions.
    let grants = json!([{"subject": {"type": "account", "id": account}, "permissions": ["write"]}]);
    server.admin("PUT", &format!("{path}/acl"), &grants).expect(200);
    assert_eq!(
        server.by(&other, "PUT", &format!("{path}/data"), &json!("x")).expect(200),
        json!({"affected": 1})
    );
    let authorization = format!("Bearer {other}");
    let guess = [("Authorization", &*authorization), ("If-Match", &*format!("\"{ABC}\""))];
    server.send("PUT", &format!("{path}/data"), &guess, b"y").problem(403);
    assert_eq!((get(&server, &path, &[]).body, count(&server)), (b"\"x\"".to_vec(), 1));
}

#[test]
fn no_document_reaches_the_content() {
    let server = TestServer::start();
    let [mine, other] = [file(&server, "mine"), file(&server, "other")];
    put(&server, &other, &[], b"of another").expect(200);
    let page = wait_for(server.data.list(None, 10)).unwrap();
    let id = page.contents[0].id.to_string();
    // The word is free for attributes, which name nothing.
    let made = server.admin("POST", "/api/files", &json!({"name": "x", "content": id})).expect(201);
    assert_eq!(made["attributes"]["content"], *id);
    get(&server, &format!("/api/files/{}", made["id"].as_str().unwrap()), &[]).problem(404);
    server.admin("PATCH", &mine, &json!({"content": id})).expect(200);
    let patch = json!([{"op": "add", "path": "/content", "value": id}]).to_string();
    let media = ("Content-Type", "application/json-patch+json");
    server.admin_with("PATCH", &mine, &[media], patch.as_bytes());
    server.admin("PUT", &mine, &json!({"name": "mine", "content": id})).expect(200);
    get(&server, &mine, &[]).problem(404);
    // Nor what is said of it.
    server.admin("PATCH", &other, &json!({"size": 1})).problem(422);
    server.admin("PATCH", &other, &json!({"checksum": ABC})).problem(422);
    let item = server.admin("PUT", &other, &json!({"name": "renamed"})).expect(200);
    assert_eq!(item["attributes"]["size"], 10, "what only the server sets stays: {item}");
    assert_eq!(get(&server, &other, &[]).body, b"of another");
    assert!(!server.get(&format!("{other}?attributes=all")).expect(200).to_string().contains(&id));
    assert!(!server.get(&format!("{other}/history")).expect(200).to_string().contains(&id));
    assert_eq!(server.get(&format!("/api/files?content={id}")).expect(200).as_array().unwrap().len(), 2);
}

#[test]
fn uploads_are_what_they_say_or_nothing() {
    let server = TestServer::start();
    let path = file(&server, "a");
    put(&server, &path, &[], b"before").expect(200);
    let digest = |bytes: &[u8]| format!("sha-256=:{}:", STANDARD.encode(checksum(bytes).as_bytes()));
    put(&server, &path, &[("Content-Digest", &digest(b"abd"))], b"abc").problem(422);
    put(&server, &path, &[("Repr-Digest", "sha-256=:xyz:")], b"abc").problem(400);
    put(&server, &path, &[("Content-Encoding", "gzip")], b"abc").problem(415);
    put(&server, &path, &[], &vec![7; MAX_CONTENT as usize + 1]).problem(413);
    let head = |headers: &[(&str, &str)]| {
        let authorization = format!("Bearer {}", server.admin);
        let mut all = vec![("Authorization", &*authorization)];
        all.extend_from_slice(headers);
        request("PUT", &format!("{path}/data"), &all, b"")
    };
    // The end of the connection before that of the body, and of a chunk.
    for (headers, part) in [
        (&[("Content-Length", "1000")][..], &b"too short"[..]),
        (&[("Transfer-Encoding", "chunked")], b"5\r\nabcde\r\n"),
        (&[("Transfer-Encoding", "chunked")], b"50\r\nabcde"),
        (&[("Transfer-Encoding", "chunked")], b"5\r\nabcde\r\nxyz\r\n"),
    ] {
        let mut connection = Connection::open(server.address);
        connection.send(&head(headers));
        connection.send(part);
        connection.end();
        if let Some(answer) = connection.read(true) {
            answer.problem(400);
        }
    }
    // Too large while it comes.
    let mut connection = Connection::open(server.address);
    connection.send(&head(&[("Transfer-Encoding", "chunked")]));
    let chunk = [b"10000\r\n", &vec![7; 0x1_0000][..], b"\r\n"].concat();
    for _ in 0..(MAX_CONTENT / 0x1_0000 + 8) {
        if !connection.send(&chunk) {
            break;
        }
    }
    connection.read(true).expect("an answer").problem(413);
    let until = std::time::Instant::now() + Duration::from_secs(10);
    while wait_for(server.data.usage()).unwrap().used != Some(6) {
        assert!(std::time::Instant::now() < until, "what came to nothing is given back");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(get(&server, &path, &[]).body, b"before");
    assert_eq!((server.get(&path).expect(200)["version"].clone(), count(&server)), (json!(2), 1));
    // Chunks that are framed as they say are taken.
    let mut connection = Connection::open(server.address);
    connection.send(&head(&[("Transfer-Encoding", "chunked"), ("Content-Digest", &digest(b"abcdefg"))]));
    connection.send(b"5\r\nabcde\r\n2\r\nfg\r\n0\r\n\r\n");
    connection.read(true).expect("an answer").expect(200);
    assert_eq!(get(&server, &path, &[]).body, b"abcdefg");
}

#[test]
fn a_full_storage_refuses_and_loses_nothing() {
    let server = TestServer::start();
    let paths: Vec<String> = (0..3).map(|number| file(&server, &number.to_string())).collect();
    let large = vec![7; MAX_CONTENT as usize];
    put(&server, &paths[0], &[], &large).expect(200);
    put(&server, &paths[1], &[], &large).expect(200);
    // The old content goes when the new one is there, so there must be room for both.
    put(&server, &paths[0], &[], &large).problem(413);
    put(&server, &paths[2], &[], &large).problem(413);
    get(&server, &paths[2], &[]).problem(404);
    assert_eq!(get(&server, &paths[0], &[]).body, large);
    server.admin("DELETE", &format!("{}/data", paths[1]), &Value::Null).expect(204);
    put(&server, &paths[0], &[], &large).expect(200);
    assert_eq!(count(&server), 1);
}

#[test]
fn slow_uploads_have_an_end() {
    let server =
        TestServer::with(HttpConfig { body_timeout: Duration::from_millis(500), ..HttpConfig::default() });
    let path = file(&server, "slow");
    let mut connection = Connection::open(server.address);
    let authorization = format!("Authorization: Bearer {}", server.admin);
    connection.send(
        format!("PUT {path}/data HTTP/1.1\r\nHost: x\r\n{authorization}\r\nContent-Length: 100\r\n\r\nabc")
            .as_bytes(),
    );
    connection.read(true).expect("an answer").problem(408);
    get(&server, &path, &[]).problem(404);
    assert_eq!(wait_for(server.data.usage()).unwrap().used, Some(0));
}

#[test]
fn of_writers_at_once_one_content_stays() {
    let server = TestServer::start();
    let path = file(&server, "busy");
    std::thread::scope(|scope| {
        for number in 0..6_u8 {
            let (server, path) = (&server, &path);
            scope.spawn(move || {
                for round in 0..5_u8 {
                    let bytes = vec![number * 10 + round; 50_000];
                    put(server, path, &[], &bytes).expect(200);
                    let read = get(server, path, &[]);
                    assert_eq!((read.status, read.body.len()), (200, 50_000));
                    assert!(read.body.iter().all(|byte| *byte == read.body[0]), "one content or another");
                    let tag = read.header("etag").unwrap().trim_matches('"').to_owned();
                    assert_eq!(tag, checksum(&read.body).to_string());
                }
            });
        }
    });
    let item = server.get(&path).expect(200);
    assert_eq!(item["version"], 31);
    let tag = get(&server, &path, &[]).header("etag").unwrap().to_owned();
    assert_eq!(tag, format!("\"{}\"", item["attributes"]["checksum"].as_str().unwrap()));
    assert_eq!(count(&server), 1);
}

#[test]
fn large_contents_go_out_while_others_come_in() {
    let server =
        TestServer::with(HttpConfig { memory: 4 << 20, body_memory: 1 << 20, ..HttpConfig::default() });
    let path = file(&server, "large");
    let large: Vec<u8> = (0..MAX_CONTENT).map(|number| (number / 7 % 256) as u8).collect();
    // Neither what bounds JSON bodies nor what bounds answers in memory holds for what is streamed.
    put(&server, &path, &[], &large).expect(200);
    let gzip = [("Accept-Encoding", "gzip, zstd")];
    let answer = get(&server, &path, &gzip);
    assert!(answer.body == large, "{}", answer.body.len());
    assert_eq!(answer.header("content-encoding"), None, "parts of it could not be named");
}

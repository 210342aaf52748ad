//! `/api/uploads`: files in several requests; thumbnails, and uploads that only some storages know.

use std::io::Cursor;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use realnet_core::provider::DataProvider as _;
use serde_json::{Value, json};

use crate::common::client::{Connection, request};
use crate::common::server::MAX_CONTENT;
use crate::common::{Answer, TestServer};

const TUS: (&str, &str) = ("Tus-Resumable", "1.0.0");
const BYTES: (&str, &str) = ("Content-Type", "application/offset+octet-stream");

fn begin(server: &TestServer, length: &str, said: &[(&str, &str)]) -> Answer {
    let said: Vec<String> =
        said.iter().map(|(name, value)| format!("{name} {}", STANDARD.encode(value))).collect();
    let headers = [TUS, ("Upload-Length", length), ("Upload-Metadata", &said.join(","))];
    server.admin_with("POST", "/api/uploads", &headers, b"")
}

fn append(server: &TestServer, path: &str, offset: usize, bytes: &[u8]) -> Answer {
    server.admin_with("PATCH", path, &[TUS, BYTES, ("Upload-Offset", &offset.to_string())], bytes)
}

fn look(server: &TestServer, path: &str) -> Answer {
    server.admin_with("HEAD", path, &[TUS], b"")
}

fn used(server: &TestServer) -> u64 {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(server.data.usage()).unwrap().used.unwrap()
}

#[test]
fn a_file_comes_in_pieces() {
    let server = TestServer::start();
    let options = server.send("OPTIONS", "/api/uploads", &[], b"");
    assert_eq!((options.status, options.header("tus-version")), (204, Some("1.0.0")));
    assert_eq!(options.header("tus-max-size"), Some(&*MAX_CONTENT.to_string()));
    assert!(options.header("tus-extension").unwrap().contains("creation"));
    let folder = server.admin("POST", "/api/folders", &json!({"name": "in"})).expect(201);
    let parent = folder["id"].as_str().unwrap();
    let said = [("filename", "../a.txt"), ("filetype", "text/plain"), ("parent_id", parent), ("note", "ä")];
    let begun = begin(&server, "11", &said);
    assert_eq!((begun.status, begun.header("upload-offset")), (201, Some("0")), "{begun:?}");
    assert!(begun.header("upload-expires").is_some());
    let path = begun.header("location").unwrap().to_owned();
    let next = append(&server, &path, 0, b"hello ");
    assert_eq!((next.status, next.header("upload-offset")), (204, Some("6")));
    assert_eq!(append(&server, &path, 5, b"x").problem(409)["status"], 409);
    append(&server, &path, 7, b"x").problem(409);
    append(&server, &path, 100, b"x").problem(409);
    let digest = ("Content-Digest", "sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:");
    server.admin_with("PATCH", &path, &[TUS, BYTES, ("Upload-Offset", "6"), digest], b"x").problem(400);
    let seen = look(&server, &path);
    let told = ["upload-offset", "upload-length", "cache-control"].map(|name| seen.header(name));
    assert_eq!((seen.status, told), (200, [Some("6"), Some("11"), Some("no-store")]));
    let done = append(&server, &path, 6, b"world");
    assert_eq!((done.status, done.header("upload-offset")), (204, Some("11")));
    let item = done.header("content-location").unwrap().to_owned();
    let shown = server.get(&item).expect(200);
    assert_eq!(
        (&shown["name"], &shown["type"], &shown["parent_id"]),
        (&json!("a.txt"), &json!("Document"), &folder["id"])
    );
    assert_eq!((&shown["attributes"]["note"], &shown["attributes"]["size"]), (&json!("ä"), &json!(11)));
    assert_eq!(server.get(&format!("{item}/data")).body, b"hello world");
    // Who has lost the answer asks again, and makes no second item.
    assert_eq!(look(&server, &path).header("content-location"), Some(&*item));
    append(&server, &path, 11, b"").problem(409);
    assert_eq!(server.get("/api/files").expect(200).as_array().map(Vec::len), Some(1));
    // The first bytes may come at once, and all of them.
    let all = [TUS, BYTES, ("Upload-Length", "3")];
    let answer = server.admin_with("POST", "/api/uploads", &all, b"abc");
    assert_eq!((answer.status, answer.header("upload-offset")), (201, Some("3")));
    assert!(answer.header("content-location").is_some());
    let empty = begin(&server, "0", &[("filename", "empty")]);
    assert!(empty.header("content-location").is_some(), "{empty:?}");
}

#[test]
fn an_upload_goes_on_where_its_connection_broke() {
    let server = TestServer::start();
    let path = begin(&server, "100000", &[("filename", "a")]).header("location").unwrap().to_owned();
    let bytes: Vec<u8> = (0..100_000_u32).map(|number| (number % 253) as u8).collect();
    let authorization = format!("Bearer {}", server.admin);
    let headers = [
        TUS,
        BYTES,
        ("Upload-Offset", "0"),
        ("Authorization", &*authorization),
        ("Content-Length", "100000"),
    ];
    let mut connection = Connection::open(server.address);
    connection.send(&request("PATCH", &path, &headers, b""));
    connection.send(&bytes[..60_000]);
    connection.end();
    drop(connection.read(true));
    let at = || look(&server, &path).header("upload-offset").unwrap().parse::<usize>().unwrap();
    let until = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while at() == 0 {
        assert!(std::time::Instant::now() < until, "what has come is kept");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let offset = at();
    assert!(offset <= 60_000, "{offset}");
    let done = append(&server, &path, offset, &bytes[offset..]);
    let item = done.header("content-location").unwrap_or_else(|| panic!("{done:?}"));
    assert!(server.get(&format!("{item}/data")).body == bytes);
}

#[test]
fn uploads_that_come_to_nothing_leave_nothing() {
    let server = TestServer::start();
    let other = server.account("other", "user");
    let path = begin(&server, "10", &[("filename", "a")]).header("location").unwrap().to_owned();
    append(&server, &path, 0, b"hello").expect(204);
    // A beginning that fails leaves none behind: the account could begin no other, and knows no address to give it up.
    for _ in 0..100 {
        let headers = [TUS, BYTES, ("Upload-Length", "3")];
        server.admin_with("POST", "/api/uploads", &headers, b"too many bytes").problem(413);
    }
    let another = begin(&server, "10", &[("filename", "b")]).header("location").unwrap().to_owned();
    server.admin_with("DELETE", &another, &[TUS], b"").expect(204);
    // Of another, there is none.
    let as_other = |method: &str| {
        let authorization = format!("Bearer {other}");
        server.send(
            method,
            &path,
            &[TUS, BYTES, ("Upload-Offset", "5"), ("Authorization", &*authorization)],
            b"",
        )
    };
    for method in ["GET", "PATCH", "DELETE"] {
        as_other(method).problem(404);
    }
    for method in ["GET", "PATCH", "DELETE"] {
        server.send(method, &path, &[TUS, BYTES, ("Upload-Offset", "5")], b"").problem(401);
    }
    server.send("POST", "/api/uploads", &[TUS, ("Upload-Length", "1")], b"").problem(401);
    append(&server, &path, 5, b"too many bytes").problem(413);
    assert_eq!(server.admin_with("DELETE", &path, &[TUS], b"").status, 204);
    assert_eq!(look(&server, &path).status, 404);
    assert_eq!(used(&server), 0);
    // A checksum that is another's, a parent that is not there by now, a type that has no contents.
    let wrong = [("checksum", &*"0".repeat(64))];
    let path = begin(&server, "3", &wrong).header("location").unwrap().to_owned();
    append(&server, &path, 0, b"abc").problem(422);
    assert_eq!((look(&server, &path).status, used(&server)), (404, 0));
    let folder = server.admin("POST", "/api/folders", &json!({"name": "in"})).expect(201);
    let parent = folder["id"].as_str().unwrap();
    let path = begin(&server, "3", &[("parent_id", parent)]).header("location").unwrap().to_owned();
    server.admin("DELETE", &format!("/api/folders/{parent}"), &Value::Null).expect(204);
    append(&server, &path, 0, b"abc").problem(422);
    assert_eq!((look(&server, &path).status, used(&server)), (404, 0));
    for (length, said, status) in [
        ("3", ("resource", "customers"), 415),
        ("3", ("resource", "nothing"), 405),
        ("3", ("parent_id", "018f0000-0000-7000-8000-000000000001"), 422),
        ("3", ("size", "3"), 400),
        ("3", ("checksum", "abc"), 400),
        ("x", ("filename", "a"), 400),
        ("-1", ("filename", "a"), 400),
        ("99999999999999999999", ("filename", "a"), 400),
        ("8388609", ("filename", "a"), 413),
    ] {
        begin(&server, length, &[said]).problem(status);
    }
    server.admin_with("POST", "/api/uploads", &[TUS], b"").problem(400);
    server
        .admin_with("POST", "/api/uploads", &[TUS, ("Upload-Length", "1"), ("Upload-Metadata", "a !")], b"")
        .problem(400);
    let old =
        server.admin_with("POST", "/api/uploads", &[("Tus-Resumable", "0.2.2"), ("Upload-Length", "1")], b"");
    assert_eq!((old.problem(412)["status"].clone(), old.header("tus-version")), (json!(412), Some("1.0.0")));
    server
        .admin_with("PATCH", &path, &[TUS, ("Content-Type", "text/plain"), ("Upload-Offset", "0")], b"x")
        .problem(415);
    assert_eq!(used(&server), 0);
}

#[test]
fn an_upload_waits_for_who_may_finish_it() {
    let server = TestServer::start();
    let authorization = format!("Bearer {}", server.account("other", "user"));
    let account = server.get("/api/accounts?username=other").expect(200)[0]["id"].clone();
    let folder = server.admin("POST", "/api/folders", &json!({"name": "in"})).expect(201);
    let parent = folder["id"].as_str().unwrap();
    let allow = |permissions: Value| {
        let grants = json!([{"subject": {"type": "account", "id": account}, "permissions": permissions}]);
        server.admin("PUT", &format!("/api/folders/{parent}/acl"), &grants).expect(200);
    };
    let send = |method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]| {
        let own = [TUS, ("Authorization", authorization.as_str())];
        server.send(method, path, &[&own[..], headers].concat(), body)
    };
    allow(json!(["read", "write"]));
    let said = format!("parent_id {}", STANDARD.encode(parent));
    let begun = send("POST", "/api/uploads", &[("Upload-Length", "3"), ("Upload-Metadata", &said)], b"");
    let path = begun.header("location").unwrap().to_owned();
    allow(json!(["read"]));
    send("PATCH", &path, &[BYTES, ("Upload-Offset", "0")], b"abc").problem(403);
    assert_eq!(send("HEAD", &path, &[], b"").status, 403);
    // All of it is there yet.
    allow(json!(["read", "write"]));
    let item = send("HEAD", &path, &[], b"").header("content-location").unwrap().to_owned();
    assert_eq!(server.get(&format!("{item}/data")).body, b"abc");
    // Once more, and the item keeps its content.
    assert_eq!(send("HEAD", &path, &[], b"").header("content-location"), Some(&*item));
    assert_eq!(server.get(&format!("{item}/data")).body, b"abc");
}

#[test]
fn an_account_has_so_many_uploads_at_a_time() {
    let server = TestServer::start();
    let paths: Vec<String> =
        (0..100).map(|_| begin(&server, "3", &[]).header("location").unwrap().to_owned()).collect();
    begin(&server, "3", &[]).problem(429);
    append(&server, &paths[0], 0, b"abc").expect(204);
    assert_eq!(begin(&server, "3", &[]).status, 201);
}

#[test]
fn what_the_storage_can_not_is_refused_by_name() {
    let server = TestServer::start();
    let body = json!({"name": "a", "size": 5, "content_type": "text/plain", "upload": "presigned"});
    let refused = server.admin("POST", "/api/files", &body).problem(501);
    assert!(refused["detail"].as_str().unwrap().contains("memory storage"), "{refused}");
    server
        .admin("POST", "/api/files/018f0000-0000-7000-8000-000000000001/confirm", &Value::Null)
        .problem(404);
}

#[test]
fn an_upload_of_a_type_that_has_no_contents_any_more_is_refused() {
    let server = TestServer::start();
    server.admin("POST", "/api/types", &json!({"name": "Passing", "base": "File"})).expect(201);
    let path = begin(&server, "5", &[("filename", "a"), ("resource", "Passing")]);
    let path = path.header("location").unwrap().to_owned();
    server.admin("PATCH", "/api/types/Passing", &json!({"base": "Item"})).expect(200);
    append(&server, &path, 0, b"words").problem(415);
    assert_eq!((used(&server), server.get("/api/passing").expect(200)), (0, json!([])));
}

#[test]
fn images_have_thumbnails() {
    let server = TestServer::start();
    let mut picture = Cursor::new(Vec::new());
    image::DynamicImage::new_rgb8(300, 150).write_to(&mut picture, image::ImageFormat::Png).unwrap();
    let picture = picture.into_inner();
    let made = server
        .admin_with("POST", "/api/files?name=a.png", &[("Content-Type", "image/png")], &picture)
        .expect(201);
    let path = format!("/api/images/{}/data", made["id"].as_str().unwrap());
    let whole = used(&server);
    for (asked, expected) in
        [("64x64", (64, 32)), ("100x50", (100, 50)), ("2048x2048", (300, 150)), ("64x64", (64, 32))]
    {
        let answer = server.get(&format!("{path}?thumb={asked}"));
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("image/jpeg")));
        let read = image::load_from_memory(&answer.body).unwrap();
        assert_eq!((read.width(), read.height()), expected, "{asked}");
        let tag = answer.header("etag").unwrap();
        let known =
            server.admin_with("GET", &format!("{path}?thumb={asked}"), &[("If-None-Match", tag)], b"");
        assert_eq!((known.status, known.body.len()), (304, 0));
        let of_whole = server.get(&path).header("etag").unwrap().to_owned();
        assert_ne!(tag, of_whole);
        for (tag, status) in [(tag, 200), (of_whole.as_str(), 412)] {
            let answer =
                server.admin_with("GET", &format!("{path}?thumb={asked}"), &[("If-Match", tag)], b"");
            assert_eq!(answer.status, status, "{asked}");
        }
    }
    // A part of one, and nothing behind its end.
    let small = server.get(&format!("{path}?thumb=64x64"));
    assert!(small.header("content-disposition").unwrap().contains("filename=\"a.jpg\""), "{small:?}");
    let part = |range: &str, tag: &str| {
        let headers = [("Range", range), ("If-Range", tag)];
        server.admin_with("GET", &format!("{path}?thumb=64x64"), &headers, b"")
    };
    let tag = small.header("etag").unwrap();
    let answer = part("bytes=2-5", tag);
    assert_eq!((answer.status, answer.body.as_slice()), (206, &small.body[2..6]));
    assert_eq!(part("bytes=2-5", "\"0000\"").body, small.body, "another picture is sent whole");
    assert_eq!(part("bytes=9999999-", tag).status, 416);
    let kept = used(&server);
    assert!(kept > whole, "those of usual sizes are kept");
    server.get(&format!("{path}?thumb=64x64"));
    server.get(&format!("{path}?thumb=64x96"));
    assert_eq!(used(&server), kept, "few of them: squares");
    for bad in ["", "x", "0x5", "5x0", "5000x5", "5", "-1x5", "5x5x5"] {
        server.get(&format!("{path}?thumb={bad}")).problem(400);
    }
    let text = server
        .admin_with("POST", "/api/files?name=a.txt", &[("Content-Type", "text/plain")], b"x")
        .expect(201);
    server.get(&format!("/api/files/{}/data?thumb=64x64", text["id"].as_str().unwrap())).problem(415);
    server.get_anonymous(&format!("{path}?thumb=64x64")).problem(404);
    // A picture that says that it is enormous, and one that is broken.
    let mut bomb = picture.clone();
    bomb[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
    for (bytes, statuses) in [(bomb, [413, 422]), (picture[..60].to_vec(), [422, 422])] {
        server.admin_with("PUT", &path, &[], &bytes).expect(200);
        let answer = server.get(&format!("{path}?thumb=64x64"));
        assert!(statuses.contains(&answer.status), "{}", answer.status);
    }
}

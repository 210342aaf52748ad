//! `POST /api/files` with files: forms, bodies, names, types, copies and templates.

use realnet_core::provider::{ContentId, DataProvider as _};
use realnet_runner_http::HttpConfig;
use serde_json::{Value, json};

use crate::common::server::MAX_CONTENT;
use crate::common::{Answer, TestServer};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
const FORM: (&str, &str) = ("Content-Type", "multipart/form-data; boundary=xyz");

/// A part of a form: `(head, body)`, the head behind `form-data; `.
fn form(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (head, bytes) in parts {
        body.extend_from_slice(format!("--xyz\r\nContent-Disposition: form-data; {head}\r\n\r\n").as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--xyz--\r\n");
    body
}

fn post(server: &TestServer, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    server.admin_with("POST", path, headers, body)
}

fn data(server: &TestServer, item: &Value) -> Answer {
    server.get(&format!("/api/items/{}/data", item["id"].as_str().unwrap()))
}

fn count(server: &TestServer) -> usize {
    let listing = server.data.list(None, 1000);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(listing).unwrap().contents.len()
}

#[test]
fn a_form_makes_an_item_of_each_file() {
    let server = TestServer::start();
    let folder = server.admin("POST", "/api/folders", &json!({"name": "in"})).expect(201);
    let parent = folder["id"].as_str().unwrap();
    let body = form(&[
        ("name=\"parent_id\"", parent.as_bytes()),
        ("name=\"tags\"", b"b, a"),
        ("name=\"attributes\"", br#"{"pages": 3}"#),
        ("name=\"note\"", b"from a form"),
        ("name=\"f\"; filename=\"C:\\pictures\\a.png\"", PNG),
        ("name=\"f\"; filename=\"../../b.txt\"", b"words"),
        ("name=\"f\"; filename=\"\"", b""),
        ("name=\"f\"; filename=\"c.bin\"", b"\0\x01\xff"),
    ]);
    let made = post(&server, "/api/files", &[FORM], &body).expect(201);
    let shown: Vec<(&str, &str, &str)> = made
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (words(&item["name"]), words(&item["type"]), words(&item["attributes"]["content_type"])))
        .collect();
    assert_eq!(
        shown,
        [
            ("a.png", "Image", "image/png"),
            ("b.txt", "Document", "text/plain; charset=utf-8"),
            ("c.bin", "File", "application/octet-stream"),
        ]
    );
    for item in made.as_array().unwrap() {
        assert_eq!((&item["parent_id"], &item["tags"]), (&folder["id"], &json!(["a", "b"])));
        assert_eq!(
            (&item["attributes"]["pages"], &item["attributes"]["note"]),
            (&json!(3), &json!("from a form"))
        );
    }
    assert_eq!(data(&server, &made[0]).body, PNG);
    assert_eq!(data(&server, &made[1]).body, b"words");
    // One file is one item, and where it is.
    let answer = post(&server, "/api/files", &[FORM], &form(&[("name=f; filename=one.txt", b"one")]));
    let item = answer.expect(201);
    assert_eq!(answer.header("location"), Some(&*format!("/api/files/{}", item["id"].as_str().unwrap())));
}

fn words(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[test]
fn a_body_is_a_file() {
    let server = TestServer::start();
    let disposition = "attachment; filename=\"_.json\"; filename*=UTF-8\'\'%C3%A4.json";
    let headers = [("Content-Type", "application/json"), ("Content-Disposition", disposition)];
    let item = post(&server, "/api/files", &headers, br#"{"a": 1}"#).expect(201);
    assert_eq!(
        (&item["name"], &item["attributes"]["content_type"]),
        (&json!("ä.json"), &json!("application/json"))
    );
    let item =
        post(&server, "/api/files?name=x.png&note=y", &[("Content-Type", "text/html")], PNG).expect(201);
    assert_eq!(
        (&item["name"], &item["type"], &item["attributes"]["note"]),
        (&json!("x.png"), &json!("Image"), &json!("y"))
    );
    assert_eq!(item["attributes"]["content_type"], "image/png");
    // At another endpoint the type is that one's, if the kind of file has none below it.
    let item = post(&server, "/api/documents", &[("Content-Type", "image/png")], PNG).expect(201);
    assert_eq!((&item["type"], &item["name"]), (&json!("Document"), &json!("file")));
    let item = post(&server, "/api/files?type=Image", &[("Content-Type", "text/plain")], b"x").expect(201);
    assert_eq!(item["type"], "Image");
    // Others take JSON alone.
    post(&server, "/api/customers", &[("Content-Type", "text/plain")], b"x").problem(415);
    post(&server, "/api/folders", &[("Content-Type", "text/plain")], b"x").problem(415);
    post(&server, "/api/customers", &[FORM], &form(&[("name=f; filename=a", b"x")])).problem(415);
    assert_eq!(count(&server), 4);
}

#[test]
fn a_body_without_a_type_is_a_file_where_parameters_say_so() {
    let server = TestServer::start();
    let item = post(&server, "/api/files?name=t.txt&tags=a&tags=b", &[], b"words").expect(201);
    assert_eq!((&item["name"], &item["tags"]), (&json!("t.txt"), &json!(["a", "b"])));
    assert_eq!(data(&server, &item).body, b"words");
    // What may have been meant as a file is told how it becomes one.
    let json = [("Content-Type", "application/json")];
    let problem = post(&server, "/api/files?name=y.json", &json, br#"{"a": 1}"#).problem(400);
    assert!(problem.to_string().contains("Content-Disposition: attachment"), "{problem}");
    let attached = [json[0], ("Content-Disposition", "attachment")];
    let item = post(&server, "/api/files?name=y.json", &attached, br#"{"a": 1}"#).expect(201);
    assert_eq!((&item["name"], &item["attributes"]["size"]), (&json!("y.json"), &json!(8)));
    let problem = post(&server, "/api/documents", &[], b"words").problem(415);
    assert!(problem.to_string().contains("?name="), "{problem}");
    // Where there are no contents, nothing of this is said.
    let problem = post(&server, "/api/customers?name=x", &[], b"{}").problem(400);
    assert!(!problem.to_string().contains("attachment"), "{problem}");
    assert_eq!(count(&server), 2);
}

#[test]
fn nul_is_refused_at_its_name() {
    let server = TestServer::start();
    let file = ("name=f; filename=a.txt", &b"x"[..]);
    for (name, value) in [
        ("name=description", &b"a\0b"[..]),
        ("name=tags", b"x\0y"),
        ("name=status", b"s\0t"),
        ("name=attributes", br#"{"a": "\u0000"}"#),
    ] {
        let problem = post(&server, "/api/files", &[FORM], &form(&[(name, value), file])).problem(400);
        assert!(problem.to_string().contains("NUL") || !value.contains(&0), "{problem}");
    }
    assert_eq!((count(&server), server.get("/api/files").expect(200)), (0, json!([])));
}

#[test]
fn tags_of_a_form_are_words_or_a_list() {
    let server = TestServer::start();
    let file = |name: &'static str| (name, &b"x"[..]);
    let body = form(&[
        ("name=tags", br#"["c,d", "e"]"#),
        ("name=tags", b"f"),
        file("name=f; filename=a"),
        ("name=tags", b"g"),
        file("name=f; filename=b"),
    ]);
    let made = post(&server, "/api/files", &[FORM], &body).expect(201);
    assert_eq!((&made[0]["tags"], &made[1]["tags"]), (&json!(["c,d", "e", "f"]), &json!(["g"])));
    post(&server, "/api/files", &[FORM], &form(&[("name=tags", b"[c"), file("name=f; filename=a")]))
        .problem(400);
}

#[test]
fn what_is_said_of_many_files_is_bounded_with_all_else() {
    let server = TestServer::with(HttpConfig { memory: 4 << 20, ..HttpConfig::default() });
    let long = format!("{{\"x\": \"{}\"}}", "y".repeat(200_000));
    let parts = |files: usize| {
        let mut parts = vec![("name=attributes", long.as_bytes())];
        parts.resize(files + 1, ("name=f; filename=a", &b"x"[..]));
        form(&parts)
    };
    post(&server, "/api/files", &[FORM], &parts(40)).problem(413);
    assert_eq!(count(&server), 0, "what was stored is gone");
    post(&server, "/api/files", &[FORM], &parts(2)).expect(201);
}

#[test]
fn what_is_refused_leaves_nothing() {
    let server = TestServer::start();
    let file = |name: &str| format!("name=f; filename={name}");
    let absent = "018f0000-0000-7000-8000-000000000001";
    for (status, parts) in [
        // The second is too large, the first was stored already.
        (413, vec![(file("a"), vec![7; 1000]), (file("b"), vec![7; MAX_CONTENT as usize + 1])]),
        (422, vec![("name=parent_id".to_owned(), absent.into()), (file("a"), b"x".to_vec())]),
        (
            422,
            vec![
                (file("a"), b"x".to_vec()),
                ("name=status".to_owned(), vec![b'x'; 1000]),
                (file("b"), b"y".to_vec()),
            ],
        ),
        (422, vec![("name=type".to_owned(), b"Customer".to_vec()), (file("a"), b"x".to_vec())]),
        (422, vec![("name=type".to_owned(), b"Nothing".to_vec()), (file("a"), b"x".to_vec())]),
        (400, vec![("name=size".to_owned(), b"5".to_vec()), (file("a"), b"x".to_vec())]),
        (400, vec![("name=checksum".to_owned(), b"5".to_vec()), (file("a"), b"x".to_vec())]),
        (400, vec![("name=attributes".to_owned(), b"{".to_vec()), (file("a"), b"x".to_vec())]),
        (400, vec![("name=note".to_owned(), b"x".to_vec())]),
        (400, vec![]),
        (413, (0..101).map(|number| (file(&number.to_string()), b"x".to_vec())).collect()),
    ] {
        let parts: Vec<(&str, &[u8])> =
            parts.iter().map(|(head, body)| (head.as_str(), body.as_slice())).collect();
        post(&server, "/api/files", &[FORM], &form(&parts)).problem(status);
        assert_eq!(count(&server), 0, "{status}");
    }
    let whole = form(&[("name=f; filename=a", &[7; 1000])]);
    post(&server, "/api/files", &[FORM], &whole[..whole.len() - 20]).problem(400);
    post(&server, "/api/files", &[("Content-Type", "multipart/form-data")], &whole).problem(400);
    // A digest that nobody would compare.
    let digest = "sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:";
    for name in ["Content-Digest", "Repr-Digest"] {
        post(&server, "/api/files", &[FORM, (name, digest)], &whole).problem(400);
    }
    let key = ("Idempotency-Key", "once");
    post(&server, "/api/files", &[FORM, key], &whole).problem(400);
    let stranger = server.send("POST", "/api/files", &[FORM], &whole);
    assert!([401, 403].contains(&stranger.status), "{}", stranger.status);
    assert_eq!((count(&server), server.get("/api/files").expect(200)), (0, json!([])));
}

#[test]
fn folders_are_copied_with_what_is_in_them() {
    let server = TestServer::start();
    let made = |path: &str, body: &Value| server.admin("POST", path, body).expect(201);
    let folder = made("/api/folders", &json!({"name": "outer"}));
    let inner = made("/api/folders", &json!({"name": "inner", "parent_id": folder["id"]}));
    let path = format!("/api/files?parent_id={}", inner["id"].as_str().unwrap());
    let file = post(&server, &path, &[("Content-Type", "text/plain")], b"words").expect(201);
    let copy = |item: &Value, body: &Value| {
        let endpoint = if item["type"] == "Folder" { "folders" } else { "files" };
        server.admin("POST", &format!("/api/{endpoint}/{}/copy", item["id"].as_str().unwrap()), body)
    };
    let other = copy(&folder, &json!({"name": "again"})).expect(201);
    assert_eq!((&other["name"], &other["version"]), (&json!("again"), &json!(1)));
    assert_ne!(other["id"], folder["id"]);
    let below =
        server.get(&format!("/api/items?parent={}&any_level=true&order=name", other["id"].as_str().unwrap()));
    let below = below.expect(200);
    assert_eq!(below.as_array().map(Vec::len), Some(2), "{below}");
    assert_eq!((&below[0]["name"], &below[1]["name"]), (&json!("file"), &json!("inner")));
    assert_eq!(below[0]["parent_id"], below[1]["id"]);
    assert_eq!((data(&server, &below[0]).body, count(&server)), (b"words".to_vec(), 2));
    // Each goes by itself.
    server
        .admin("DELETE", &format!("/api/folders/{}", folder["id"].as_str().unwrap()), &Value::Null)
        .expect(204);
    assert_eq!((data(&server, &below[0]).body, count(&server)), (b"words".to_vec(), 1));
    assert_eq!(data(&server, &file).status, 404);
    let alone = copy(&below[0], &json!({"parent_id": null})).expect(201);
    assert_eq!((&alone["parent_id"], data(&server, &alone).body), (&Value::Null, b"words".to_vec()));
    // Moving is a change of the parent, and no copy.
    server
        .admin(
            "PATCH",
            &format!("/api/files/{}", alone["id"].as_str().unwrap()),
            &json!({"parent_id": other["id"]}),
        )
        .expect(200);
    assert_eq!((data(&server, &alone).body, count(&server)), (b"words".to_vec(), 2));
    for (body, pointer) in [
        (json!({"nmae": "x"}), "/nmae"),
        (json!({"name": 7}), "/name"),
        (json!({"parent_id": "nope"}), "/parent_id"),
    ] {
        let problem = copy(&alone, &body).problem(400);
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    // What nothing looks at is not passed over.
    let at = format!("/api/files/{}/copy", alone["id"].as_str().unwrap());
    for (target, header) in [
        (format!("{at}?dry_run=true"), ("Accept", "*/*")),
        (at.clone(), ("Idempotency-Key", "once")),
        (at, ("If-Match", "\"1\"")),
    ] {
        post(&server, &target, &[("Content-Type", "application/json"), header], b"{}").problem(400);
    }
    copy(&alone, &json!({"parent_id": "018f0000-0000-7000-8000-000000000001"})).problem(422);
    copy(&json!({"id": "018f0000-0000-7000-8000-000000000001"}), &Value::Null).problem(404);
    assert_eq!(count(&server), 2, "what is refused leaves nothing");
    let stranger = server.account("stranger", "user");
    server
        .by(&stranger, "POST", &format!("/api/files/{}/copy", alone["id"].as_str().unwrap()), &json!({}))
        .problem(404);
    // What is more than its attributes stays out.
    let account = server.get("/api/accounts?username=stranger").expect(200)[0]["id"].clone();
    server
        .admin(
            "PATCH",
            &format!("/api/accounts/{}", account.as_str().unwrap()),
            &json!({"parent_id": other["id"]}),
        )
        .expect(200);
    copy(&other, &json!({})).problem(409);
}

#[test]
fn copies_need_the_rights_of_a_creation() {
    let server = TestServer::start();
    let fields = json!([{"name": "approved", "type": "boolean", "write": ["admin"]}]);
    let contract = json!({"name": "Contract", "base": "File", "fields": fields});
    server.admin("POST", "/api/types", &contract).expect(201);
    let plain = ("Content-Type", "text/plain");
    let file = post(&server, "/api/files?type=Contract", &[plain], b"words").expect(201);
    let path = format!("/api/files/{}", words(&file["id"]));
    server.admin("PATCH", &path, &json!({"approved": true, "public": true})).expect(200);
    let copy = format!("{path}/copy");
    server.get_anonymous(&path).expect(200);
    server.send("POST", &copy, &[("Content-Type", "application/json")], b"{}").problem(401);
    assert_eq!(count(&server), 1, "strangers have nothing copied");
    // What the caller may not write does not come along.
    let other = server.account("other", "user");
    let made = server.by(&other, "POST", &copy, &json!({})).expect(201);
    assert_eq!(
        (&made["attributes"]["approved"], &made["attributes"]["size"], data(&server, &made).body),
        (&Value::Null, &json!(5), b"words".to_vec())
    );
    let made = server.admin("POST", &copy, &json!({})).expect(201);
    assert_eq!(made["attributes"]["approved"], true);
    // A folder that one reads, and no more.
    let folder = server.admin("POST", "/api/folders", &json!({"name": "in"})).expect(201);
    let account = server.get("/api/accounts?username=other").expect(200)[0]["id"].clone();
    let grants = json!([{"subject": {"type": "account", "id": account}, "permissions": ["read"]}]);
    let folders = format!("/api/folders/{}", words(&folder["id"]));
    server.admin("PUT", &format!("{folders}/acl"), &grants).expect(200);
    server.by(&other, "POST", &copy, &json!({"parent_id": folder["id"]})).problem(403);
    assert_eq!(count(&server), 3);
    // Rights come before all else: what can not be copied at all is not looked at.
    server
        .admin("PATCH", &format!("/api/accounts/{}", words(&account)), &json!({"parent_id": folder["id"]}))
        .expect(200);
    server.admin("POST", &format!("{folders}/copy"), &json!({})).problem(409);
    server.by(&other, "POST", &format!("{folders}/copy"), &json!({"parent_id": folder["id"]})).problem(403);
    server
        .admin("PATCH", &format!("/api/accounts/{}", words(&account)), &json!({"parent_id": null}))
        .expect(200);
    // As much as one content may have, and no more.
    let below = format!("/api/files?parent_id={}", words(&folder["id"]));
    let half = vec![b'x'; MAX_CONTENT as usize / 2 + 1];
    for _ in 0..2 {
        post(&server, &below, &[plain], &half).expect(201);
    }
    server.admin("POST", &format!("{folders}/copy"), &json!({})).problem(413);
    assert_eq!(count(&server), 5);
}

#[test]
fn what_is_said_of_files_has_a_bound() {
    let server = TestServer::start();
    let text = vec![b'x'; 40_000];
    let note: (&str, &[u8]) = ("name=note", &text);
    let stranger = server.send("POST", "/api/files", &[FORM], &form(&[note]));
    assert!([401, 413].contains(&stranger.status), "{}", stranger.status);
    let file: (&str, &[u8]) = ("name=f; filename=a.txt", b"words");
    post(&server, "/api/files", &[FORM], &form(&[note, file])).expect(201);
    post(&server, "/api/files", &[FORM], &form(&[note, note, note, note, note, note, note, file]))
        .problem(413);
    assert_eq!(count(&server), 1);
}

#[test]
fn a_template_stands_in_for_a_content() {
    let server = TestServer::start();
    let template =
        post(&server, "/api/files?name=blank.txt", &[("Content-Type", "text/plain")], b"blank").expect(201);
    let plain = server.admin("POST", "/api/documents", &json!({"name": "plain"})).expect(201);
    assert_eq!(data(&server, &plain).status, 404);
    let named = json!({"name": "mine.txt", "template": template["id"]});
    let named = server.admin("POST", "/api/documents", &named).expect(201);
    let answer = data(&server, &named);
    assert_eq!((answer.status, &*answer.body), (200, &b"blank"[..]));
    assert_eq!(answer.header("content-disposition"), Some("inline; filename=\"mine.txt\""));
    // By the instance, for all of its items.
    let types = server.get("/api/types/Document").expect(200);
    let instances =
        json!([{"name": "Letter", "type": "Document", "attributes": {"template": template["id"]}}]);
    assert!(types["instances"].is_array(), "{types}");
    server.admin("PATCH", "/api/types/Document", &json!({"instances": instances})).expect(200);
    let letter =
        server.admin("POST", "/api/documents", &json!({"name": "a", "instance": "Letter"})).expect(201);
    assert_eq!(data(&server, &letter).body, b"blank");
    // Its own comes first, and goes without it.
    let path = format!("/api/documents/{}/data", letter["id"].as_str().unwrap());
    server.admin_with("PUT", &path, &[], b"own").expect(200);
    assert_eq!(data(&server, &letter).body, b"own");
    server.admin("DELETE", &path, &Value::Null).expect(204);
    assert_eq!(data(&server, &letter).body, b"blank");
    // Who may not read the template does not read it this way.
    let other = server.account("other", "user");
    let account = server.get("/api/accounts?username=other").expect(200)[0]["id"].clone();
    let grants = json!([{"subject": {"type": "account", "id": account}, "permissions": ["read"]}]);
    server
        .admin("PUT", &format!("/api/documents/{}/acl", letter["id"].as_str().unwrap()), &grants)
        .expect(200);
    server.by(&other, "GET", &path, &Value::Null).problem(404);
    server.admin("PUT", &format!("/api/files/{}/acl", template["id"].as_str().unwrap()), &grants).expect(200);
    assert_eq!(server.by(&other, "GET", &path, &Value::Null).body, b"blank");
}

#[test]
fn copies_take_room_before_contents_are_looked_at() {
    let server = TestServer::with(HttpConfig { memory: 8 << 20, ..HttpConfig::default() });
    let folder = server.admin("POST", "/api/folders", &json!({"name": "in"})).expect(201);
    let path = format!("/api/folders/{}", words(&folder["id"]));
    let below = format!("/api/files?parent_id={}", words(&folder["id"]));
    post(&server, &below, &[("Content-Type", "text/plain")], b"words").expect(201);
    // One whose content the storage has lost is found out by whoever looks at contents.
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let lost = server.data.list(None, 10).await.unwrap().contents;
        let lost: Vec<ContentId> = lost.iter().map(|entry| entry.id).collect();
        for id in lost {
            assert!(server.data.delete(id).await.unwrap());
        }
    });
    server.admin("POST", &format!("{path}/copy"), &json!({})).problem(409);
    for _ in 0..10 {
        let large = json!({"name": "n", "parent_id": folder["id"], "x": "y".repeat(900_000)});
        server.admin("POST", "/api/folders", &large).expect(201);
    }
    server.admin("POST", &format!("{path}/copy"), &json!({})).problem(413);
}

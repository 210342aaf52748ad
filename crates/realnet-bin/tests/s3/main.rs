//! A server whose contents are in S3: what `--check` says, contents that go through it or past it, a bucket that is away, and copies of
//! the database that use the same.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod away;
#[path = "../common/mod.rs"]
mod common;
mod owners;

use std::path::Path;

use common::{ADMIN, Server, Settings, realnet, run, s3_settings as settings, text};
use futures::stream;
use realnet_testkit::engines::{ObjectServer, free_port, s3_place};
use serde_json::{Value, json};

/// What `realnet server --check` says with these settings and one more.
fn checked(folder: &Path, settings: &Settings, more: (&str, &str)) -> (bool, String) {
    let mut command = realnet(folder);
    command.args(["server", "--check"]).env("REALNET_SERVER_PORT", "0");
    command.envs(settings.iter().map(|(name, value)| (name, value))).env(more.0, more.1);
    let output = run(&mut command);
    (output.status.success(), text(&output))
}

#[tokio::test]
async fn a_check_says_whether_the_bucket_answers() {
    let (_guard, folder) = common::folder();
    let settings = settings(&s3_place().await.unwrap());
    let (good, words) = checked(&folder, &settings, ("REALNET_DEBUG", "false"));
    assert!(good && words.contains("the bucket realnet-test on 127.0.0.1 answers"), "{words}");
    let nobody = format!("127.0.0.1:{}", free_port().unwrap());
    for (name, value, expected) in [
        (
            "REALNET_STORAGE_S3_BUCKET",
            "not-there",
            "the bucket not-there on 127.0.0.1: the bucket of the S3 storage is not there",
        ),
        ("REALNET_STORAGE_S3_SECRET", "hunter2", "refuses the credentials"),
        ("REALNET_STORAGE_S3_ENDPOINT", &format!("http://{nobody}"), "does not answer"),
        ("REALNET_STORAGE_S3_PREFIX", "../", "REALNET_STORAGE_S3_PREFIX: expected"),
        ("REALNET_STORAGE_QUOTA", "1000", "REALNET_STORAGE_QUOTA: is not offered by s3"),
    ] {
        let (good, words) = checked(&folder, &settings, (name, value));
        assert!(!good && words.contains(expected) && !words.contains("hunter2"), "{name}: {words}");
    }
}

/// Calls of the REST API, as the administrator.
struct Rest {
    http: reqwest::Client,
    address: String,
    token: String,
}

impl Rest {
    async fn sign_in(server: &Server) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (http, address) = (reqwest::Client::new(), server.address.clone());
        let words = json!({"username": ADMIN.0, "password": ADMIN.1}).to_string();
        let asked =
            http.post(format!("{address}/api/auth")).header("content-type", "application/json").body(words);
        let answer: Value = serde_json::from_str(&asked.send().await.unwrap().text().await.unwrap()).unwrap();
        Self { http, address, token: answer["token"].as_str().unwrap().to_owned() }
    }

    fn ask(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let url = format!("{}{path}", self.address);
        self.http.request(method.parse().unwrap(), url).bearer_auth(&self.token)
    }

    async fn file(&self, name: &str) -> String {
        let asked = self.ask("POST", "/api/files").header("content-type", "application/json");
        let answer = asked.body(json!({"name": name}).to_string()).send().await.unwrap();
        let answer: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        format!("/api/files/{}/data", answer["id"].as_str().unwrap())
    }

    /// Asks with a document; status and answer.
    async fn call(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let asked = self.ask(method, path).header("content-type", "application/json").body(body.to_string());
        let answer = asked.send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default())
    }

    /// The content at a path; status and text.
    async fn read(&self, path: &str) -> (u16, String) {
        let answer = self.ask("GET", path).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    async fn put(&self, path: &str, body: impl Into<reqwest::Body>) -> u16 {
        self.ask("PUT", path).body(body).send().await.unwrap().status().as_u16()
    }
}

#[tokio::test]
async fn contents_are_in_the_bucket() {
    let (_guard, folder) = common::folder();
    let server = ObjectServer::start().await.unwrap();
    let settings = settings(server.place());
    let realnet = Server::start_with(&folder, &settings);
    let rest = Rest::sign_in(&realnet).await;
    let path = rest.file("letter.txt").await;
    assert_eq!(rest.put(&path, "Dear all").await, 200);
    assert!(realnet.stop());
    let realnet = Server::start_with(&folder, &settings);
    let rest = Rest::sign_in(&realnet).await;
    let part = rest.ask("GET", &path).header("range", "bytes=5-7").send().await.unwrap();
    assert_eq!((part.status().as_u16(), part.text().await.unwrap().as_str()), (206, "all"));
    assert!(!folder.join("realnet.files").exists(), "nothing is kept beside the database");

    // While the bucket is away, items are served, and their contents are again when it is back.
    server.crash().await.unwrap();
    assert_eq!(rest.ask("GET", &path).send().await.unwrap().status(), 503);
    assert_eq!(rest.put(&path, "Dear nobody").await, 503);
    assert_eq!(rest.ask("GET", path.trim_end_matches("/data")).send().await.unwrap().status(), 200);
    server.resume().await.unwrap();
    let whole = rest.ask("GET", &path).send().await.unwrap();
    assert_eq!((whole.status().as_u16(), whole.text().await.unwrap().as_str()), (200, "Dear all"));
    assert_eq!(rest.put(&path, "Dear friends").await, 200);
    assert_eq!(rest.ask("DELETE", &path).send().await.unwrap().status(), 204);
}

/// A form with the fields that were answered, and the bytes.
fn form(answer: &Value, bytes: &str) -> (String, String) {
    let part = |head: String, body: &str| {
        format!("--xyz\r\nContent-Disposition: form-data; name=\"{head}\"\r\n\r\n{body}\r\n")
    };
    let fields = answer["fields"].as_object().unwrap().iter();
    let mut parts: Vec<String> =
        fields.map(|(name, value)| part(name.clone(), value.as_str().unwrap())).collect();
    parts.push(part("file\"; filename=\"f".to_owned(), bytes));
    parts.push("--xyz--\r\n".to_owned());
    ("multipart/form-data; boundary=xyz".to_owned(), parts.concat())
}

#[tokio::test]
async fn a_client_sends_past_the_server() {
    let (_guard, folder) = common::folder();
    let server = Server::start_with(&folder, &settings(&s3_place().await.unwrap()));
    let rest = Rest::sign_in(&server).await;
    let asked = json!({"name": "note.txt", "size": 11, "content_type": "text/plain", "upload": "presigned",
        "description": "sent past the server"});
    let (status, answer) = rest.call("POST", "/api/files", &asked).await;
    assert_eq!((status, answer["method"].as_str()), (200, Some("POST")), "{answer}");
    let confirm = format!("/api/files/{}/confirm", answer["id"].as_str().unwrap());
    let (status, refused) = rest.call("POST", &confirm, &Value::Null).await;
    assert_eq!(status, 404, "nothing has come yet: {refused}");
    // Where no type has its place, nothing could be confirmed.
    let mut nowhere = asked.clone();
    nowhere["type"] = json!("Document");
    assert_eq!(rest.call("POST", "/api/items", &nowhere).await.0, 400);
    // The leave is for so many bytes and no others.
    let url = answer["url"].as_str().unwrap();
    for (bytes, is_taken) in [("too many bytes", false), ("Hello world", true)] {
        let (kind, body) = form(&answer, bytes);
        let sent = rest.http.post(url).header("content-type", kind).body(body).send().await.unwrap();
        assert_eq!(sent.status().is_success(), is_taken, "{bytes}: {}", sent.status());
    }
    let (status, item) = rest.call("POST", &confirm, &Value::Null).await;
    assert_eq!(
        (status, &item["name"], &item["type"]),
        (201, &json!("note.txt"), &json!("Document")),
        "{item}"
    );
    assert_eq!(item["attributes"]["description"], "sent past the server");
    let path = format!("/api/files/{}/data", item["id"].as_str().unwrap());
    assert_eq!(rest.read(&path).await, (200, "Hello world".to_owned()));
    assert_eq!(rest.call("POST", &confirm, &Value::Null).await.0, 409, "it is made once");
}

/// The most memory that a process has had, in MiB.
fn peak(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

#[tokio::test(flavor = "multi_thread")]
async fn large_contents_take_little_memory() {
    const PIECE: usize = 1 << 20;
    const PIECES: u64 = 300;
    let (_guard, folder) = common::folder();
    let realnet = Server::start_with(&folder, &settings(&s3_place().await.unwrap()));
    let rest = Rest::sign_in(&realnet).await;
    let path = rest.file("large").await;
    let before = peak(realnet.id());
    let piece = vec![7_u8; PIECE];
    let pieces = stream::iter((0..PIECES).map(move |_| Ok::<_, std::io::Error>(piece.clone())));
    assert_eq!(rest.put(&path, reqwest::Body::wrap_stream(pieces)).await, 200);
    let mut read = rest.ask("GET", &path).send().await.unwrap();
    let mut length = 0;
    while let Some(piece) = read.chunk().await.unwrap() {
        length += piece.len() as u64;
    }
    assert_eq!(length, PIECES * PIECE as u64);
    let after = peak(realnet.id());
    println!("peak memory of the server in MiB: {before} before, {after} after {PIECES} MiB up and down");
    assert!(after < before + 80, "{before} MiB became {after} MiB");
}

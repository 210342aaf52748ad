//! A server whose contents are in S3: what `--check` says, contents that go through it, and a bucket that is away.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::path::Path;
use std::time::Duration;

use common::{ADMIN, Server, Settings, realnet, run, server_command, text};
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
    let settings = common::s3_settings(&s3_place().await.unwrap());
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

    async fn put(&self, path: &str, body: impl Into<reqwest::Body>) -> u16 {
        self.ask("PUT", path).body(body).send().await.unwrap().status().as_u16()
    }
}

#[tokio::test]
async fn contents_are_in_the_bucket() {
    let (_guard, folder) = common::folder();
    let server = ObjectServer::start().await.unwrap();
    let settings = common::s3_settings(server.place());
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

/// A bucket with the mark of another database is not written to, whether that is seen at the start or later.
#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_belongs_to_one_database() {
    let (_guard, owner) = common::folder();
    let (_guard_of_other, other) = common::folder();
    let server = ObjectServer::start().await.unwrap();
    let settings = common::s3_settings(server.place());
    assert!(Server::start_with(&owner, &settings).stop());
    let refused = run(&mut server_command(&other, &settings));
    let words = text(&refused);
    assert!(!refused.status.success(), "{words}");
    assert!(words.contains("the storage belongs to another database"), "{words}");
    assert!(words.contains("REALNET_STORAGE_S3_BUCKET"), "{words}");

    // One that is away keeps nobody from starting.
    server.crash().await.unwrap();
    let (owner, other) = (Server::start_with(&owner, &settings), Server::start_with(&other, &settings));
    let (rest, rest_of_other) = (Rest::sign_in(&owner).await, Rest::sign_in(&other).await);
    let (path, path_of_other) = (rest.file("letter").await, rest_of_other.file("letter").await);
    assert_eq!(rest.put(&path, "Dear all").await, 503);
    server.resume().await.unwrap();
    let claimed = async {
        while rest.put(&path, "Dear all").await != 200 {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), claimed).await.expect("the owner claims its bucket");
    // By now the other has asked, too.
    tokio::time::sleep(Duration::from_secs(12)).await;
    assert_eq!(rest_of_other.put(&path_of_other, "Dear nobody").await, 503);
    assert!(owner.stop() && other.stop());
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
    let realnet = Server::start_with(&folder, &common::s3_settings(&s3_place().await.unwrap()));
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

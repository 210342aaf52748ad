//! Files through a real server: by the command line, through interruptions of either side, and in bounded memory.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "../common/mod.rs"]
mod common;
mod limits;

use std::io::Write as _;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{ADMIN, Server, Settings, realnet, run, text};
use realnet_client::Client;
use realnet_testkit::engines::free_port;
use serde_json::json;

const MIB: usize = 1 << 20;

/// A server in a folder, and the token of its administrator.
struct World {
    _guard: tempfile::TempDir,
    folder: PathBuf,
    server: Server,
    client: Client,
    token: String,
}

impl World {
    async fn start() -> Self {
        Self::with(Vec::new()).await
    }

    /// With settings of the server.
    async fn with(mut settings: Settings) -> Self {
        let (guard, folder) = common::folder();
        // A crashed one comes back at the same address.
        settings.push(("REALNET_SERVER_PORT".to_owned(), free_port().unwrap().to_string()));
        let server = Server::start_with(&folder, &settings);
        let mut client = Client::new(&server.address).unwrap();
        let token = client.authenticate(ADMIN.0, ADMIN.1, None).await.unwrap().token;
        Self { _guard: guard, folder, server, client, token }
    }

    /// A command of the client.
    fn command(&self, words: &[&str]) -> Command {
        let mut command = realnet(&self.folder);
        command.args(words).env("REALNET_SERVER_URL", &self.server.address).env("REALNET_TOKEN", &self.token);
        command
    }

    #[track_caller]
    fn must(&self, words: &[&str]) -> String {
        let output = run(&mut self.command(words));
        assert!(output.status.success(), "{words:?}: {}", text(&output));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Ends the server as a crash does, and starts it again at the same address.
    fn crash(&mut self) {
        self.server.crash();
        self.start_again();
    }

    /// Starts a server at the address of the one that has ended.
    fn start_again(&mut self) {
        let port = self.server.address.rsplit(':').next().unwrap().to_owned();
        let settings: Settings = vec![("REALNET_SERVER_PORT".to_owned(), port)];
        let mut command = common::server_command(&self.folder, &settings);
        self.server = Server::spawn(&mut command);
    }

    /// The sizes of the files in a folder of the storage.
    fn sizes(&self, within: &str) -> Vec<u64> {
        let entries = std::fs::read_dir(self.folder.join("realnet.files").join(within)).unwrap();
        entries.filter_map(|entry| Some(entry.ok()?.metadata().ok()?.len())).collect()
    }

    /// Waits until so much of an upload has come.
    fn wait_for_bytes(&self, within: &str, least: u64) {
        let until = Instant::now() + Duration::from_mins(1);
        while self.sizes(within).iter().sum::<u64>() < least {
            assert!(Instant::now() < until, "bytes come");
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// Bytes that repeat nowhere near.
fn sample(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn files_go_there_and_back() {
    let world = World::start().await;
    let bytes = sample(3 * MIB + 17);
    std::fs::write(world.folder.join("data.bin"), &bytes).unwrap();
    std::fs::write(world.folder.join("words.txt"), "words").unwrap();
    let parent = world.client.create("folders", &json!({"name": "in"})).await.unwrap();
    let parent = parent["id"].as_str().unwrap();
    let printed = world.must(&["upload", "data.bin", "words.txt", "--parent", parent]);
    let ids: Vec<&str> = printed.lines().collect();
    let item = world.client.get("files", ids[0]).await.unwrap();
    assert_eq!((&item["name"], &item["parent_id"]), (&json!("data.bin"), &json!(parent)));
    assert_eq!(world.client.get("files", ids[1]).await.unwrap()["type"], "Document");
    // Back, under its own name: what is there already stays.
    let refused = run(&mut world.command(&["download", ids[0]]));
    assert!(!refused.status.success() && text(&refused).contains("--force"), "{}", text(&refused));
    let refused = text(&run(&mut world.command(&["download", parent])));
    assert!(refused.contains("items of type Folder have no content"), "the server's words: {refused}");
    let out = world.folder.join("out");
    std::fs::create_dir(&out).unwrap();
    let target = world.must(&["download", ids[0], "-o", "out"]);
    assert_eq!(target, "out/data.bin");
    assert!(std::fs::read(out.join("data.bin")).unwrap() == bytes);
    let to_stdout = run(&mut world.command(&["download", ids[1], "-o", "-"]));
    assert_eq!(to_stdout.stdout, b"words");
    // A part that is there is gone on with; one that is wrong is found out.
    let checksum = item["attributes"]["checksum"].as_str().unwrap();
    let part = out.join(format!(".half.bin.{}.part", &checksum[..16]));
    std::fs::write(&part, &bytes[..MIB]).unwrap();
    world.must(&["download", ids[0], "-o", "out/half.bin"]);
    assert!(std::fs::read(out.join("half.bin")).unwrap() == bytes && !part.exists());
    std::fs::write(&part, vec![0; MIB]).unwrap();
    let refused = run(&mut world.command(&["download", ids[0], "-o", "out/half.bin", "--force"]));
    assert!(!refused.status.success() && !part.exists(), "{}", text(&refused));
    assert!(std::fs::read(out.join("half.bin")).unwrap() == bytes, "what was there stays");
    let refused = text(&run(&mut world.command(&["download", ids[0], "-o", "no/such/folder"])));
    assert!(refused.contains("the folder no/such is not there"), "{refused}");
    let refused = text(&run(&mut world.command(&["upload", "-"])));
    assert!(refused.contains("write it into a file first"), "{refused}");
    // What is lacking is told, and nothing that nobody has to say.
    for words in [&["upload"][..], &["history"], &["aggregate"], &["export"]] {
        let refused = run(&mut world.command(words));
        let said = text(&refused);
        let usage = said.split_once("USAGE:").unwrap().1.trim_start().lines().next().unwrap();
        assert!(refused.status.code() == Some(2) && !usage.contains("--"), "{words:?}: {said}");
    }
    for words in [
        &["upload", "nothing.bin"][..],
        &["upload", "out"],
        &["upload", "data.bin", "--parent", "x"],
        &["upload", "data.bin", "--type", "recipes"],
        &["download", "x"],
        &["download", parent],
        &["download", "018f0000-0000-7000-8000-000000000001"],
    ] {
        let refused = run(&mut world.command(words));
        assert!(!refused.status.success() && refused.stdout.is_empty(), "{words:?}: {}", text(&refused));
    }
}

/// Removes the files in a folder and below.
fn lose(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            lose(&path);
        } else {
            std::fs::remove_file(path).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_content_of_an_item_is_replaced() {
    let world = World::start().await;
    std::fs::write(world.folder.join("one.txt"), "one").unwrap();
    std::fs::write(world.folder.join("two.txt"), "two and more").unwrap();
    let id = world.must(&["upload", "one.txt"]);
    assert_eq!(world.must(&["upload", "two.txt", "--replace", &id]), id);
    assert_eq!(world.must(&["download", &id, "-o", "-"]), "two and more");
    assert_eq!(world.client.get("files", &id).await.unwrap()["name"], "one.txt");
    // One that the storage has lost as well.
    lose(&world.folder.join("realnet.files/contents"));
    assert!(!run(&mut world.command(&["download", &id, "-o", "-"])).status.success());
    world.must(&["upload", "one.txt", "--replace", &id]);
    assert_eq!(world.must(&["download", &id, "-o", "-"]), "one");
    for words in [
        &["upload", "one.txt", "two.txt", "--replace", &id][..],
        &["upload", "one.txt", "--replace", &id, "--name", "x"],
    ] {
        let refused = run(&mut world.command(words));
        assert_eq!(refused.status.code(), Some(2), "{words:?}: {}", text(&refused));
    }
    let absent = "018f0000-0000-7000-8000-000000000001";
    let refused = text(&run(&mut world.command(&["upload", "one.txt", "--replace", absent])));
    assert!(refused.contains("one.txt: "), "{refused}");
    // What an upload keeps for going on has a place, which a token is none for.
    let mut homeless = world.command(&["upload", "one.txt"]);
    let refused = text(&run(homeless.env_remove("HOME").env_remove("XDG_CONFIG_HOME").env_remove("APPDATA")));
    assert!(refused.contains("XDG_CONFIG_HOME") && !refused.contains("REALNET_TOKEN"), "{refused}");
}

/// What is wrong with the folder of contents is said with the system's reason, by a check as by a start, and a check changes nothing.
#[cfg(target_os = "linux")]
#[test]
fn a_check_tries_the_folder() {
    let (_guard, folder) = common::folder();
    // What belongs to another database is found before there is one.
    assert!(Server::start(&folder).stop());
    let other = [
        ("REALNET_DB_TYPE", "sqlite"),
        ("REALNET_DB_NAME", "other.db"),
        ("REALNET_STORAGE_PATH", "realnet.files"),
    ];
    let other: Settings = other.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    for words in [&["--check"][..], &[]] {
        let output = run(common::server_command(&folder, &other).args(words));
        let said = text(&output);
        assert!(
            !output.status.success()
                && said.contains("realnet.files: the storage belongs to another database"),
            "{words:?}: {said}"
        );
        assert!(!said.contains("created the org"), "{said}");
    }
    let own = run(common::server_command(&folder, &Settings::new()).arg("--check"));
    assert!(own.status.success(), "{}", text(&own));
    let (_guard, folder) = common::folder();
    let server = |path: Option<&str>, words: &[&str]| {
        let mut command = common::server_command(&folder, &Settings::new());
        command.args(words);
        if let Some(path) = path {
            command.env("REALNET_STORAGE_PATH", path);
        }
        let output = run(&mut command);
        (output.status.success(), text(&output))
    };
    for words in [&["--check"][..], &[]] {
        let (good, said) = server(Some("/proc/nope"), words);
        assert!(!good && said.contains("/proc/nope") && said.contains("No such file"), "{words:?}: {said}");
    }
    let (good, said) = server(None, &["--check"]);
    assert!(good, "{said}");
    assert!(!folder.join("realnet.files").exists(), "a check makes no folder");
}

fn start(command: &mut Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_outlives_a_crash_of_the_server() {
    let mut world = World::start().await;
    let bytes = sample(96 * MIB);
    std::fs::write(world.folder.join("large.bin"), &bytes).unwrap();
    let sending = start(&mut world.command(&["upload", "large.bin"]));
    world.wait_for_bytes("uploads", 4 * MIB as u64);
    world.crash();
    let output = sending.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    let id = String::from_utf8(output.stdout).unwrap();
    world.must(&["download", id.trim(), "-o", "back.bin"]);
    assert!(std::fs::read(world.folder.join("back.bin")).unwrap() == bytes);
    assert!(world.sizes("uploads").is_empty() && world.sizes("staging").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_goes_on_where_its_command_was_killed() {
    let mut world = World::start().await;
    let bytes = sample(96 * MIB);
    std::fs::write(world.folder.join("large.bin"), &bytes).unwrap();
    let mut sending = start(&mut world.command(&["upload", "large.bin"]));
    world.wait_for_bytes("uploads", 4 * MIB as u64);
    sending.kill().unwrap();
    sending.wait().unwrap();
    let kept = world.folder.join("config/realnet/uploads");
    let file = std::fs::read_dir(&kept).unwrap().next().unwrap().unwrap().path();
    let upload = std::fs::read_to_string(file).unwrap();
    let until = Instant::now() + Duration::from_secs(10);
    let at = loop {
        // What has come is written when the server has seen that the connection is gone.
        match world.client.upload_progress(&upload).await {
            Ok(at) if at.offset > 0 => break at,
            _ => assert!(Instant::now() < until, "what has come is kept"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert!(at.item.is_none() && at.offset < at.length, "{at:?}");
    // Also behind a server that is away: what to do then is said, and that it went on.
    world.server.crash();
    let said = run(&mut world.command(&["upload", "large.bin"]));
    assert!(!said.status.success() && text(&said).contains("the same command goes on"), "{}", text(&said));
    world.start_again();
    let done = run(&mut world.command(&["upload", "large.bin"]));
    let said = String::from_utf8(done.stderr).unwrap();
    assert!(done.status.success() && said.contains("large.bin: goes on at "), "{said}");
    let id = String::from_utf8(done.stdout).unwrap().trim().to_owned();
    assert_eq!(
        world.client.upload_progress(&upload).await.unwrap().item.as_deref(),
        Some(&*id),
        "the same upload"
    );
    world.must(&["download", &id, "-o", "back.bin"]);
    assert!(std::fs::read(world.folder.join("back.bin")).unwrap() == bytes);
    assert_eq!(std::fs::read_dir(&kept).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_in_a_write_leaves_the_content_of_before() {
    let mut world = World::start().await;
    std::fs::write(world.folder.join("a.txt"), "before").unwrap();
    let id = world.must(&["upload", "a.txt"]);
    let host = world.server.address.strip_prefix("http://").unwrap().to_owned();
    let mut socket = TcpStream::connect(&host).unwrap();
    let head = format!(
        "PUT /api/files/{id}/data HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\n\r\n",
        world.token,
        64 * MIB
    );
    socket.write_all(head.as_bytes()).unwrap();
    socket.write_all(&sample(8 * MIB)).unwrap();
    world.wait_for_bytes("staging", MIB as u64);
    world.crash();
    drop(socket);
    assert_eq!(run(&mut world.command(&["download", &id, "-o", "-"])).stdout, b"before");
    assert!(world.sizes("staging").is_empty(), "what was under way is gone");
    let item = world.client.get("files", &id).await.unwrap();
    assert_eq!((&item["version"], &item["attributes"]["size"]), (&json!(1), &json!(6)));
}

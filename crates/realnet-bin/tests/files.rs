//! Files through a real server: by the command line, through interruptions of either side, and in bounded memory.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::io::{Read as _, Write as _};
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
        let (guard, folder) = common::folder();
        // A crashed one comes back at the same address.
        let port = vec![("REALNET_SERVER_PORT".to_owned(), free_port().unwrap().to_string())];
        let server = Server::start_with(&folder, &port);
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
        let port = self.server.address.rsplit(':').next().unwrap().to_owned();
        let settings: Settings = vec![("REALNET_SERVER_PORT".to_owned(), port)];
        let mut command = common::server_command(&self.folder, &settings);
        self.server.crash();
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

/// What is wrong with the folder of contents is said with the system's reason, by a check as by a start, and a check changes nothing.
#[cfg(target_os = "linux")]
#[test]
fn a_check_tries_the_folder() {
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
    let world = World::start().await;
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
    let id = world.must(&["upload", "large.bin"]);
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

/// The most memory that a process has had, in bytes.
#[cfg(target_os = "linux")]
fn peak(process: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn large_files_take_little_memory() {
    const SIZE: usize = 256 * MIB;
    let world = World::start().await;
    let file = world.client.create("files", &json!({"name": "large"})).await.unwrap();
    let id = file["id"].as_str().unwrap();
    let before = peak(world.server.id());
    let host = world.server.address.strip_prefix("http://").unwrap();
    let send = |head: &str| {
        let mut socket = TcpStream::connect(host).unwrap();
        let head = head.replace('\n', "\r\n");
        write!(
            socket,
            "{head}Host: {host}\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\r\n",
            world.token
        )
        .unwrap();
        socket
    };
    let piece = sample(MIB);
    let mut put = send(&format!("PUT /api/files/{id}/data HTTP/1.1\nContent-Length: {SIZE}\n"));
    for _ in 0..SIZE / MIB {
        put.write_all(&piece).unwrap();
    }
    let mut answer = String::new();
    put.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let mut get = send(&format!("GET /api/files/{id}/data HTTP/1.1\n"));
    let (mut read, mut block) = (0, vec![0; MIB]);
    loop {
        match get.read(&mut block).unwrap() {
            0 => break,
            count => read += count,
        }
    }
    assert!((SIZE..SIZE + 4096).contains(&read), "{read}");
    let form = "--b\r\nContent-Disposition: form-data; name=f; filename=x\r\n\r\n";
    let length = form.len() + SIZE + "\r\n--b--".len();
    let mut post = send(&format!(
        "POST /api/files HTTP/1.1\nContent-Type: multipart/form-data; boundary=b\nContent-Length: {length}\n"
    ));
    post.write_all(form.as_bytes()).unwrap();
    for _ in 0..SIZE / MIB {
        post.write_all(&piece).unwrap();
    }
    post.write_all(b"\r\n--b--").unwrap();
    let mut answer = String::new();
    post.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    let more = peak(world.server.id()).saturating_sub(before);
    assert!(more < 48 * MIB, "{} MiB more than before", more / MIB);
}

/// A folder with a file system of its own that is small; `None` where this user may mount none.
struct Mounted(PathBuf);

impl Mounted {
    fn at(folder: PathBuf) -> Option<Self> {
        std::fs::create_dir(&folder).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=8m", "tmpfs"]).arg(&folder);
        mount.output().is_ok_and(|mount| mount.status.success()).then(|| Self(folder))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).output();
    }
}

/// The command of a server whose files end at 8 MB, wherever the disk ends: the shell sets that, and that its signal is ignored.
fn limited(folder: &Path) -> Command {
    let server = common::server_command(folder, &Settings::new());
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; ulimit -f 16384; exec \"$@\"", "sh"]).arg(server.get_program());
    command.args(server.get_args()).current_dir(folder).stdin(Stdio::null());
    for (name, value) in server.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
}

/// Contents that are too large for the disk are refused, what was there stays, and smaller ones are taken.
async fn expect_full(server: &Server) {
    let mut client = Client::new(&server.address).unwrap();
    let token = client.authenticate(ADMIN.0, ADMIN.1, None).await.unwrap().token;
    let http = reqwest::Client::new();
    let item = client.create("files", &json!({"name": "letter"})).await.unwrap();
    let url = format!("{}/api/files/{}/data", server.address, item["id"].as_str().unwrap());
    let put = |bytes: Vec<u8>| http.put(&url).bearer_auth(&token).body(bytes).send();
    let small = sample(MIB);
    assert_eq!(put(small.clone()).await.unwrap().status(), 200);
    for _ in 0..2 {
        let refused = put(sample(20 * MIB)).await.unwrap();
        let (status, words) = (refused.status().as_u16(), refused.text().await.unwrap());
        assert!(status == 503 && words.contains("the disk of the storage is full"), "{status}: {words}");
    }
    let read = http.get(&url).bearer_auth(&token).send().await.unwrap().bytes().await.unwrap();
    assert!(read == small, "the content of before is there");
    assert_eq!(put(sample(2 * MIB)).await.unwrap().status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_said_so_and_loses_nothing() {
    let (_guard, folder) = common::folder();
    expect_full(&Server::spawn(&mut limited(&folder))).await;
    let (_guard, folder) = common::folder();
    if let Some(mounted) = Mounted::at(folder.join("small")) {
        let path = mounted.0.join("files").to_str().unwrap().to_owned();
        let server = Server::start_with(&folder, &vec![("REALNET_STORAGE_PATH".to_owned(), path)]);
        expect_full(&server).await;
        assert!(server.stop());
    }
}

/// A PNG of hardly anything that says how large it is.
fn claiming(width: u32, height: u32) -> Vec<u8> {
    let chunk = |kind: &[u8], data: &[u8]| {
        let body = [kind, data].concat();
        let mut crc = u32::MAX;
        for byte in &body {
            crc ^= u32::from(*byte);
            (0..8).for_each(|_| crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 });
        }
        [&(data.len() as u32).to_be_bytes()[..], &body, &(!crc).to_be_bytes()].concat()
    };
    let head = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
    // One row of one black pixel, deflated.
    let row = [0x78, 0x01, 0x01, 4, 0, 0xfb, 0xff, 0, 0, 0, 0, 0, 4, 0, 1];
    let mark: &[u8] = b"\x89PNG\r\n\x1a\n";
    [mark, &chunk(b"IHDR", &head), &chunk(b"IDAT", &row), &chunk(b"IEND", b"")].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_say_how_large_they_are_and_bombs_stay_packed() {
    let world = World::start().await;
    for (name, width, height) in [("dot.png", 1, 1), ("bomb.png", 60_000, 60_000)] {
        std::fs::write(world.folder.join(name), claiming(width, height)).unwrap();
        let id = world.must(&["upload", name]);
        let item = world.client.get("images", &id).await.unwrap();
        assert_eq!(item["attributes"]["width"], json!(width), "{item}");
        assert_eq!(item["attributes"]["height"], json!(height));
        let url = format!("{}/api/images/{id}/data?thumb=64x64", world.server.address);
        let answer = reqwest::Client::new().get(url).bearer_auth(&world.token).send().await.unwrap();
        let (status, words) = (answer.status().as_u16(), answer.bytes().await.unwrap());
        let words = String::from_utf8_lossy(&words);
        match width {
            1 => assert_eq!(status, 200, "{words}"),
            _ => assert!(status == 413 && words.contains("the picture is too large"), "{status}: {words}"),
        }
    }
    let taken = peak(world.server.id()) / MIB;
    assert!(taken < 400, "the server took {taken} MiB");
}

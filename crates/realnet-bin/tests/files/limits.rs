//! Where files meet an end: of memory, of the disk, and of what a picture may unpack to.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use futures::TryStreamExt as _;
use realnet_client::Client;
use serde_json::json;

use crate::common::{self, ADMIN, Server, Settings};
use crate::{MIB, World, sample};

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
    #[cfg(target_os = "linux")]
    assert!(peak(world.server.id()) < 400 * MIB, "the server took {} MiB", peak(world.server.id()) / MIB);
}

/// However little memory there is for all requests, a content is asked about, read and taken along, whole and in parts.
#[tokio::test(flavor = "multi_thread")]
async fn a_content_may_be_larger_than_the_memory() {
    let world = World::with(vec![("REALNET_MEMORY".to_owned(), (64 * MIB).to_string())]).await;
    let bytes = sample(72 * MIB);
    std::fs::write(world.folder.join("large.bin"), &bytes).unwrap();
    let id = world.must(&["upload", "large.bin"]);
    let (size, checksum) = world.client.content("files", &id).await.unwrap();
    assert_eq!(size, bytes.len() as u64, "HEAD holds nothing of it");
    let from = 70 * MIB;
    let part = world.client.download("files", &id, Some((from as u64, &checksum))).await.unwrap();
    assert_eq!((part.start, part.size), (from as u64, size));
    let rest: Vec<bytes::Bytes> = part.data.try_collect().await.unwrap();
    assert!(rest.concat() == bytes[from..]);
    world.must(&["download", &id, "-o", "back.bin"]);
    assert!(std::fs::read(world.folder.join("back.bin")).unwrap() == bytes);
    world.must(&["export", "taken", "--with-data"]);
    assert!(std::fs::read(world.folder.join("taken/data").join(&id)).unwrap() == bytes);
}

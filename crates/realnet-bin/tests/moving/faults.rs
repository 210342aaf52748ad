//! Contents that are lost or damaged when a store moves: they are named, the rest is done, and the command fails.

use std::path::{Path, PathBuf};

use crate::common::{self, Server, realnet, run, text};
use crate::shop::{content, embedded, told, upload};

/// The size of a content that a backup does not hold in memory.
const LARGE: usize = 5_000_000;

/// Whether a command went well, and what it printed.
fn outcome(folder: &Path, arguments: &[&str]) -> (bool, String) {
    let output = run(realnet(folder).args(arguments));
    (output.status.success(), text(&output))
}

/// The file below a folder that has so many bytes.
pub fn file_of(folder: &Path, size: u64) -> PathBuf {
    let mut rest = vec![folder.to_owned()];
    while let Some(folder) = rest.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let about = std::fs::metadata(&path).unwrap();
            if about.is_dir() {
                rest.push(path);
            } else if about.len() == size {
                return path;
            }
        }
    }
    panic!("no file has {size} bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_and_damaged_contents_are_named() {
    let (_guard, folder) = common::folder();
    let server = Server::start_with(&folder, &embedded("shop.db"));
    let mut ids = Vec::new();
    for size in [1001, 1002, 1003, 1004, LARGE] {
        ids.push(upload(&server, &vec![7; size]).await);
    }
    assert!(server.stop());
    let storage = folder.join("shop.files");
    std::fs::remove_file(file_of(&storage, 1001)).unwrap();
    std::fs::write(file_of(&storage, 1002), "short").unwrap();
    for size in [1004, LARGE] {
        let path = file_of(&storage, size as u64);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[size / 2] ^= 1;
        std::fs::write(path, bytes).unwrap();
    }

    let copy = ["copy", "--from", "sqlite://shop.db", "--to", "sqlite://copy.db"];
    for (arguments, words) in [
        (
            &["verify", "sqlite://shop.db", "--storage", "shop.files"][..],
            "all else is in order, but not 4 contents",
        ),
        (&copy[..], "all else is copied, but not 4 contents"),
        (
            &["backup", "shop.tar.zst", "--from", "sqlite://shop.db"],
            "the backup holds all else, but not 4 contents",
        ),
    ] {
        let (good, said) = outcome(&folder, arguments);
        assert!(!good && said.contains(words), "{arguments:?}: {said}");
        assert!(said.contains("contents of files: 1, 1003 bytes"), "{arguments:?}: {said}");
        assert!(
            said.contains(&format!("{} (\"a file\") is not in the storage", ids[0])),
            "{arguments:?}: {said}"
        );
        assert!(
            said.contains(&format!("{} (\"a file\") is damaged: it has 5 bytes", ids[1])),
            "{arguments:?}: {said}"
        );
        for (id, size) in [(&ids[3], 1004), (&ids[4], LARGE)] {
            let words = format!("{id} (\"a file\") is damaged: it has {size} bytes with the checksum");
            assert!(said.contains(&words), "{arguments:?}: {said}");
        }
        assert!(!said.contains("Internal"), "{arguments:?}: {said}");
    }
    // What is in order is where it should be.
    told(&folder, &["verify", "shop.tar.zst"]);
    let server = Server::start_with(&folder, &embedded("copy.db"));
    assert_eq!(content(&server, &ids[2]).await, vec![7; 1003]);
}

/// Two stores of the same name mean the same folder: that is said. A database that is taken for a backup is told by its URL.
#[tokio::test(flavor = "multi_thread")]
async fn shared_contents_are_told() {
    let (_guard, folder) = common::folder();
    let server = Server::start_with(&folder, &embedded("shop.db"));
    upload(&server, b"shared").await;
    assert!(server.stop());
    let said = told(&folder, &["copy", "--from", "sqlite://shop.db", "--to", "yaml://shop"]);
    assert!(
        said.contains("1 items have contents, which stay in shop.files: both stores use it now"),
        "{said}"
    );
    let (good, said) = outcome(&folder, &["verify", "shop.db"]);
    assert!(!good && said.contains("it is a store, sqlite://shop.db"), "{said}");
    let (good, said) = outcome(&folder, &["verify", "shop"]);
    assert!(!good && said.contains("yaml://shop"), "{said}");
}

//! How much memory a large content takes on its way in and out.

#![cfg(target_os = "linux")]

use std::path::PathBuf;

use futures::stream::TryStreamExt as _;
use realnet_core::provider::{ByteRange, DataProvider, Expectation, UploadProvider as _};

use super::common::{again, generated, id, open};

const FOLDER: &str = "REALNET_TEST_MEMORY";
/// Pieces of 64 KiB: 256 MiB.
const PIECES: u64 = 4096;
/// The most that it may take, in KiB: some blocks, and the stacks of threads.
const MOST: u64 = 24 * 1024;

/// The most memory that this process has had, in KiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// In a process of its own, so that no other test counts.
#[tokio::test]
async fn a_large_content_takes_little_memory() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        let folder = tempfile::tempdir().unwrap();
        let name = "memory::a_large_content_takes_little_memory";
        let output = again("env", name, FOLDER, folder.path()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("1 passed"), "{output:?}");
        return;
    };
    let store = open(&PathBuf::from(folder));
    let before = peak();
    let content = store.put(id(1), generated(PIECES), Expectation::default()).await.unwrap();
    assert_eq!(content.size, PIECES * 65_536);
    let read = store.get(id(1), ByteRange::All).await.unwrap().unwrap();
    let bytes = read.data.try_fold(0, async |sum, piece| Ok(sum + piece.len() as u64)).await.unwrap();
    assert_eq!(bytes, content.size);
    assert!(store.delete(id(1)).await.unwrap());
    store.begin_upload(id(2)).await.unwrap();
    store.append_upload(id(2), 0, generated(PIECES), None).await.unwrap();
    assert_eq!(store.finish_upload(id(2), Expectation::default()).await.unwrap().checksum, content.checksum);
    let taken = peak() - before;
    assert!(taken < MOST, "{taken} KiB");
}

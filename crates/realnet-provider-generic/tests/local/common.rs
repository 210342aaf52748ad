//! A store in a folder of its own, and the test program started again as another process.

use std::path::{Path, PathBuf};
use std::process::Command;

use futures::stream::StreamExt as _;
use realnet_core::Uuid;
use realnet_core::provider::{Content, ContentId, DataProvider, DataStream, Expectation};
use realnet_provider_generic::{LocalData, LocalOptions};
use tempfile::TempDir;

pub fn open(folder: &Path) -> LocalData {
    LocalData::open(folder, LocalOptions::default()).unwrap()
}

/// The error of a folder that can not be opened.
pub fn refused(folder: &Path) -> realnet_core::Error {
    LocalData::open(folder, LocalOptions::default()).unwrap_err()
}

pub fn fresh() -> (TempDir, LocalData) {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    (folder, store)
}

pub fn id(number: u128) -> ContentId {
    ContentId::new(Uuid::from_u128(number))
}

pub async fn put(store: &LocalData, number: u128, bytes: &[u8]) -> Content {
    store.put(id(number), realnet_testkit::data::whole(bytes), Expectation::default()).await.unwrap()
}

/// So many bytes, made while they are read.
pub fn generated(pieces: u64) -> DataStream {
    let piece = bytes::Bytes::from(realnet_testkit::data::sample(65_536, 1));
    futures::stream::iter(0..pieces).map(move |_| Ok(piece.clone())).boxed()
}

/// The file of a content.
pub fn file_of(folder: &Path, content: &Content) -> PathBuf {
    let id = content.id.to_string();
    let name = format!("{id}-{}-{}", content.size, content.checksum);
    folder.join("contents").join(&id[34..36]).join(&id[32..34]).join(name)
}

/// The names in a folder of a store.
pub fn names(folder: &Path, within: &str) -> Vec<String> {
    let entries = std::fs::read_dir(folder.join(within)).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// This test once more, in a process of its own that finds the folder in the environment.
pub fn again(program: &str, test: &str, variable: &str, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(variable, folder);
    command
}

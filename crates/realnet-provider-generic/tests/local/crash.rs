//! A process that is killed while it writes: what it acknowledged is there, and nothing else.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use realnet_core::clock::{IdSource as _, System};
use realnet_core::provider::{
    ContentId, DataProvider, DataProviderExt as _, Expectation, UploadProvider as _,
};
use realnet_testkit::data::{pieces, sample};

use super::common::{again, names, open};

const FOLDER: &str = "REALNET_TEST_CRASH";
/// Large enough for a kill to come in the middle of one.
const SIZE: usize = 3_000_000;

/// Stores contents and continues uploads, two at a time, and tells of each when it is acknowledged.
async fn write_until_killed(folder: &Path) {
    let store = open(folder);
    let upload = ContentId::new(System.next_id());
    store.begin_upload(upload).await.unwrap();
    let mut offset = 0;
    for seed in 0.. {
        let id = ContentId::new(System.next_id());
        let data = pieces(&sample(SIZE, seed), &[50_000]);
        let part = pieces(&sample(SIZE / 4, 1), &[50_000]);
        let put = store.put(id, data, Expectation::default());
        let (content, end) =
            futures::future::join(put, store.append_upload(upload, offset, part, None)).await;
        offset = end.unwrap();
        eprintln!("STORED {} {upload} {offset}", content.unwrap().id);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_loses_nothing_that_was_acknowledged() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return write_until_killed(&PathBuf::from(folder)).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut stored = Vec::<ContentId>::new();
    for round in 1..=4_usize {
        let mut command =
            again("env", "crash::a_kill_loses_nothing_that_was_acknowledged", FOLDER, folder.path());
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let mut told = lines.filter(|line| line.starts_with("STORED "));
        let mut line = String::new();
        for _ in 0..round {
            line = told.next().expect("the process stores until it is killed");
            stored.push(ContentId::parse(line.split(' ').nth(1).unwrap()).unwrap());
        }
        // Somewhere in the middle of the next.
        std::thread::sleep(std::time::Duration::from_millis(3 * round as u64));
        child.kill().unwrap();
        // What it acknowledged before it was killed counts as well.
        for line in told {
            stored.push(ContentId::parse(line.split(' ').nth(1).unwrap()).unwrap());
        }
        child.wait().unwrap();

        let store = open(folder.path());
        assert_eq!(names(folder.path(), "staging"), Vec::<String>::new(), "nothing half done is left");
        let listed = store.list(None, 1000).await.unwrap().contents;
        for entry in &listed {
            assert!(store.verify(entry.id).await.unwrap().is_some_and(|content| content.size == SIZE as u64));
        }
        let lost: Vec<_> = stored.iter().filter(|id| listed.iter().all(|entry| entry.id != **id)).collect();
        assert!(lost.is_empty(), "round {round}: {lost:?} are lost");
        assert!(listed.len() <= stored.len() + round, "at most one of each round was not told of");
        expect_upload(&store, &line).await;
    }
}

/// An upload has what was acknowledged, and can be gone on with.
async fn expect_upload(store: &realnet_provider_generic::LocalData, line: &str) {
    let mut words = line.split(' ').skip(2);
    let upload = ContentId::parse(words.next().unwrap()).unwrap();
    let acknowledged: u64 = words.next().unwrap().parse().unwrap();
    let offset = store.upload_offset(upload).await.unwrap().unwrap();
    assert!(offset >= acknowledged, "the upload is at {offset}, acknowledged were {acknowledged}");
    let end = pieces(&sample(10, 1), &[3]);
    assert_eq!(store.append_upload(upload, offset, end, None).await.unwrap(), offset + 10);
    store.finish_upload(upload, Expectation::default()).await.unwrap();
    assert!(store.verify(upload).await.unwrap().is_some_and(|content| content.size == offset + 10));
    assert!(store.delete(upload).await.unwrap());
}

#[tokio::test]
async fn leftovers_are_swept_at_start() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    let left = folder.path().join("staging/left");
    std::fs::write(&left, "half").unwrap();
    let upload = ContentId::new(System.next_id());
    let kept = folder.path().join("uploads").join(upload.to_string());
    std::fs::write(&kept, "part").unwrap();
    let store = open(folder.path());
    assert!(!left.exists());
    assert_eq!(store.upload_offset(upload).await.unwrap(), Some(4), "an upload can be gone on with");
}

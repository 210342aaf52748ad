//! A disk without room: it is said so, nothing half done is left, and what was there stays.

use std::path::{Path, PathBuf};
use std::process::Command;

use realnet_core::ErrorKind;
use realnet_core::provider::ItemProvider as _;
use serde_json::json;

use super::common::{ORG, again, create, eventually, open, task};

/// Files end at a bound of the process, wherever the disk ends.
const LIMITED: &str = "REALNET_TEST_LIMITED";

/// Changes are refused when there is no room for them, and accepted again when there is.
async fn expect_full(folder: &Path) {
    let world = open(folder).await;
    let kept = world.put("kept", json!({})).await;
    let before = world.store.changes(ORG, 0, 100).await.unwrap().len();
    let large = task("large", json!({"note": "x".repeat(3_900_000)}));
    let error = loop {
        let large = realnet_core::model::Item { id: super::common::task("", json!({})).id, ..large.clone() };
        if let Err(error) = world.commit(vec![create(&large), create(&task("beside", json!({})))]).await {
            assert!(world.get(large.id).await.is_none(), "what was refused is not there");
            break error;
        }
    };
    assert_eq!((error.kind(), error.message()), (ErrorKind::Unavailable, "the disk of the storage is full"));
    assert_eq!(world.get(kept.id).await.unwrap(), kept);
    let changes = world.store.changes(ORG, 0, 100).await.unwrap();
    assert!(changes.iter().enumerate().all(|(index, change)| change.revision == index as i64 + 1));
    assert!(changes.len() >= before);
    let small = world.rename(kept.id, "renamed").await;
    drop(small);
    let names = |world: &super::common::World| {
        let world = world.store.clone();
        async move { world.changes(ORG, 0, 1000).await.unwrap().len() }
    };
    let count = names(&world).await;
    let folder = world.close();
    let again = open(&folder).await;
    assert_eq!(names(&again).await, count, "the same is there after a start");
    assert!(again.get(kept.id).await.is_some());
    again.close();
}

/// Files that may not grow beyond a size, which the shell sets (and that the signal of it is ignored), and a file system of
/// its own where this user may mount one.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_said_so_and_loses_nothing() {
    struct Mounted(PathBuf);
    impl Drop for Mounted {
        fn drop(&mut self) {
            let _ = Command::new("umount").arg("--lazy").arg(&self.0).output();
        }
    }
    if let Some(folder) = std::env::var_os(LIMITED) {
        return expect_limited(&PathBuf::from(folder)).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let inner = again("env", "full::a_full_disk_is_said_so_and_loses_nothing", LIMITED, folder.path());
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 7000; exec \"$@\"", "sh"])
        .args(inner.get_args())
        .env(LIMITED, folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{output:?}");

    let folder = tempfile::tempdir().unwrap();
    let mount =
        Command::new("mount").args(["-t", "tmpfs", "-o", "size=30m", "tmpfs"]).arg(folder.path()).output();
    if mount.is_ok_and(|mount| mount.status.success()) {
        let _mounted = Mounted(folder.path().to_owned());
        expect_full(folder.path()).await;
    }
}

/// A change that no file can take is refused, and the next one is not.
async fn expect_limited(folder: &Path) {
    let world = open(folder).await;
    let kept = world.put("kept", json!({})).await;
    let large = || task("large", json!({"note": "x".repeat(3_900_000)}));
    let error = world.commit(vec![create(&large()), create(&large())]).await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::Unavailable, "the disk of the storage is full"));
    assert_eq!(world.store.changes(ORG, 0, 100).await.unwrap().len(), 1);
    world.rename(kept.id, "renamed").await.unwrap();
    world.put("another", json!({})).await;
    let folder = world.close();
    let world = open(&folder).await;
    assert_eq!(world.get(kept.id).await.unwrap().name, "renamed");
    assert_eq!(world.store.changes(ORG, 0, 100).await.unwrap().len(), 3);
    world.close();
    eventually(|| folder.exists());
}

//! A disk without room: it is said so, nothing half done is left, and what was there stays.

use std::path::{Path, PathBuf};
use std::process::Command;

use realnet_core::ErrorKind;
use realnet_core::provider::{DataProvider, DataProviderExt as _, Expectation, UploadProvider as _};
use realnet_testkit::data::{pieces, sample};

use super::common::{again, generated, id, names, open, put};

/// Files end at a bound of the process, wherever the disk ends.
const LIMITED: &str = "REALNET_TEST_LIMITED";

/// A content and an upload that are too large are refused, and the store goes on.
async fn expect_full(folder: &Path) {
    let store = open(folder);
    let kept = put(&store, 1, &sample(100_000, 1)).await;
    let error = store.put(id(2), generated(200), Expectation::default()).await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::Unavailable, "the disk of the storage is full"));
    assert_eq!(store.head(id(2)).await.unwrap(), None);
    assert_eq!(names(folder, "staging"), Vec::<String>::new());

    store.begin_upload(id(3)).await.unwrap();
    let bytes = sample(5_000_000, 3);
    let error = store.append_upload(id(3), 0, pieces(&bytes, &[70_000]), None).await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::Unavailable, "the disk of the storage is full"));
    let offset = store.upload_offset(id(3)).await.unwrap().unwrap() as usize;
    assert!(offset > 0 && offset < bytes.len(), "as much as fits is kept, not {offset}");
    let content = store.finish_upload(id(3), Expectation::default()).await.unwrap();
    assert_eq!(content.checksum, realnet_testkit::data::checksum(&bytes[..offset]));
    assert_eq!(store.verify(kept.id).await.unwrap(), Some(kept));
    assert!(store.delete(id(3)).await.unwrap());
    put(&store, 4, &sample(100_000, 1)).await;
}

/// Files that may not grow beyond a size, which the shell sets (and that the signal of it is ignored), and a file system of
/// its own where this user may mount one.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_is_said_so_and_loses_nothing() {
    struct Mounted(PathBuf);
    impl Drop for Mounted {
        fn drop(&mut self) {
            let _ = Command::new("umount").arg("--lazy").arg(&self.0).output();
        }
    }
    if let Some(folder) = std::env::var_os(LIMITED) {
        return expect_full(&PathBuf::from(folder)).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let inner = again("env", "full::a_full_disk_is_said_so_and_loses_nothing", LIMITED, folder.path());
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 4000; exec \"$@\"", "sh"])
        .args(inner.get_args())
        .env(LIMITED, folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{output:?}");

    let folder = tempfile::tempdir().unwrap();
    let mount =
        Command::new("mount").args(["-t", "tmpfs", "-o", "size=3m", "tmpfs"]).arg(folder.path()).output();
    if mount.is_ok_and(|mount| mount.status.success()) {
        let _mounted = Mounted(folder.path().to_owned());
        expect_full(folder.path()).await;
    }
}

//! Which folders are opened, by whom, and with which rights.

use std::fs;
use std::path::Path;
use std::process::Command;

use realnet_core::ErrorKind;
use realnet_core::provider::{DataProvider, DataProviderExt as _};

use super::common::{fresh, open, put, refused};

#[test]
fn one_has_a_folder() {
    let (folder, store) = fresh();
    let error = refused(folder.path());
    assert_eq!(error.kind(), ErrorKind::Conflict);
    let name = folder.path().display().to_string();
    assert!(error.message().contains(&name) && error.message().contains("in use"), "{error:?}");
    drop(store);
    drop(open(folder.path()));
}

#[test]
fn a_folder_of_other_files_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("thesis.txt"), "theirs").unwrap();
    let error = refused(folder.path());
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.message().contains("other files"), "{error:?}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    // What file systems have of their own does not count.
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("lost+found")).unwrap();
    drop(open(folder.path()));
}

#[test]
fn a_newer_format_is_refused() {
    let (folder, store) = fresh();
    drop(store);
    fs::write(folder.path().join("realnet-data"), "contents, version 2\n").unwrap();
    let error = refused(folder.path());
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.message().contains("newer"), "{error:?}");
}

/// A start that was ended before the format was written has left an empty mark.
#[tokio::test]
async fn a_first_start_can_be_repeated() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("realnet-data"), "").unwrap();
    let store = open(folder.path());
    let content = put(&store, 1, b"abc").await;
    drop(store);
    assert_eq!(open(folder.path()).verify(content.id).await.unwrap(), Some(content));
}

#[test]
fn what_is_no_folder_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let path = file.join("storage");
    let error = refused(&path);
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.message().contains(&path.display().to_string()), "{error:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn files_are_for_the_server_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    fn modes(path: &Path, found: &mut Vec<(bool, u32)>) {
        for entry in fs::read_dir(path).unwrap() {
            let entry = entry.unwrap();
            let metadata = entry.metadata().unwrap();
            found.push((metadata.is_dir(), metadata.permissions().mode() & 0o777));
            if metadata.is_dir() {
                modes(&entry.path(), found);
            }
        }
    }
    let above = tempfile::tempdir().unwrap();
    let folder = above.path().join("a/storage");
    let store = open(&folder);
    put(&store, 1, b"abc").await;
    let mut found = Vec::new();
    modes(above.path(), &mut found);
    assert_eq!(found.len(), 9, "two folders, three within, two for the content, two files: {found:?}");
    for (is_folder, mode) in found {
        assert_eq!(mode, if is_folder { 0o700 } else { 0o600 });
    }
}

/// Rights do not stop root, so another user looks.
#[cfg(unix)]
#[tokio::test]
async fn a_folder_without_rights_is_named() {
    use std::os::unix::fs::PermissionsExt as _;
    const FOLDER: &str = "REALNET_TEST_NO_RIGHTS";
    let rights = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let expect_refusal = |path: &Path| {
        let error = refused(path);
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.message().contains("check the rights of its folder"), "{error:?}");
    };
    if let Some(folder) = std::env::var_os(FOLDER) {
        return expect_refusal(Path::new(&folder));
    }
    let folder = tempfile::tempdir().unwrap();
    let closed = folder.path().join("closed");
    fs::create_dir(&closed).unwrap();
    rights(&closed, 0);
    if fs::read_dir(&closed).is_err() {
        expect_refusal(&closed);
        return rights(&closed, 0o700);
    }
    rights(folder.path(), 0o777);
    let program = folder.path().join("test");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let output = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(&program)
        .args(["--exact", "opening::a_folder_without_rights_is_named"])
        .env(FOLDER, &closed)
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{output:?}");
}

/// A store whose folder has lost its rights or its files says so when it is asked, and serves again when they are back.
#[tokio::test]
async fn a_store_that_fails_says_so() {
    let (folder, store) = fresh();
    store.check().await.unwrap();
    let (staging, away) = (folder.path().join("staging"), folder.path().join("away"));
    fs::rename(&staging, &away).unwrap();
    assert_eq!(store.check().await.unwrap_err().kind(), ErrorKind::Unavailable);
    fs::rename(&away, &staging).unwrap();
    store.check().await.unwrap();
    assert_eq!(fs::read_dir(&staging).unwrap().count(), 0);
}

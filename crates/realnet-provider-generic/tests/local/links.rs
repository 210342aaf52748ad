//! Symbolic links that somebody has put into the folder: none is followed, for reading or for writing.

#![cfg(unix)]

use std::fs;
use std::os::unix::fs::symlink;

use realnet_core::ErrorKind;
use realnet_core::provider::{ByteRange, DataProvider, Expectation, UploadProvider as _};
use realnet_testkit::data::whole;

use super::common::{file_of, fresh, id, put, refused};

#[tokio::test]
async fn a_link_in_the_place_of_a_content_is_no_content() {
    let (folder, store) = fresh();
    let secret = folder.path().join("secret");
    fs::write(&secret, "12345").unwrap();
    let content = put(&store, 1, b"abcde").await;
    let path = file_of(folder.path(), &content);
    fs::remove_file(&path).unwrap();
    symlink(&secret, &path).unwrap();
    assert!(store.get(content.id, ByteRange::All).await.unwrap().is_none());
    assert_eq!(store.head(content.id).await.unwrap(), None);
    assert_eq!(store.list(None, 10).await.unwrap().contents, []);
    assert!(!store.delete(content.id).await.unwrap());
    assert_eq!(fs::read(&secret).unwrap(), b"12345");
}

#[tokio::test]
async fn a_link_in_the_place_of_a_folder_is_refused() {
    let (folder, store) = fresh();
    let elsewhere = tempfile::tempdir().unwrap();
    let content = put(&store, 1, b"abcde").await;
    let upper = folder.path().join("contents").join("01");
    fs::rename(&upper, elsewhere.path().join("01")).unwrap();
    symlink(elsewhere.path().join("01"), &upper).unwrap();
    let error = store.get(content.id, ByteRange::All).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal);
    assert!(error.report().contains("somebody else has put it there"), "{error:?}");
    assert!(store.delete(content.id).await.is_err());
    let error = store.put(id(0x0101), whole(b"x"), Expectation::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal, "{error:?}");
    assert_eq!(store.list(None, 10).await.unwrap().contents, []);
    assert!(!elsewhere.path().join("01").join("01").exists(), "nothing is made behind a link");
}

#[tokio::test]
async fn a_link_in_the_place_of_an_upload_is_not_written_through() {
    let (folder, store) = fresh();
    let victim = folder.path().join("victim");
    fs::write(&victim, "").unwrap();
    symlink(&victim, folder.path().join("uploads").join(id(1).to_string())).unwrap();
    assert_eq!(store.begin_upload(id(1)).await.unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(store.upload_offset(id(1)).await.unwrap(), None);
    assert_eq!(
        store.append_upload(id(1), 0, whole(b"x"), None).await.unwrap_err().kind(),
        ErrorKind::Internal
    );
    assert!(store.finish_upload(id(1), Expectation::default()).await.is_err());
    assert!(store.abort_upload(id(1)).await.unwrap(), "the link itself goes");
    assert_eq!(fs::read(&victim).unwrap(), b"");
}

#[tokio::test]
async fn links_within_are_refused_at_start() {
    let elsewhere = tempfile::tempdir().unwrap();
    for name in ["contents", "staging", "uploads"] {
        let (folder, store) = fresh();
        drop(store);
        let path = folder.path().join(name);
        fs::remove_dir(&path).unwrap();
        fs::write(elsewhere.path().join("theirs"), "kept").unwrap();
        symlink(elsewhere.path(), &path).unwrap();
        let error = refused(folder.path());
        assert_eq!(error.kind(), ErrorKind::Internal, "{error:?}");
        assert!(elsewhere.path().join("theirs").exists());
    }
    let (folder, store) = fresh();
    drop(store);
    let mark = folder.path().join("realnet-data");
    fs::rename(&mark, elsewhere.path().join("mark")).unwrap();
    symlink(elsewhere.path().join("mark"), &mark).unwrap();
    assert_eq!(refused(folder.path()).kind(), ErrorKind::Internal);
}

//! Files that have become others than they were.

use std::fs;

use realnet_core::ErrorKind;
use realnet_core::provider::{ByteRange, DataProvider, DataProviderExt as _, Expectation};
use realnet_provider_generic::{LocalData, LocalOptions};
use realnet_testkit::data::{collect, sample, whole};

use super::common::{file_of, fresh, id, put};

#[tokio::test]
async fn a_file_that_was_cut_is_not_given() {
    let (folder, store) = fresh();
    let content = put(&store, 1, &sample(500_000, 1)).await;
    let file = fs::File::options().write(true).open(file_of(folder.path(), &content)).unwrap();
    let reading = store.get(content.id, ByteRange::All).await.unwrap().unwrap();
    file.set_len(300_000).unwrap();
    let error = collect(reading.data).await.unwrap_err();
    assert!(error.report().contains("shorter"), "{error:?}");
    let error = store.get(content.id, ByteRange::Span(0, 9)).await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::Internal, "an internal error occurred"));
    assert!(error.report().contains("damaged"), "{error:?}");
}

#[tokio::test]
async fn a_changed_byte_is_found_by_who_verifies() {
    let (folder, store) = fresh();
    let bytes = sample(500_000, 1);
    let content = put(&store, 1, &bytes).await;
    let mut changed = bytes.clone();
    changed[400_000] ^= 1;
    fs::write(file_of(folder.path(), &content), &changed).unwrap();
    let read = store.get(content.id, ByteRange::All).await.unwrap().unwrap();
    assert!(collect(read.data).await.unwrap() == changed);
    for error in [
        store.verify(content.id).await.unwrap_err(),
        store.copy(content.id, id(2)).await.unwrap_err(),
        collect(store.get_verified(content.id).await.unwrap().unwrap().data).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Internal);
        assert!(error.report().contains(&format!("content {} is damaged", content.id)), "{error:?}");
    }
    assert_eq!(store.head(id(2)).await.unwrap(), None, "damage is not copied");
}

/// Files of others in the folders are left alone, and a bound counts ours from the start.
#[tokio::test]
async fn other_files_are_passed_over() {
    let (folder, store) = fresh();
    let content = put(&store, 1, &sample(1000, 1)).await;
    let beside = file_of(folder.path(), &content).with_file_name(".DS_Store");
    fs::write(&beside, "theirs").unwrap();
    fs::create_dir(folder.path().join("contents/zz")).unwrap();
    assert_eq!(store.list(None, 10).await.unwrap().contents.len(), 1);
    drop(store);
    let store = LocalData::open(folder.path(), LocalOptions { quota: Some(1500) }).unwrap();
    assert_eq!(store.usage().await.unwrap().used, Some(1000));
    let error = store.put(id(2), whole(&sample(501, 1)), Expectation::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert!(store.delete(content.id).await.unwrap() && beside.exists());
}

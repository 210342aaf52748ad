//! Opening: one process at a time, folders of others, and a look that changes nothing.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::SystemTime;

use realnet_core::ErrorKind;
use realnet_core::provider::ItemProvider as _;
use realnet_provider_generic::{DocumentStore, Edits, MemoryStore};
use realnet_provider_json::JsonCodec;
use serde_json::json;

use super::common::open;

fn message(folder: &Path) -> String {
    let error = realnet_provider_json::open(folder).map(|_| ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    error.message().to_owned()
}

#[tokio::test]
async fn one_has_it_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let world = open(folder.path()).await;
    assert!(message(folder.path()).contains("in use by another server"));
    let looked = DocumentStore::look(folder.path(), &JsonCodec, Edits::PassedOver).map(|_: MemoryStore| ());
    assert!(looked.unwrap_err().message().contains("in use by another server"));
    world.documents.close();
    let refused = world.commit(vec![super::common::create(&super::common::task("late", json!({})))]).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Unavailable);
    open(folder.path()).await.close();
}

#[test]
fn a_folder_of_something_else_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("items")).unwrap();
    assert!(message(folder.path()).contains("a folder 'items' already"));
    let names: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(names, ["items"]);
    assert!(!DocumentStore::holds(folder.path()));

    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("realnet-store"), "documents, version 1, yaml\n").unwrap();
    assert!(message(folder.path()).contains("its documents are yaml, not json"));
    assert!(DocumentStore::holds(folder.path()));
    std::fs::write(folder.path().join("realnet-store"), "documents, version 2, json\n").unwrap();
    assert!(message(folder.path()).contains("a newer version"));
}

/// All files with their times and texts.
fn files(folder: &Path, found: &mut BTreeMap<String, (SystemTime, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, found);
        } else {
            let modified = entry.metadata().unwrap().modified().unwrap();
            found.insert(path.display().to_string(), (modified, std::fs::read(&path).unwrap()));
        }
    }
}

#[tokio::test]
async fn a_look_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let world = open(folder.path()).await;
    let item = world.put("here", json!({})).await;
    let access = world.access();
    world.close();
    let (mut before, mut after) = (BTreeMap::new(), BTreeMap::new());
    files(folder.path(), &mut before);
    let store = DocumentStore::look(folder.path(), &JsonCodec, Edits::Refused).unwrap();
    assert_eq!(store.get(&access, item.id).await.unwrap(), Some(item));
    files(folder.path(), &mut after);
    assert_eq!(before, after);
    assert!(before.keys().any(|name| name.ends_with("/.gitignore")));
}

#[cfg(unix)]
#[tokio::test]
async fn what_is_private_is_for_the_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("new/store");
    open(&inner).await.close();
    for path in [inner.clone(), inner.join(".realnet")] {
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "{}", path.display());
    }
    let ignored = std::fs::read_to_string(inner.join(".gitignore")).unwrap();
    assert!(ignored.lines().any(|line| line == "/.realnet/"));
}

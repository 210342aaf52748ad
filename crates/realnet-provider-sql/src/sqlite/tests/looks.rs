//! Looks that change nothing: at a file that was closed, at one that a crash has left, and beside a server.

use std::collections::BTreeMap;

use realnet_core::provider::TypeProvider as _;

use super::*;

/// The files of a folder, but for the index of a log, which readers write to as well.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    let named = entries.map(|entry| (entry.file_name().into_string().unwrap(), entry.path()));
    named
        .filter(|(name, _)| !name.ends_with("-shm"))
        .map(|(name, path)| (name, std::fs::read(path).unwrap()))
        .collect()
}

/// Looks as a check does; answers whether an item is there.
async fn look(path: &Path, access: &Access, id: Uuid) -> bool {
    let config = SqliteConfig::new(path);
    assert_eq!(SqliteStore::pending(&config).unwrap(), None);
    let store = SqliteStore::look(config).unwrap();
    assert_eq!(store.load_types().await.unwrap().definitions.len(), 1);
    let found = store.get(access, id).await.unwrap().is_some();
    let refused =
        store.commit(access, set(vec![create(access, access.registry.types().next().unwrap().id(), 1).1]));
    assert_eq!(refused.await.unwrap_err().kind(), ErrorKind::Unavailable);
    store.close().await.unwrap();
    found
}

#[tokio::test]
async fn a_look_changes_nothing() {
    let (folder, path) = folder();
    let (store, access, type_id) = with_type(&path).await;
    let (first, operation) = create(&access, type_id, 10);
    store.commit(&access, set(vec![operation])).await.unwrap();
    // Beside a server, which goes on.
    assert!(look(&path, &access, first).await);
    let (second, operation) = create(&access, type_id, 10);
    store.commit(&access, set(vec![operation])).await.unwrap();
    assert!(look(&path, &access, second).await);

    // What a crash leaves: changes that stand in the log alone. The name is one that has to be written otherwise in an address.
    let crashed = tempfile::tempdir().unwrap();
    let left = crashed.path().join("a%20 b?c#.db");
    for suffix in ["", "-wal", ".lock"] {
        std::fs::copy(super::super::beside(&path, suffix), super::super::beside(&left, suffix)).unwrap();
    }
    let before = files(crashed.path());
    assert!(before["a%20 b?c#.db-wal"].len() > 4096);
    assert!(look(&left, &access, second).await);
    assert!(files(crashed.path()) == before, "the log is still there");
    let opened = open(&left);
    assert!(opened.get(&access, second).await.unwrap().is_some());
    drop(opened);

    store.close().await.unwrap();
    drop(store);
    let before = files(folder.path());
    assert!(!before.contains_key("store.db-wal"));
    assert!(look(&path, &access, second).await);
    assert!(files(folder.path()) == before);
}

#[test]
fn a_look_refuses_what_a_start_would() {
    let (_folder, path) = folder();
    std::fs::write(&path, "no database at all, but long enough to be looked at as one. ".repeat(100))
        .unwrap();
    assert_eq!(SqliteStore::pending(&SqliteConfig::new(&path)).unwrap_err().kind(), ErrorKind::Unavailable);
    std::fs::remove_file(&path).unwrap();
    Connection::open(&path).unwrap().batch("CREATE TABLE theirs (a)").unwrap();
    assert_eq!(SqliteStore::pending(&SqliteConfig::new(&path)).unwrap_err().kind(), ErrorKind::Conflict);
}

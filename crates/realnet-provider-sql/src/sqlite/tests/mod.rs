//! Faults: each has a clear error by name, and nothing is lost.

mod budgets;
mod groups;
mod looks;
mod moments;
mod papers;
mod refusals;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use diesel_migrations::MigrationHarness as _;
use realnet_core::acl::Caller;
use realnet_core::change::{ChangeSet, Operation};
use realnet_core::clock::{IdSource as _, System, Timestamp};
use realnet_core::model::{Attributes, Item, TypeDefinition};
use realnet_core::provider::{Access, CredentialProvider as _, ItemProvider as _};
use realnet_core::registry::{TypeRegistry, TypeSnapshot};
use realnet_core::{Error, ErrorKind, Uuid};
use serde_json::json;

use super::connection::Connection;
use super::schema::MIGRATIONS;
use super::writer::LOG_PAGES;
use super::{SqliteConfig, SqliteStore};
use crate::statement::Statement;

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    (folder, path)
}

fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(SqliteConfig::new(path)).unwrap()
}

fn refused(path: &Path) -> Error {
    SqliteStore::open(SqliteConfig { busy_timeout: 50, ..SqliteConfig::new(path) }).err().expect("an error")
}

/// A store with one type, and access of the system to it.
async fn with_type(path: &Path) -> (SqliteStore, Access, Uuid) {
    let store = open(path);
    let org = System.next_id();
    let document = json!({"id": System.next_id(), "org": null, "name": "Item", "base": null, "attributes": {},
        "fields": [], "access": null, "instances": [], "version": 1});
    let definition: TypeDefinition = serde_json::from_value(document).unwrap();
    let type_id = definition.id;
    let before = Arc::new(TypeRegistry::build(TypeSnapshot::default()).unwrap());
    let snapshot = TypeSnapshot::of(vec![definition.clone()]);
    let registry = Arc::new(TypeRegistry::build(snapshot).unwrap());
    let caller = Arc::new(Caller::system(org));
    let mut changes = set(vec![Operation::PutType(Box::new(definition))]);
    changes.next_registry = Some(Arc::clone(&registry));
    store.commit(&Access { caller: Arc::clone(&caller), registry: before }, changes).await.unwrap();
    (store, Access { caller, registry }, type_id)
}

fn set(operations: Vec<Operation>) -> ChangeSet {
    ChangeSet::new(operations, Timestamp::from_micros(1), Arc::from("test"))
}

fn create(access: &Access, type_id: Uuid, size: usize) -> (Uuid, Operation) {
    let id = System.next_id();
    let item = Item {
        name: "x".to_owned(),
        attributes: Attributes::from_map(json!({"text": "y".repeat(size)}).as_object().cloned().unwrap()),
        ..Item::new(id, type_id, Arc::from("Item"), access.caller.org)
    };
    (id, Operation::Create(Box::new(item)))
}

#[test]
fn migrations_go_up_down_and_up_again() {
    let (_folder, path) = folder();
    let mut connection = Connection::open(&path).unwrap();
    let objects = |connection: &mut Connection| {
        let names = "SELECT count(*) FROM sqlite_schema WHERE name NOT LIKE '\\_\\_diesel%' ESCAPE '\\' \
                     AND name NOT LIKE 'sqlite%'";
        connection.number(&Statement::of(names)).unwrap()
    };
    connection.inner().run_pending_migrations(MIGRATIONS).unwrap();
    let all = objects(&mut connection);
    assert!(all > 20);
    connection.inner().revert_all_migrations(MIGRATIONS).unwrap();
    assert_eq!(objects(&mut connection), 0);
    connection.inner().run_pending_migrations(MIGRATIONS).unwrap();
    assert_eq!(objects(&mut connection), all);
}

#[test]
fn what_is_pending_is_told_and_left() {
    let (folder, path) = folder();
    let config = SqliteConfig::new(&path);
    let all = SqliteStore::pending(&config).unwrap().unwrap();
    assert_eq!(all.present, 0);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "no file is made");

    let mut connection = Connection::open(&path).unwrap();
    connection.batch("PRAGMA application_id = 1380869492; PRAGMA journal_mode = WAL").unwrap();
    connection.inner().run_next_migration(MIGRATIONS).unwrap();
    drop(connection);
    let before = std::fs::read(&path).unwrap();
    let pending = SqliteStore::pending(&config).unwrap().unwrap();
    assert_eq!((pending.present, pending.missing.as_slice()), (1, &all.missing[1..]));
    assert_eq!(pending.to_string(), format!("migrations 2 to {}", all.missing.len()));
    assert!(std::fs::read(&path).unwrap() == before, "the file is as it was");

    drop(open(&path));
    assert_eq!(SqliteStore::pending(&config).unwrap(), None);
    let mut connection = Connection::open(&path).unwrap();
    // One that is missing below the newest one is run as well.
    connection.batch(include_str!("../../../migrations/sqlite/0002_access/down.sql")).unwrap();
    connection.batch("DELETE FROM __diesel_schema_migrations WHERE version = '0002'").unwrap();
    drop(connection);
    assert_eq!(SqliteStore::pending(&config).unwrap().unwrap().missing, [2]);
    drop(open(&path));
    assert_eq!(SqliteStore::pending(&config).unwrap(), None);
    let mut connection = Connection::open(&path).unwrap();
    connection.batch("INSERT INTO __diesel_schema_migrations (version) VALUES ('9999')").unwrap();
    drop(connection);
    assert_eq!(SqliteStore::pending(&config).unwrap_err().kind(), ErrorKind::Unsupported);
}

#[test]
fn a_newer_schema_is_refused() {
    let (_folder, path) = folder();
    drop(open(&path));
    let mut connection = Connection::open(&path).unwrap();
    connection.batch("INSERT INTO __diesel_schema_migrations (version) VALUES ('9999')").unwrap();
    drop(connection);
    let error = refused(&path);
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.message().contains("9999"), "{error}");
}

#[test]
fn other_files_are_left_alone() {
    let (_folder, path) = folder();
    let text = "this is a letter, not a database. ".repeat(100);
    std::fs::write(&path, &text).unwrap();
    assert!(refused(&path).message().contains("no SQLite database"), "{}", refused(&path));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);

    let (_folder, path) = folder();
    Connection::open(&path).unwrap().batch("CREATE TABLE letters (text TEXT)").unwrap();
    let error = refused(&path);
    assert_eq!(
        (error.kind(), error.message()),
        (ErrorKind::Conflict, "the database file belongs to another program")
    );
}

#[test]
fn a_damaged_file_is_named() {
    let (_folder, path) = folder();
    drop(open(&path));
    let mut bytes = std::fs::read(&path).unwrap();
    assert!(bytes.len() > 4096);
    // The header stays, so that it still looks like a database.
    bytes[100..4000].fill(0xa5);
    std::fs::write(&path, bytes).unwrap();
    let error = refused(&path);
    assert!(error.message().contains("damaged"), "{}", error.report());
}

#[test]
fn paths_that_can_not_be_are_named() {
    let (folder, _) = folder();
    let error = refused(&folder.path().join("no/such/folder/store.db"));
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.message().contains("lock file"), "{error}");
    let error = refused(folder.path());
    assert!(error.message().contains("can not be opened"), "{error}");
}

#[test]
fn two_stores_do_not_share_a_file() {
    let (_folder, path) = folder();
    let first = open(&path);
    let error = refused(&path);
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.message().contains("in use"), "{error}");
    drop(first);
    drop(open(&path));
}

#[tokio::test]
async fn a_lock_of_another_program_is_named_and_passes() {
    let (_folder, path) = folder();
    let (store, access, type_id) = with_type(&path).await;
    store.close().await.unwrap();
    drop(store);
    let store = SqliteStore::open(SqliteConfig { busy_timeout: 50, ..SqliteConfig::new(&path) }).unwrap();
    let mut other = Connection::open(&path).unwrap();
    other.batch("BEGIN IMMEDIATE").unwrap();
    let (id, operation) = create(&access, type_id, 10);
    let error = store.commit(&access, set(vec![operation.clone()])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.is_retryable() && error.message().contains("locked by another program"), "{error}");
    assert!(store.get(&access, id).await.unwrap().is_none());
    other.batch("ROLLBACK").unwrap();
    store.commit(&access, set(vec![operation])).await.unwrap();
    assert!(store.get(&access, id).await.unwrap().is_some());
}

#[tokio::test]
async fn a_full_disk_is_named_and_loses_nothing() {
    let (_folder, path) = folder();
    let (store, access, type_id) = with_type(&path).await;
    let limit = |pages: i64| Statement::of(format!("PRAGMA max_page_count = {pages}"));
    let (kept, operation) = create(&access, type_id, 10);
    store.commit(&access, set(vec![operation])).await.unwrap();
    // SQLite answers a full file as it does a full disk.
    let small = limit(1);
    store.writer.submit(move |transaction| transaction.connection.number(&small)).await.unwrap();
    let (lost, big) = create(&access, type_id, 3_000_000);
    let error = store.commit(&access, set(vec![big])).await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::Unavailable, "the disk of the database is full"));
    assert!(store.get(&access, kept).await.unwrap().is_some());
    assert!(store.get(&access, lost).await.unwrap().is_none());
    let large = limit(1_000_000);
    store.writer.submit(move |transaction| transaction.connection.number(&large)).await.unwrap();
    let (later, operation) = create(&access, type_id, 3_000_000);
    store.commit(&access, set(vec![operation])).await.unwrap();
    assert!(store.get(&access, later).await.unwrap().is_some());
    assert_eq!(store.changes(access.caller.org, 0, 10).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_panic_takes_back_its_own_change_set_only() {
    let (_folder, path) = folder();
    let (store, access, type_id) = with_type(&path).await;
    let (id, operation) = create(&access, type_id, 10);
    store.commit(&access, set(vec![operation])).await.unwrap();
    let edit = Operation::Update {
        id,
        expected_version: None,
        edit: Arc::new(|_: &Item| panic!("an edit of a test panics")),
    };
    let (inside, operation) = create(&access, type_id, 10);
    let error = store.commit(&access, set(vec![operation, edit])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal);
    assert!(store.get(&access, inside).await.unwrap().is_none());
    let (after, operation) = create(&access, type_id, 10);
    store.commit(&access, set(vec![operation])).await.unwrap();
    assert!(store.get(&access, after).await.unwrap().is_some());
}

#[tokio::test]
async fn a_closed_store_says_so() {
    let (_folder, path) = folder();
    let (store, access, type_id) = with_type(&path).await;
    store.close().await.unwrap();
    store.close().await.unwrap();
    let (id, operation) = create(&access, type_id, 10);
    let written = store.commit(&access, set(vec![operation])).await.unwrap_err();
    let read = store.get(&access, id).await.unwrap_err();
    for error in [written, read] {
        assert_eq!((error.kind(), error.message()), (ErrorKind::Unavailable, "the store is closed"));
    }
    let log = std::fs::metadata(super::beside(&path, "-wal")).map_or(0, |file| file.len());
    assert_eq!(log, 0, "the write-ahead log is empty after closing");
}

#[tokio::test]
async fn the_log_is_copied_into_the_file_beside_the_writes() {
    let (_folder, path) = folder();
    let (store, access, type_id) = with_type(&path).await;
    let length = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
    let log = super::beside(&path, "-wal");
    let write = async || {
        let operations = (0..20).map(|_| create(&access, type_id, 50_000).1).collect();
        store.commit(&access, set(operations)).await.unwrap();
    };
    for _ in 0..12 {
        write().await;
    }
    // Less than what the writer itself waits for.
    assert!(length(&log) < LOG_PAGES as u64 * 4096 / 2, "{}", length(&log));
    let begun = std::time::Instant::now();
    while length(&path) < 10_000_000 {
        assert!(begun.elapsed().as_secs() < 20, "{} of {}", length(&path), length(&log));
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    for _ in 0..55 {
        write().await;
    }
    let most = LOG_PAGES as u64 * 4120 * 5 / 4;
    assert!(length(&log) < most, "the log does not grow without an end: {}", length(&log));
    store.close().await.unwrap();
    assert_eq!(length(&log), 0);
}

#[tokio::test]
async fn who_holds_what_is_known_after_a_start() {
    let (_folder, path) = folder();
    let (store, access, type_id) = with_type(&path).await;
    let (name, base) = ("Other".to_owned(), Some("Item".to_owned()));
    let other = TypeDefinition { id: System.next_id(), name, base, ..definition(&access, type_id) };
    let snapshot =
        TypeSnapshot { revision: 2, ..TypeSnapshot::of(vec![definition(&access, type_id), other.clone()]) };
    let registry = Arc::new(TypeRegistry::build(snapshot).unwrap());
    let mut changes = set(vec![Operation::PutType(Box::new(other.clone()))]);
    changes.next_registry = Some(Arc::clone(&registry));
    store.commit(&access, changes).await.unwrap();
    let mut orgs: Vec<Uuid> = (0..5).map(|_| System.next_id()).collect();
    orgs.sort_unstable();
    for (index, org) in orgs.iter().enumerate() {
        let access = Access { caller: Arc::new(Caller::system(*org)), registry: Arc::clone(&registry) };
        let types = [vec![type_id, other.id], vec![type_id], vec![other.id]][index % 3].clone();
        let operations = types.iter().flat_map(|id| [create(&access, *id, 1).1, create(&access, *id, 1).1]);
        store.commit(&access, set(operations.collect())).await.unwrap();
    }
    drop(store);
    let store = open(&path);
    let holders = |id| {
        let mut holders = store.shared.holders(id);
        holders.sort_unstable();
        holders
    };
    assert_eq!(holders(type_id), [orgs[0], orgs[1], orgs[3], orgs[4]]);
    assert_eq!(holders(other.id), [orgs[0], orgs[2], orgs[3]]);
    assert!(holders(System.next_id()).is_empty());
}

fn definition(access: &Access, type_id: Uuid) -> TypeDefinition {
    TypeDefinition::clone(access.registry.require(type_id).unwrap().definition())
}

#[tokio::test]
async fn settings_and_items_outlive_the_store() {
    let (_folder, path) = folder();
    let (store, access, type_id) = with_type(&path).await;
    assert_eq!(store.setting_or_insert("key", vec![1]).await.unwrap(), [1]);
    let (id, operation) = create(&access, type_id, 10);
    store.commit(&access, set(vec![operation])).await.unwrap();
    drop(store);
    let store = open(&path);
    assert_eq!(store.setting_or_insert("key", vec![2]).await.unwrap(), [1]);
    assert!(store.get(&access, id).await.unwrap().is_some());
    assert_eq!(*store.shared.type_revision.borrow(), 1);
}

/// A file that may be read only is seen through the eyes of a user who does not own it: rights do not stop root.
#[cfg(unix)]
#[test]
fn a_read_only_file_is_named() {
    use std::os::unix::fs::PermissionsExt as _;
    const PATH: &str = "REALNET_TEST_READ_ONLY";
    if let Some(path) = std::env::var_os(PATH) {
        // The process of the other user.
        let error = refused(Path::new(&path));
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.message().contains("read-only"), "{}", error.report());
        return;
    }
    let (folder, path) = folder();
    drop(open(&path));
    let rights = |path: &Path, mode: u32| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    rights(&path, 0o444);
    let is_root = std::fs::OpenOptions::new().write(true).open(&path).is_ok();
    if !is_root {
        let error = refused(&path);
        assert!(error.message().contains("read-only"), "{}", error.report());
        return;
    }
    // Everything else is open to the other user, so that the file itself is what stops it.
    rights(folder.path(), 0o777);
    rights(&super::beside(&path, ".lock"), 0o666);
    let program = folder.path().join("test");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let output = std::process::Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(&program)
        .args(["--exact", "sqlite::tests::a_read_only_file_is_named"])
        .env(PATH, &path)
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{output:?}");
}

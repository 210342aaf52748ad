//! Change sets that share a transaction: what fails takes nothing of the others along, and nobody hears of what was not
//! kept.

use std::collections::HashSet;
use std::sync::Arc;

use realnet_core::change::Outcome;
use serde_json::Value;

use super::*;

/// How many write at once.
const WRITERS: usize = 8;

/// A store whose type has a unique field `code`.
async fn with_code(path: &Path) -> (SqliteStore, Access, Uuid) {
    let (store, access, type_id) = with_type(path).await;
    let mut definition = TypeDefinition::clone(access.registry.require(type_id).unwrap().definition());
    definition.fields =
        serde_json::from_value(json!([{"name": "code", "type": "string", "unique": true}])).unwrap();
    let snapshot = TypeSnapshot { revision: 2, ..TypeSnapshot::of(vec![definition.clone()]) };
    let registry = Arc::new(TypeRegistry::build(snapshot).unwrap());
    let mut changes = set(vec![Operation::PutType(Box::new(definition))]);
    changes.next_registry = Some(Arc::clone(&registry));
    store.commit(&access, changes).await.unwrap();
    (store, Access { registry, ..access }, type_id)
}

fn create_with(access: &Access, type_id: Uuid, key: &str, value: Value) -> (Uuid, Operation) {
    let (id, operation) = create(access, type_id, 1);
    let Operation::Create(mut item) = operation else { unreachable!("create makes one") };
    item.attributes = Attributes::from_map([(key.to_owned(), value)].into_iter().collect());
    (id, Operation::Create(item))
}

fn add_one(id: Uuid) -> Operation {
    let edit = |item: &Item| {
        let mut map = item.attributes.as_map().clone();
        let number = map.get("number").and_then(Value::as_i64).unwrap_or(0);
        map.insert("number".to_owned(), json!(number + 1));
        Ok(Item { attributes: Attributes::from_map(map), ..item.clone() })
    };
    Operation::Update { id, expected_version: None, edit: Arc::new(edit) }
}

/// Holds the writer up until all of `sets` wait for it, so that they form one group.
async fn at_once(
    store: &SqliteStore,
    access: &Access,
    sets: Vec<ChangeSet>,
) -> Vec<Result<Vec<Outcome>, Error>> {
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let held = store.writer.submit(move |_| {
        let _ = wait.recv();
        Ok(())
    });
    let commits = futures::future::join_all(sets.into_iter().map(|set| store.commit(access, set)));
    // Polled in this order: all sets are worked out and wait in the queue when the writer goes on.
    // Dropped then, so that a group that is run again does not wait again.
    let release = async move { go.send(()).unwrap() };
    let (held, results, ()) = futures::join!(held, commits, release);
    held.unwrap();
    results
}

#[tokio::test]
async fn a_full_disk_is_told_to_all_who_wrote() {
    let (_folder, path) = folder();
    let (store, access, type_id) = with_type(&path).await;
    let small = Statement::of("PRAGMA max_page_count = 1");
    store.writer.submit(move |transaction| transaction.connection.number(&small)).await.unwrap();
    let (ids, sets): (Vec<Uuid>, Vec<ChangeSet>) = (0..WRITERS)
        .map(|number| create(&access, type_id, if number == 3 { 3_000_000 } else { 10 }))
        .map(|(id, operation)| (id, set(vec![operation])))
        .unzip();
    let results = at_once(&store, &access, sets).await;
    for (id, result) in ids.iter().zip(&results) {
        match result {
            Ok(_) => assert!(store.get(&access, *id).await.unwrap().is_some()),
            Err(error) => {
                let told = (error.kind(), error.message());
                assert_eq!(told, (ErrorKind::Unavailable, "the disk of the database is full"));
                assert!(store.get(&access, *id).await.unwrap().is_none());
            }
        }
    }
    assert!(results[3].is_err());
    let large = Statement::of("PRAGMA max_page_count = 1000000");
    store.writer.submit(move |transaction| transaction.connection.number(&large)).await.unwrap();
    let (later, operation) = create(&access, type_id, 3_000_000);
    store.commit(&access, set(vec![operation])).await.unwrap();
    assert!(store.get(&access, later).await.unwrap().is_some());
    let kept = results.iter().filter(|result| result.is_ok()).count() + 1;
    let revisions: Vec<i64> = store
        .changes(access.caller.org, 0, 100)
        .await
        .unwrap()
        .iter()
        .map(|change| change.revision)
        .collect();
    assert_eq!(revisions, (1..=kept as i64).collect::<Vec<_>>());
}

#[tokio::test]
async fn who_fails_late_or_panics_takes_nobody_along() {
    let (_folder, path) = folder();
    let (store, access, type_id) = with_code(&path).await;
    let (taken, operation) = create_with(&access, type_id, "code", json!("taken"));
    store.commit(&access, set(vec![operation])).await.unwrap();
    let mut sets = Vec::new();
    let mut good = Vec::new();
    for number in 0..WRITERS {
        let (id, operation) = create_with(&access, type_id, "code", json!(format!("code {number}")));
        good.push(id);
        sets.push(set(vec![operation]));
    }
    // The second operation is refused after the first has been written.
    let (lost, first) = create_with(&access, type_id, "code", json!("free"));
    let (_, second) = create_with(&access, type_id, "code", json!("taken"));
    sets.insert(2, set(vec![first, second]));
    let panics = Arc::new(|_: &Item| panic!("an edit of a test panics"));
    let (inside, first) = create_with(&access, type_id, "code", json!("other"));
    sets.insert(5, set(vec![first, Operation::Update { id: taken, expected_version: None, edit: panics }]));
    let mut results = at_once(&store, &access, sets).await;
    assert_eq!(results.remove(5).unwrap_err().kind(), ErrorKind::Internal);
    let refused = results.remove(2).unwrap_err();
    assert_eq!((refused.kind(), refused.operation_index()), (ErrorKind::Conflict, Some(1)));
    assert!(refused.message().contains("code"), "{refused}");
    for (id, result) in good.iter().zip(results) {
        assert_eq!(result.unwrap()[0].item().map(|item| item.id), Some(*id));
        assert!(store.get(&access, *id).await.unwrap().is_some());
    }
    for id in [lost, inside] {
        assert!(store.get(&access, id).await.unwrap().is_none());
    }
    let (_, again) = create_with(&access, type_id, "code", json!("free"));
    store.commit(&access, set(vec![again])).await.unwrap();
    let changes = store.changes(access.caller.org, 0, 100).await.unwrap();
    assert!(changes.iter().map(|change| change.revision).eq(1..=(WRITERS as i64 + 2)));
}

#[tokio::test]
async fn what_was_worked_out_before_another_change_is_worked_out_again() {
    let (_folder, path) = folder();
    let (store, access, type_id) = with_type(&path).await;
    let (id, operation) = create_with(&access, type_id, "number", json!(0));
    store.commit(&access, set(vec![operation])).await.unwrap();
    // All look at the same number before any of them is written.
    let sets = (0..WRITERS).map(|_| set(vec![add_one(id)])).collect();
    let results = at_once(&store, &access, sets).await;
    let number = |item: &Item| item.attributes.get("number").and_then(Value::as_i64).unwrap();
    let seen: HashSet<i64> =
        results.iter().map(|result| number(result.as_ref().unwrap()[0].item().unwrap())).collect();
    assert_eq!(seen, (1..=WRITERS as i64).collect());
    let item = store.get(&access, id).await.unwrap().unwrap();
    assert_eq!((number(&item), item.version), (WRITERS as i64, WRITERS as i64 + 1));
    // A deletion in between: those who come behind it find nothing.
    let delete = Operation::Delete { id, expected_version: None, guard: None };
    let sets = vec![set(vec![add_one(id)]), set(vec![delete]), set(vec![add_one(id)])];
    let results = at_once(&store, &access, sets).await;
    let kinds: Vec<_> = results.iter().map(|result| result.as_ref().err().map(Error::kind)).collect();
    assert_eq!(kinds, [None, None, Some(ErrorKind::NotFound)]);
}

#[test]
fn a_reader_that_is_left_in_a_transaction_or_a_panic_is_not_used_again() {
    let (_folder, path) = folder();
    let store = open(&path);
    let pool = &store.shared.pool;
    let depth = Statement::of("SELECT 1");
    pool.take().unwrap().get().unwrap().number(&depth).unwrap();
    assert_eq!(pool.idle(), 1);
    pool.take().unwrap().get().unwrap().begin("BEGIN").unwrap();
    assert_eq!(pool.idle(), 0, "left in a transaction");
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let mut reader = pool.take().unwrap();
        reader.get().unwrap().each(&depth, |_| panic!("a reader of a test panics")).unwrap();
    }));
    assert!(panicked.is_err());
    assert_eq!(pool.idle(), 0, "left in a panic");
    let mut reader = pool.take().unwrap();
    reader.get().unwrap().begin("BEGIN").unwrap();
    reader.get().unwrap().commit().unwrap();
    drop(reader);
    assert_eq!(pool.idle(), 1, "a transaction that was ended");
}

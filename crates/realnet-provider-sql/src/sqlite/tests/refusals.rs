//! Change sets that are refused for what was read: worked out once, and never for what is no longer so.

use std::sync::atomic::{AtomicUsize, Ordering};

use realnet_core::change::Outcome;
use realnet_core::{Result, Violation};

use super::*;
use crate::sqlite::transaction::{Draft, SqliteTransaction};

/// A change set that renames an item and is refused while its name is `x`; and how often it was worked out.
fn unless_x(id: Uuid) -> (ChangeSet, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let edit = move |item: &Item| {
        counted.fetch_add(1, Ordering::Relaxed);
        if item.name == "x" {
            return Err(Error::invalid(vec![Violation::new("/name", "is x")]));
        }
        Ok(Item { name: "z".to_owned(), ..item.clone() })
    };
    (set(vec![Operation::Update { id, expected_version: None, edit: Arc::new(edit) }]), count)
}

fn rename(id: Uuid) -> ChangeSet {
    let edit = |item: &Item| Ok(Item { name: "y".to_owned(), ..item.clone() });
    set(vec![Operation::Update { id, expected_version: None, edit: Arc::new(edit) }])
}

/// Has the writer commit a change set whose draft was made before.
async fn write(
    store: &SqliteStore,
    access: &Access,
    changes: ChangeSet,
    draft: Draft,
) -> Result<Option<Vec<Outcome>>> {
    let (access, mut draft) = (access.clone(), Some(draft));
    store.writer.submit(move |tx: &mut SqliteTransaction<'_>| tx.commit(&access, &changes, &mut draft)).await
}

#[tokio::test]
async fn a_refusal_asks_nobody_while_nothing_is_written() {
    let (_folder, path) = folder();
    let (store, access, type_id) = with_type(&path).await;
    let (id, operation) = create(&access, type_id, 1);
    store.commit(&access, set(vec![operation])).await.unwrap();
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let held = store.writer.submit(move |_| {
        let _ = wait.recv();
        Ok(())
    });
    let (changes, count) = unless_x(id);
    let refused = async {
        let refused = store.commit(&access, changes).await.unwrap_err();
        // The writer is held up until here.
        drop(go);
        refused
    };
    let (held, refused) = futures::join!(held, refused);
    held.unwrap();
    assert_eq!(refused.violations()[0].detail, "is x");
    assert_eq!((refused.operation_index(), count.load(Ordering::Relaxed)), (Some(0), 1));
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_refusal_holds_while_its_items_have_not_changed() {
    let (_folder, path) = folder();
    let (store, access, type_id) = with_type(&path).await;
    let (id, operation) = create(&access, type_id, 1);
    let (other, another) = create(&access, type_id, 1);
    store.commit(&access, set(vec![operation, another])).await.unwrap();
    let (changes, count) = unless_x(id);
    let (mut draft, outcomes) = Draft::make(&store.shared, &access, &changes).unwrap();
    assert!(outcomes.is_none());
    store.commit(&access, rename(other)).await.unwrap();
    assert!(draft.take_refusal(&store.shared, &access).is_none(), "something was written since");
    let refused = write(&store, &access, changes, draft).await.unwrap_err();
    assert_eq!(refused.violations()[0].detail, "is x");
    assert_eq!((refused.operation_index(), count.load(Ordering::Relaxed)), (Some(0), 1));

    let (changes, count) = unless_x(id);
    let (mut draft, _) = Draft::make(&store.shared, &access, &changes).unwrap();
    store.commit(&access, rename(id)).await.unwrap();
    assert!(draft.take_refusal(&store.shared, &access).is_none());
    write(&store, &access, changes, draft).await.unwrap();
    assert_eq!(count.load(Ordering::Relaxed), 2, "once more, with what was written meanwhile");
    assert_eq!(store.get(&access, id).await.unwrap().unwrap().name, "z");
    store.close().await.unwrap();
}

#[tokio::test]
async fn behind_a_write_the_writer_decides() {
    let (_folder, path) = folder();
    let (store, access, type_id) = with_type(&path).await;
    let (id, operation) = create(&access, type_id, 1);
    store.commit(&access, set(vec![operation.clone()])).await.unwrap();
    let (changes, _) = unless_x(id);
    let operations = [vec![operation], changes.operations].concat();
    let refused = store.commit(&access, set(operations)).await.unwrap_err();
    assert_eq!(
        (refused.kind(), refused.operation_index()),
        (ErrorKind::Conflict, Some(0)),
        "the taken id is first"
    );
    store.close().await.unwrap();
}

//! What others write while a change of types is planned: items, and types.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use common::World;
use realnet_core::acl::OrgRole::Superuser;
use realnet_core::change::{ChangeSet, Operation, Outcome, Version};
use realnet_core::clock::{Clock as _, IdSource as _, System};
use realnet_core::model::{Attributes, Item, TypeDefinition};
use realnet_core::provider::{Access, CommitStep, ItemProvider, SteppedItems};
use realnet_core::registry::TypeRegistry;
use realnet_core::resource::{PatchDocument, TypeOperation, WriteOptions};
use realnet_core::{ErrorKind, Result};
use serde_json::{Value, json};

/// What somebody else writes just before each change of types.
enum Busy {
    /// An item like this one, with other attributes.
    Item(Box<Item>, Value),
    /// So many types, one each time.
    Types(AtomicUsize),
}

impl Busy {
    async fn write(&self, store: &dyn ItemProvider, access: &Access) {
        let mut set = ChangeSet::new(Vec::new(), System.now(), Arc::from("meanwhile"));
        match self {
            Self::Item(item, attributes) => {
                let attributes = Attributes::from_map(attributes.as_object().cloned().unwrap());
                let item = Item { id: System.next_id(), attributes, ..Item::clone(item) };
                set.operations.push(Operation::Create(Box::new(item)));
            }
            Self::Types(left) => {
                let one_less = |left: usize| left.checked_sub(1);
                let Ok(left) = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less) else {
                    return;
                };
                let mut snapshot = access.registry.snapshot();
                let root = snapshot.definitions.iter().find(|definition| definition.base.is_none()).unwrap();
                let other = TypeDefinition {
                    id: System.next_id(),
                    name: format!("Other{left}"),
                    base: Some(root.name.clone()),
                    ..TypeDefinition::clone(root)
                };
                snapshot.revision += 1;
                snapshot.definitions.push(other.clone());
                set.operations.push(Operation::PutType(Box::new(other)));
                set.next_registry = Some(Arc::new(TypeRegistry::build(snapshot).unwrap()));
            }
        }
        store.commit(access, set).await.unwrap();
    }
}

#[async_trait]
impl CommitStep for Busy {
    async fn commit(
        &self,
        store: &dyn ItemProvider,
        access: &Access,
        changes: ChangeSet,
    ) -> Result<Vec<Outcome>> {
        if changes.next_registry.is_some() {
            self.write(store, access).await;
        }
        store.commit(access, changes).await
    }
}

fn document(fields: &Value) -> Value {
    json!({
        "types": [{"name": "Item"}, {"name": "Note", "fields": fields}],
        "items": [{"name": "One", "type": "Note", "body": "long enough"}]
    })
}

/// A world in which an item with these attributes is written during each change of types.
async fn busy(attributes: Value) -> World {
    let world = World::new();
    world.load(Superuser, document(&json!([{"name": "body", "type": "text"}])), true).await.unwrap();
    let item = world.items("Note").await.remove(0);
    world.behind(|items| SteppedItems::new(items, Busy::Item(Box::new(item), attributes)))
}

/// A world in which others change types so many times, always a moment earlier.
async fn overtaken(times: usize) -> World {
    let world = World::new();
    world.load(Superuser, document(&json!([])), true).await.unwrap();
    world.behind(|items| SteppedItems::new(items, Busy::Types(AtomicUsize::new(times))))
}

#[tokio::test]
async fn what_would_pass_for_a_stored_secret_refuses_the_change() {
    let secret = document(&json!([{"name": "body", "type": "text"}, {"name": "token", "type": "secret"}]));
    let world = busy(json!({"token": {"$sealed": "nokey:AAAA"}})).await;
    let error = world.load(Superuser, secret.clone(), true).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}");
    busy(json!({"token": "fits"})).await.load(Superuser, secret, true).await.unwrap();
}

#[tokio::test]
async fn an_item_that_does_not_fit_refuses_the_change() {
    let world = busy(json!({"body": "x"})).await;
    let longer = document(&json!([{"name": "body", "type": "text", "min_length": 3}]));
    let error = world.load(Superuser, longer, true).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}");
    let registry = world.services.registry.current();
    let note = registry.find(world.org, "Note").unwrap();
    assert_eq!(note.field("body").unwrap().field.min_length, None);
    assert_eq!(world.items("Note").await.len(), 2);
}

#[tokio::test]
async fn one_that_fits_is_no_obstacle() {
    let world = busy(json!({"body": "also long enough"})).await;
    let longer = document(&json!([{"name": "body", "type": "text", "min_length": 3}]));
    world.load(Superuser, longer, true).await.unwrap();
    assert_eq!(world.items("Note").await.len(), 2);
}

#[tokio::test]
async fn who_is_overtaken_by_others_who_change_types_begins_again_by_itself() {
    let icon = || json!({"icon": "note"});
    for times in [1, 4] {
        let changes: [fn(Value) -> TypeOperation; 3] = [
            |icon| TypeOperation::Patch {
                name: "Note".to_owned(),
                patch: PatchDocument::Merge(icon),
                options: WriteOptions::default(),
            },
            |_| TypeOperation::Create { body: json!({"name": "Note2", "base": "Note"}) },
            |_| TypeOperation::SetGrants {
                name: "Note".to_owned(),
                instance: None,
                grants: Some(Vec::new()),
            },
        ];
        for change in changes {
            let world = overtaken(times).await;
            world.on_type(Superuser, change(icon())).await.unwrap();
            let registry = world.services.registry.current();
            for other in 1..=times {
                assert!(
                    registry.find(world.org, &format!("Other{other}")).is_some(),
                    "nobody's change is lost"
                );
            }
        }
        let world = overtaken(times).await;
        world.load(Superuser, document(&json!([{"name": "body", "type": "text"}])), true).await.unwrap();
        let registry = world.services.registry.current();
        assert!(registry.find(world.org, "Note").unwrap().field("body").is_some());
        assert!(registry.find(world.org, "Other1").is_some());
    }
}

#[tokio::test]
async fn who_is_overtaken_again_and_again_is_told_in_the_end() {
    let world = overtaken(5).await;
    let create = TypeOperation::Create { body: json!({"name": "Note2", "base": "Note"}) };
    let error = world.on_type(Superuser, create).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}");
    // Whoever knows an earlier state says so, and is not planned anew.
    let world = overtaken(1).await;
    let options = WriteOptions { expected_version: Some(Version::from(9)), ..WriteOptions::default() };
    let stale = TypeOperation::Delete { name: "Note".to_owned(), options };
    assert_eq!(world.on_type(Superuser, stale).await.unwrap_err().kind(), ErrorKind::PreconditionFailed);
}

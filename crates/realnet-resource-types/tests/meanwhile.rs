//! Items that are written while a change of types is planned.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod common;

use std::sync::Arc;

use async_trait::async_trait;
use common::World;
use realnet_core::acl::OrgRole::Superuser;
use realnet_core::change::{
    ChangeFilter, ChangeRecord, ChangeSet, IdempotencyKey, Operation, Outcome, StoredReply,
};
use realnet_core::clock::{Clock as _, IdSource as _, System};
use realnet_core::model::{Attributes, Item};
use realnet_core::provider::{Access, Capabilities, ItemProvider, Page};
use realnet_core::query::Query;
use realnet_core::{ErrorKind, Result, Uuid};
use serde_json::{Value, json};

/// A store to which somebody writes an item just before each change of types.
struct Busy {
    inner: Arc<dyn ItemProvider>,
    item: Item,
    attributes: Value,
}

#[async_trait]
impl ItemProvider for Busy {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn get(&self, access: &Access, id: Uuid) -> Result<Option<Item>> {
        self.inner.get(access, id).await
    }

    async fn get_many(&self, access: &Access, ids: &[Uuid]) -> Result<Vec<Item>> {
        self.inner.get_many(access, ids).await
    }

    async fn list(&self, access: &Access, query: &Query) -> Result<Page> {
        self.inner.list(access, query).await
    }

    async fn commit(&self, access: &Access, changes: ChangeSet) -> Result<Vec<Outcome>> {
        if changes.next_registry.is_some() {
            let attributes = Attributes::from_map(self.attributes.as_object().cloned().unwrap());
            let item = Item { id: System.next_id(), attributes, ..self.item.clone() };
            let create = vec![Operation::Create(Box::new(item))];
            let set = ChangeSet::new(create, System.now(), Arc::from("meanwhile"));
            self.inner.commit(access, set).await.unwrap();
        }
        self.inner.commit(access, changes).await
    }

    async fn stored_reply(&self, key: &IdempotencyKey) -> Result<Option<StoredReply>> {
        self.inner.stored_reply(key).await
    }

    async fn history(
        &self,
        access: &Access,
        id: Uuid,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<ChangeRecord>> {
        self.inner.history(access, id, before, limit).await
    }

    async fn changes_within(
        &self,
        org: Uuid,
        span: std::ops::Range<i64>,
        filter: &ChangeFilter,
        limit: usize,
    ) -> Result<Vec<ChangeRecord>> {
        self.inner.changes_within(org, span, filter, limit).await
    }

    async fn changes(&self, org: Uuid, since: i64, limit: usize) -> Result<Vec<ChangeRecord>> {
        self.inner.changes(org, since, limit).await
    }

    async fn check(&self) -> Result<()> {
        self.inner.check().await
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
    world.behind(|inner| Busy { inner, item, attributes })
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

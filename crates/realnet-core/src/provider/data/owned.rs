//! A store of items behind which contents go with what named them, whoever changes or deletes the item and by whatever way.

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::{self, StreamExt as _};
use uuid::Uuid;

use super::{ContentId, DataProvider};
use crate::change::{ChangeFilter, ChangeRecord, ChangeSet, Freed, IdempotencyKey, Outcome, StoredReply};
use crate::error::Result;
use crate::model::Item;
use crate::provider::{Access, Capabilities, ItemProvider, Page};
use crate::query::aggregate::GroupRow;
use crate::query::{Aggregate, Query};

/// So many contents are removed at a time.
const AT_ONCE: usize = 16;
/// So many ids are asked about together.
const MAX_IDS: usize = 1000;

/// Removes contents that items have named until a commit. What can not be removed, or is left by a crash between commit and
/// removal, is found by a sweep of the store of contents.
pub struct OwnedContents {
    items: Arc<dyn ItemProvider>,
    data: Arc<dyn DataProvider>,
}

impl OwnedContents {
    /// Puts a store of items before that of their contents.
    pub fn new(items: Arc<dyn ItemProvider>, data: Arc<dyn DataProvider>) -> Self {
        Self { items, data }
    }

    async fn remove(&self, freed: Vec<Uuid>) {
        for some in freed.chunks(MAX_IDS) {
            if let Err(error) = self.remove_some(some).await {
                tracing::warn!(error = %error.report(), "contents that nothing names any more are left");
            }
        }
    }

    async fn remove_some(&self, freed: &[Uuid]) -> Result<()> {
        // One item may have taken over what another has let go of.
        let named = self.items.contents_in_use(freed).await?;
        let unnamed: Vec<ContentId> = freed
            .iter()
            .filter(|content| !named.contains(content))
            .map(|content| ContentId::new(*content))
            .collect();
        let removals = unnamed.into_iter().map(|content| {
            let data = Arc::clone(&self.data);
            async move { data.delete(content).await }
        });
        let mut removals = stream::iter(removals).buffer_unordered(AT_ONCE);
        let mut failure = None;
        while let Some(removed) = removals.next().await {
            failure = failure.or(removed.err());
        }
        failure.map_or(Ok(()), Err)
    }
}

#[async_trait]
impl ItemProvider for OwnedContents {
    async fn commit(&self, access: &Access, mut changes: ChangeSet) -> Result<Vec<Outcome>> {
        let freed = Freed::default();
        changes.freed = Some(freed.clone());
        let outcomes = self.items.commit(access, changes).await?;
        self.remove(freed.take()).await;
        Ok(outcomes)
    }

    fn capabilities(&self) -> Capabilities {
        self.items.capabilities()
    }

    async fn get(&self, access: &Access, id: Uuid) -> Result<Option<Item>> {
        self.items.get(access, id).await
    }

    async fn get_many(&self, access: &Access, ids: &[Uuid]) -> Result<Vec<Item>> {
        self.items.get_many(access, ids).await
    }

    async fn get_all(&self, access: &Access, ids: &[Uuid]) -> Result<Vec<Item>> {
        self.items.get_all(access, ids).await
    }

    async fn list(&self, access: &Access, query: &Query) -> Result<Page> {
        self.items.list(access, query).await
    }

    async fn aggregate(&self, access: &Access, aggregate: &Aggregate) -> Result<Vec<GroupRow>> {
        self.items.aggregate(access, aggregate).await
    }

    async fn stored_reply(&self, key: &IdempotencyKey) -> Result<Option<StoredReply>> {
        self.items.stored_reply(key).await
    }

    async fn history(
        &self,
        access: &Access,
        id: Uuid,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<ChangeRecord>> {
        self.items.history(access, id, before, limit).await
    }

    async fn changes(&self, org: Uuid, since: i64, limit: usize) -> Result<Vec<ChangeRecord>> {
        self.items.changes(org, since, limit).await
    }

    async fn changes_within(
        &self,
        org: Uuid,
        span: Range<i64>,
        filter: &ChangeFilter,
        limit: usize,
    ) -> Result<Vec<ChangeRecord>> {
        self.items.changes_within(org, span, filter, limit).await
    }

    async fn contents_in_use(&self, ids: &[Uuid]) -> Result<Vec<Uuid>> {
        self.items.contents_in_use(ids).await
    }

    async fn check(&self) -> Result<()> {
        self.items.check().await
    }
}

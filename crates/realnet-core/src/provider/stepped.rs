//! A store of items with a step around its commits: what has to be done with every change, whoever makes it and by whatever way.

use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use uuid::Uuid;

use super::{Access, Capabilities, ItemProvider, Page};
use crate::change::{ChangeFilter, ChangeRecord, ChangeSet, IdempotencyKey, Outcome, StoredReply};
use crate::error::Result;
use crate::model::Item;
use crate::query::aggregate::GroupRow;
use crate::query::{Aggregate, Query};

/// What a method of the trait gives that waits.
type Answer<'f, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'f>>;

/// Something done with every change set, around the store's part of it.
#[async_trait]
pub trait CommitStep: Send + Sync {
    /// Commits to `store`, with what belongs before and behind it.
    async fn commit(
        &self,
        store: &dyn ItemProvider,
        access: &Access,
        changes: ChangeSet,
    ) -> Result<Vec<Outcome>>;
}

/// Only commits pass through the step. The reads that every request makes are handed to the store as they are, without a future
/// around the store's.
pub struct SteppedItems<S> {
    store: Arc<dyn ItemProvider>,
    step: S,
}

impl<S: CommitStep> SteppedItems<S> {
    /// Puts a step before a store, which may have steps already.
    pub fn new(store: Arc<dyn ItemProvider>, step: S) -> Self {
        Self { store, step }
    }
}

#[async_trait]
impl<S: CommitStep> ItemProvider for SteppedItems<S> {
    async fn commit(&self, access: &Access, changes: ChangeSet) -> Result<Vec<Outcome>> {
        self.step.commit(&*self.store, access, changes).await
    }

    fn capabilities(&self) -> Capabilities {
        self.store.capabilities()
    }

    fn get<'s: 'f, 'a: 'f, 'f>(&'s self, access: &'a Access, id: Uuid) -> Answer<'f, Option<Item>>
    where
        Self: 'f,
    {
        self.store.get(access, id)
    }

    fn get_many<'s: 'f, 'a: 'f, 'i: 'f, 'f>(
        &'s self,
        access: &'a Access,
        ids: &'i [Uuid],
    ) -> Answer<'f, Vec<Item>>
    where
        Self: 'f,
    {
        self.store.get_many(access, ids)
    }

    async fn get_all(&self, access: &Access, ids: &[Uuid]) -> Result<Vec<Item>> {
        self.store.get_all(access, ids).await
    }

    fn list<'s: 'f, 'a: 'f, 'q: 'f, 'f>(&'s self, access: &'a Access, query: &'q Query) -> Answer<'f, Page>
    where
        Self: 'f,
    {
        self.store.list(access, query)
    }

    async fn aggregate(&self, access: &Access, aggregate: &Aggregate) -> Result<Vec<GroupRow>> {
        self.store.aggregate(access, aggregate).await
    }

    async fn stored_reply(&self, key: &IdempotencyKey) -> Result<Option<StoredReply>> {
        self.store.stored_reply(key).await
    }

    async fn history(
        &self,
        access: &Access,
        id: Uuid,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<ChangeRecord>> {
        self.store.history(access, id, before, limit).await
    }

    async fn changes(&self, org: Uuid, since: i64, limit: usize) -> Result<Vec<ChangeRecord>> {
        self.store.changes(org, since, limit).await
    }

    async fn changes_within(
        &self,
        org: Uuid,
        span: Range<i64>,
        filter: &ChangeFilter,
        limit: usize,
    ) -> Result<Vec<ChangeRecord>> {
        self.store.changes_within(org, span, filter, limit).await
    }

    async fn contents_in_use(&self, ids: &[Uuid]) -> Result<Vec<Uuid>> {
        self.store.contents_in_use(ids).await
    }

    async fn check(&self) -> Result<()> {
        self.store.check().await
    }
}

//! Contents go with what named them, whoever changes or deletes the item and by whatever way: a step behind every commit.

use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::{self, StreamExt as _};
use uuid::Uuid;

use super::{ContentId, DataProvider};
use crate::change::{ChangeSet, Freed, Outcome};
use crate::error::Result;
use crate::provider::{Access, CommitStep, ItemProvider};

/// So many contents are removed at a time.
const AT_ONCE: usize = 16;
/// So many ids are asked about together.
const MAX_IDS: usize = 1000;
/// So many are removed before a change is answered, some seconds of work in a bucket: what is beyond it waits for a sweep.
const MAX_REMOVED: usize = 5000;

/// Removes contents that items have named until a commit. What can not be removed, or is left by a crash between commit and
/// removal, is found by a sweep of the store of contents.
pub struct OwnedContents(Arc<dyn DataProvider>);

impl OwnedContents {
    /// The step for what is in `data`.
    pub fn new(data: Arc<dyn DataProvider>) -> Self {
        Self(data)
    }

    async fn remove(&self, store: &dyn ItemProvider, freed: &[Uuid]) {
        let now = &freed[..freed.len().min(MAX_REMOVED)];
        for some in now.chunks(MAX_IDS) {
            if let Err(error) = self.remove_some(store, some).await {
                tracing::warn!(error = %error.report(), "contents that nothing names any more are left");
            }
        }
        if now.len() < freed.len() {
            let left = freed.len() - now.len();
            tracing::info!(left, "contents that nothing names any more wait for the sweep");
        }
    }

    async fn remove_some(&self, store: &dyn ItemProvider, freed: &[Uuid]) -> Result<()> {
        // One item may have taken over what another has let go of.
        let named = store.contents_in_use(freed).await?;
        let removals = freed.iter().filter(|content| !named.contains(content)).map(|content| {
            let (data, content) = (Arc::clone(&self.0), ContentId::new(*content));
            async move { data.delete(content).await }
        });
        let removals: Vec<_> = removals.collect();
        let mut removals = stream::iter(removals).buffer_unordered(AT_ONCE);
        let mut failure = None;
        while let Some(removed) = removals.next().await {
            failure = failure.or(removed.err());
        }
        failure.map_or(Ok(()), Err)
    }
}

#[async_trait]
impl CommitStep for OwnedContents {
    async fn commit(
        &self,
        store: &dyn ItemProvider,
        access: &Access,
        mut changes: ChangeSet,
    ) -> Result<Vec<Outcome>> {
        let freed = Freed::default();
        changes.freed = Some(freed.clone());
        let outcomes = store.commit(access, changes).await?;
        self.remove(store, &freed.take()).await;
        Ok(outcomes)
    }
}

//! The store as the rest of RealNet sees it: items, with access inside.

use std::ops::Range;

use async_trait::async_trait;
use realnet_core::Uuid;
use realnet_core::acl::Permission;
use realnet_core::change::{
    ChangeFilter, ChangeKind, ChangeRecord, ChangeSet, IdempotencyKey, Outcome, StoredReply,
};
use realnet_core::error::Result;
use realnet_core::model::Item;
use realnet_core::provider::{Access, Budget, Capabilities, ItemProvider, Page};
use realnet_core::query::aggregate::GroupRow;
use realnet_core::query::{Aggregate, Query};

use super::MemoryStore;
use super::list::{aggregate, list};
use super::state::{State, reply_key};

#[async_trait]
impl ItemProvider for MemoryStore {
    fn capabilities(&self) -> Capabilities {
        let in_memory = Capabilities {
            name: "memory",
            search: true,
            geography: true,
            durable: false,
            shared: false,
            builds_behind: false,
        };
        self.outbox.as_ref().map_or(in_memory, |outbox| outbox.capabilities)
    }

    async fn get(&self, access: &Access, id: Uuid) -> Result<Option<Item>> {
        let readable = |item: &&Item| access.allows(item, Permission::Read);
        Ok(self.read(|state| state.items.get(&id).filter(readable).cloned()).await)
    }

    async fn get_many(&self, access: &Access, ids: &[Uuid]) -> Result<Vec<Item>> {
        let ids: std::collections::BTreeSet<&Uuid> = ids.iter().collect();
        self.read(|state| {
            let found = ids.iter().filter_map(|id| state.items.get(id));
            let mut budget = Budget::default();
            let readable = found.filter(|item| access.allows(item, Permission::Read));
            readable
                .map(
                    |item| {
                        if budget.admits(item.size()) { Ok(item.clone()) } else { Err(Budget::exceeded()) }
                    },
                )
                .collect()
        })
        .await
    }

    async fn list(&self, access: &Access, query: &Query) -> Result<Page> {
        self.read(|state| list(state, access, query)).await
    }

    async fn aggregate(&self, access: &Access, asked: &Aggregate) -> Result<Vec<GroupRow>> {
        self.read(|state| aggregate(state, access, asked)).await
    }

    async fn commit(&self, access: &Access, changes: ChangeSet) -> Result<Vec<Outcome>> {
        self.apply(access, &changes).await
    }

    async fn stored_reply(&self, key: &IdempotencyKey) -> Result<Option<StoredReply>> {
        let name = reply_key(key);
        let is_kept = |reply: &&StoredReply| reply.created_at >= key.not_before;
        Ok(self.read(|state| state.replies.get(&name).filter(is_kept).cloned()).await)
    }

    async fn history(
        &self,
        access: &Access,
        id: Uuid,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<ChangeRecord>> {
        let look = |state: &State| {
            let Some(item) = state.items.get(&id).filter(|item| access.allows(item, Permission::Read)) else {
                return Vec::new();
            };
            let own = state.changes_of(item.org).iter().rev().filter(|record| record.item_id == id);
            // An item that had this id before, and was deleted, is another one.
            let mut is_past = false;
            let own =
                own.take_while(|record| !std::mem::replace(&mut is_past, record.kind == ChangeKind::Create));
            let own = own.filter(|record| before.is_none_or(|before| record.version < before));
            page(own.take(limit))
        };
        Ok(self.read(look).await)
    }

    async fn changes(&self, org: Uuid, since: i64, limit: usize) -> Result<Vec<ChangeRecord>> {
        let look = |state: &State| {
            let changes = state.changes_of(org);
            let begin = usize::try_from(since).unwrap_or_default().min(changes.len());
            page(changes[begin..].iter().take(limit))
        };
        Ok(self.read(look).await)
    }

    async fn changes_within(
        &self,
        org: Uuid,
        span: Range<i64>,
        filter: &ChangeFilter,
        limit: usize,
    ) -> Result<Vec<ChangeRecord>> {
        let look = |state: &State| {
            let changes = state.changes_of(org);
            // Revisions count from one, without gaps.
            let index = |revision: i64| usize::try_from(revision - 1).unwrap_or_default().min(changes.len());
            let within = &changes[index(span.start)..index(span.end).max(index(span.start))];
            page(within.iter().rev().filter(|record| filter.matches(record)).take(limit))
        };
        Ok(self.read(look).await)
    }

    async fn contents_in_use(&self, ids: &[Uuid]) -> Result<Vec<Uuid>> {
        let look = |state: &State| {
            ids.iter().copied().filter(|content| state.contents.contains_key(content)).collect()
        };
        Ok(self.read(look).await)
    }

    async fn check(&self) -> Result<()> {
        self.outbox.as_ref().map_or(Ok(()), |outbox| outbox.admit())
    }
}

/// Records as far as they fit into one answer.
fn page<'a>(records: impl Iterator<Item = &'a ChangeRecord>) -> Vec<ChangeRecord> {
    let mut budget = Budget::default();
    records.take_while(|record| budget.admits(record.size())).cloned().collect()
}

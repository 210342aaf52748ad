//! The store as the rest of RealNet sees it: items, with access inside.

use std::ops::Range;

use async_trait::async_trait;
use realnet_core::Uuid;
use realnet_core::acl::Permission;
use realnet_core::change::{ChangeFilter, ChangeRecord, ChangeSet, IdempotencyKey, Outcome, StoredReply};
use realnet_core::error::Result;
use realnet_core::model::Item;
use realnet_core::provider::{Access, Budget, Capabilities, ItemProvider, Page};
use realnet_core::query::aggregate::GroupRow;
use realnet_core::query::{Aggregate, Query};

use super::MemoryStore;
use super::list::{aggregate, list};
use super::state::reply_key;

#[async_trait]
impl ItemProvider for MemoryStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            name: "memory",
            search: true,
            geography: true,
            durable: false,
            shared: false,
            builds_behind: false,
        }
    }

    async fn get(&self, access: &Access, id: Uuid) -> Result<Option<Item>> {
        let state = self.state.read();
        Ok(state.items.get(&id).filter(|item| access.allows(item, Permission::Read)).cloned())
    }

    async fn get_many(&self, access: &Access, ids: &[Uuid]) -> Result<Vec<Item>> {
        let state = self.state.read();
        let ids: std::collections::BTreeSet<&Uuid> = ids.iter().collect();
        let found = ids.into_iter().filter_map(|id| state.items.get(id));
        let mut budget = Budget::default();
        let readable = found.filter(|item| access.allows(item, Permission::Read));
        readable
            .map(|item| if budget.admits(item.size()) { Ok(item.clone()) } else { Err(Budget::exceeded()) })
            .collect()
    }

    async fn list(&self, access: &Access, query: &Query) -> Result<Page> {
        list(&self.state.read(), access, query)
    }

    async fn aggregate(&self, access: &Access, asked: &Aggregate) -> Result<Vec<GroupRow>> {
        aggregate(&self.state.read(), access, asked)
    }

    async fn commit(&self, access: &Access, changes: ChangeSet) -> Result<Vec<Outcome>> {
        self.apply(access, &changes)
    }

    async fn stored_reply(&self, key: &IdempotencyKey) -> Result<Option<StoredReply>> {
        let state = self.state.read();
        Ok(state.replies.get(&reply_key(key)).filter(|reply| reply.created_at >= key.not_before).cloned())
    }

    async fn history(
        &self,
        access: &Access,
        id: Uuid,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<ChangeRecord>> {
        let state = self.state.read();
        let Some(item) = state.items.get(&id).filter(|item| access.allows(item, Permission::Read)) else {
            return Ok(Vec::new());
        };
        let changes = state.changes.get(&item.org).map(Vec::as_slice).unwrap_or_default();
        let own = changes.iter().rev().filter(|record| record.item_id == id);
        let own = own.filter(|record| before.is_none_or(|before| record.version < before));
        Ok(page(own.take(limit)))
    }

    async fn changes(&self, org: Uuid, since: i64, limit: usize) -> Result<Vec<ChangeRecord>> {
        let state = self.state.read();
        let changes = state.changes.get(&org).map(Vec::as_slice).unwrap_or_default();
        let begin = usize::try_from(since).unwrap_or_default().min(changes.len());
        Ok(page(changes[begin..].iter().take(limit)))
    }

    async fn changes_within(
        &self,
        org: Uuid,
        span: Range<i64>,
        filter: &ChangeFilter,
        limit: usize,
    ) -> Result<Vec<ChangeRecord>> {
        let state = self.state.read();
        let changes = state.changes.get(&org).map(Vec::as_slice).unwrap_or_default();
        // Revisions count from one, without gaps.
        let index = |revision: i64| usize::try_from(revision - 1).unwrap_or_default().min(changes.len());
        let within = &changes[index(span.start)..index(span.end).max(index(span.start))];
        Ok(page(within.iter().rev().filter(|record| filter.matches(record)).take(limit)))
    }

    async fn contents_in_use(&self, ids: &[Uuid]) -> Result<Vec<Uuid>> {
        let state = self.state.read();
        let named = state.items.values().filter_map(|item| item.content);
        Ok(named.filter(|content| ids.contains(content)).collect())
    }

    async fn check(&self) -> Result<()> {
        Ok(())
    }
}

/// Records as far as they fit into one answer.
fn page<'a>(records: impl Iterator<Item = &'a ChangeRecord>) -> Vec<ChangeRecord> {
    let mut budget = Budget::default();
    records.take_while(|record| budget.admits(record.size())).cloned().collect()
}

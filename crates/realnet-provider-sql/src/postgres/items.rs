//! Items: reading one or many by id, and what goes to the other parts of the store.

use std::ops::Range;

use async_trait::async_trait;
use realnet_core::acl::Permission;
use realnet_core::change::{ChangeFilter, ChangeRecord, ChangeSet, IdempotencyKey, Outcome, StoredReply};
use realnet_core::clock::Timestamp;
use realnet_core::model::Item;
use realnet_core::provider::{Access, Budget, Capabilities, ItemProvider, Page};
use realnet_core::query::aggregate::GroupRow;
use realnet_core::query::{Aggregate, Query};
use realnet_core::{Result, Uuid};

use super::error::to_error;
use super::row::{self, ITEM_COLUMNS};
use super::run::Reader;
use super::{PostgresStore, changes, list, transaction};
use crate::compile::readable;
use crate::statement::{Array, Bind, Statement};

#[async_trait]
impl ItemProvider for PostgresStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            name: "postgresql",
            search: true,
            geography: true,
            durable: true,
            shared: true,
            builds_behind: true,
        }
    }

    async fn get(&self, access: &Access, id: Uuid) -> Result<Option<Item>> {
        let mut statement = Statement::of(format!("SELECT {ITEM_COLUMNS} FROM items i WHERE i.id = "));
        statement.bind(id.into());
        let rows = self.shared.read(statement).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let item = row::item(&access.registry, row)?;
        Ok(access.allows(&item, Permission::Read).then_some(item))
    }

    async fn get_many(&self, access: &Access, ids: &[Uuid]) -> Result<Vec<Item>> {
        let mut distinct = ids.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        let mut found: Vec<Item> = Vec::new();
        let mut budget = Budget::default();
        let mut rest = distinct.as_slice();
        while !rest.is_empty() {
            let items = row::items(&access.registry, &self.shared.read(some_by_ids(rest)).await?)?;
            rest = &rest[answered(rest, &items)..];
            for item in items.into_iter().filter(|item| access.allows(item, Permission::Read)) {
                if !budget.admits(item.size()) {
                    return Err(Budget::exceeded());
                }
                found.push(item);
            }
        }
        Ok(found)
    }

    async fn list(&self, access: &Access, query: &Query) -> Result<Page> {
        list::list(self, access, &readable(access, query)).await
    }

    async fn aggregate(&self, access: &Access, asked: &Aggregate) -> Result<Vec<GroupRow>> {
        let asked = Aggregate { query: readable(access, &asked.query).into_owned(), ..asked.clone() };
        list::aggregate(self, access, &asked).await
    }

    async fn commit(&self, access: &Access, changes: ChangeSet) -> Result<Vec<Outcome>> {
        transaction::commit(&self.shared, access, &changes).await
    }

    async fn stored_reply(&self, key: &IdempotencyKey) -> Result<Option<StoredReply>> {
        let mut statement =
            Statement::of("SELECT body_hash, reply, created_at FROM replies WHERE account = ");
        statement.bind(key.account.unwrap_or_default().into());
        statement.push(" AND scope = ").bind(key.scope.as_str().into());
        statement.push(" AND key = ").bind(key.key.as_str().into());
        statement.push(" AND created_at >= ").bind(key.not_before.as_micros().into());
        let rows = self.shared.read(statement).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let mut reader = Reader::new(row);
        let body_hash = reader.next().map_err(to_error)?;
        let reply = reader.next().map_err(to_error)?;
        let created_at = Timestamp::from_micros(reader.next().map_err(to_error)?);
        Ok(Some(StoredReply { body_hash, reply, created_at }))
    }

    async fn history(
        &self,
        access: &Access,
        id: Uuid,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<ChangeRecord>> {
        let Some(item) = self.get(access, id).await? else { return Ok(Vec::new()) };
        changes::of_item(&self.shared, (id, item.org), before, limit).await
    }

    async fn changes(&self, org: Uuid, since: i64, limit: usize) -> Result<Vec<ChangeRecord>> {
        changes::since(&self.shared, org, since, limit).await
    }

    async fn changes_within(
        &self,
        org: Uuid,
        span: Range<i64>,
        filter: &ChangeFilter,
        limit: usize,
    ) -> Result<Vec<ChangeRecord>> {
        changes::within(&self.shared, org, &span, filter, limit).await
    }

    async fn contents_in_use(&self, ids: &[Uuid]) -> Result<Vec<Uuid>> {
        let mut statement = Statement::of("SELECT i.content FROM items i WHERE i.content = ANY(");
        statement.bind(Bind::Array(Array::Ids(ids.iter().copied().map(Some).collect()))).push(")");
        let rows = self.shared.read(statement).await?;
        rows.iter().map(|row| Reader::new(row).next().map_err(to_error)).collect()
    }

    async fn check(&self) -> Result<()> {
        self.shared.read(Statement::of("SELECT 1")).await.map(drop)
    }
}

/// The statement that reads items by id.
pub(super) fn by_ids(ids: &[Uuid]) -> Statement {
    let wanted = Bind::Array(Array::Ids(ids.iter().copied().map(Some).collect()));
    let mut statement = Statement::of(format!("SELECT {ITEM_COLUMNS} FROM items i WHERE i.id = ANY("));
    statement.bind(wanted).push(")");
    statement
}

/// The statement that reads the first items by id: as many as a page may hold in bytes, and one more. How many of the ids
/// that is, [`answered`] tells.
pub(super) fn some_by_ids(ids: &[Uuid]) -> Statement {
    // Attributes are at most so large; fewer need not be counted.
    if ids.len() <= Query::MAX_PAGE_BYTES / Item::MAX_ATTRIBUTES {
        return by_ids(ids);
    }
    let wanted = Bind::Array(Array::Ids(ids.iter().copied().map(Some).collect()));
    // The length of a stored text is known without reading it.
    let mut statement = Statement::of(format!(
        "SELECT {ITEM_COLUMNS} FROM (SELECT *, sum(octet_length(attributes)) OVER (ORDER BY id ROWS BETWEEN \
         UNBOUNDED PRECEDING AND 1 PRECEDING) AS earlier FROM items WHERE id = ANY("
    ));
    statement.bind(wanted).push(")) i WHERE i.earlier IS NULL OR i.earlier <= ");
    statement.bind((Query::MAX_PAGE_BYTES as i64).into());
    statement
}

/// How many of some ids, which are sorted, have been answered for by the items that [`some_by_ids`] has found.
pub(super) fn answered(asked: &[Uuid], items: &[Item]) -> usize {
    let is_whole = items.iter().map(Item::size).sum::<usize>() <= Query::MAX_PAGE_BYTES;
    let last = items.iter().map(|item| item.id).max().filter(|_| !is_whole);
    last.map_or(asked.len(), |last| asked.partition_point(|id| *id <= last))
}

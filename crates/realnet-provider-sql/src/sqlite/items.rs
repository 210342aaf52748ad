//! The store as a provider of items.

use std::ops::Range;

use async_trait::async_trait;
use realnet_core::acl::Permission;
use realnet_core::change::{ChangeFilter, ChangeRecord, ChangeSet, IdempotencyKey, Outcome, StoredReply};
use realnet_core::clock::Timestamp;
use realnet_core::model::Item;
use realnet_core::provider::{Access, Capabilities, ItemProvider, Page};
use realnet_core::query::aggregate::{GroupRow, Tally};
use realnet_core::query::{Aggregate, Query};
use realnet_core::{Error, Result, Uuid};

use super::list::{aggregate, list};
use super::lookup::{read_item, readable_items};
use super::patience::Budget;
use super::shared::Shared;
use super::transaction::{Draft, SqliteTransaction};
use super::{SqliteStore, changes};
use crate::compile::{nothing, readable};
use crate::statement::Statement;

/// So many items are read, or changed, where the call is made.
const FEW: usize = 64;

#[async_trait]
impl ItemProvider for SqliteStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            name: "sqlite",
            search: true,
            geography: true,
            durable: true,
            shared: false,
            builds_behind: true,
        }
    }

    async fn get(&self, access: &Access, id: Uuid) -> Result<Option<Item>> {
        let mut reader = self.shared.pool.take()?;
        let found = read_item(reader.get()?, access, id)?;
        // The item has its grants with it, so the rule needs no second table.
        Ok(found.filter(|item| access.allows(item, Permission::Read)))
    }

    async fn get_many(&self, access: &Access, ids: &[Uuid]) -> Result<Vec<Item>> {
        if ids.len() <= FEW {
            return get_many(&self.shared, access, ids);
        }
        let (access, ids) = (access.clone(), ids.to_vec());
        self.long_read(move |shared| get_many(shared, &access, &ids)).await
    }

    async fn list(&self, access: &Access, query: &Query) -> Result<Page> {
        let query = readable(access, query);
        if query.types.is_empty() {
            return Ok(nothing(&query));
        }
        if let Some(page) = list(&self.shared, access, &query, Budget::INLINE)? {
            return Ok(page);
        }
        let (access, query) = (access.clone(), query.into_owned());
        let page = self.long_read(move |shared| list(shared, &access, &query, Budget::LONG)).await?;
        page.ok_or_else(|| Error::internal("a list was not made"))
    }

    async fn aggregate(&self, access: &Access, asked: &Aggregate) -> Result<Vec<GroupRow>> {
        let asked = Aggregate { query: readable(access, &asked.query).into_owned(), ..asked.clone() };
        if asked.query.types.is_empty() {
            return Tally::new(&asked, &access.registry).finish();
        }
        let access = access.clone();
        self.long_read(move |shared| aggregate(shared, &access, &asked)).await
    }

    async fn commit(&self, access: &Access, changes: ChangeSet) -> Result<Vec<Outcome>> {
        let access = access.clone();
        let (draft, access, changes) = if changes.operations.len() <= FEW {
            (Draft::make(&self.shared, &access, &changes), access, changes)
        } else if self.long_reads.available_permits() == 0 {
            // A draft only saves time: it does not wait for slow lists.
            (None, access, changes)
        } else {
            // Working many out would keep others on this thread waiting.
            self.long_read(move |shared| Ok((Draft::make(shared, &access, &changes), access, changes)))
                .await?
        };
        let (mut draft, foreseen) = draft.unzip();
        let refusal = draft.as_mut().and_then(|draft| draft.take_refusal(&self.shared, &access));
        if let Some(refusal) = refusal {
            return Err(refusal);
        }
        let commit =
            move |transaction: &mut SqliteTransaction<'_>| transaction.commit(&access, &changes, &mut draft);
        let outcomes = self.writer.submit(commit).await?.or(foreseen.flatten());
        outcomes.ok_or_else(|| Error::internal("a change set without outcomes"))
    }

    async fn stored_reply(&self, key: &IdempotencyKey) -> Result<Option<StoredReply>> {
        let mut statement =
            Statement::of("SELECT body_hash, reply, created_at FROM replies WHERE account = ");
        statement.bind(key.account.unwrap_or(Uuid::nil()).into());
        statement.push(" AND scope = ").bind(key.scope.as_str().into());
        statement.push(" AND key = ").bind(key.key.as_str().into());
        statement.push(" AND created_at >= ").bind(key.not_before.as_micros().into());
        let mut reader = self.shared.pool.take()?;
        reader.get()?.first(&statement, |row| {
            Ok(StoredReply {
                body_hash: row.bytes(0)?.unwrap_or_default(),
                reply: row.bytes(1)?.unwrap_or_default(),
                created_at: Timestamp::from_micros(row.integer(2)?),
            })
        })
    }

    async fn history(
        &self,
        access: &Access,
        id: Uuid,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<ChangeRecord>> {
        let access = access.clone();
        self.long_read(move |shared| changes::history(shared, &access, id, before, limit)).await
    }

    async fn changes(&self, org: Uuid, since: i64, limit: usize) -> Result<Vec<ChangeRecord>> {
        self.long_read(move |shared| changes::since(shared, org, since, limit)).await
    }

    async fn changes_within(
        &self,
        org: Uuid,
        span: Range<i64>,
        filter: &ChangeFilter,
        limit: usize,
    ) -> Result<Vec<ChangeRecord>> {
        let filter = filter.clone();
        self.long_read(move |shared| changes::within(shared, org, &span, &filter, limit)).await
    }

    async fn contents_in_use(&self, ids: &[Uuid]) -> Result<Vec<Uuid>> {
        let mut statement = Statement::of("SELECT i.content FROM items i WHERE i.content IN (");
        for (index, id) in ids.iter().enumerate() {
            statement.push(if index == 0 { "" } else { ", " }).bind((*id).into());
        }
        statement.push(")");
        self.long_read(move |shared| shared.pool.take()?.get()?.rows(&statement, |row| row.id(0))).await
    }

    async fn check(&self) -> Result<()> {
        let mut reader = self.shared.pool.take()?;
        reader.get()?.number(&Statement::of("SELECT revision FROM type_revision")).map(drop)
    }
}

fn get_many(shared: &Shared, access: &Access, ids: &[Uuid]) -> Result<Vec<Item>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut distinct = ids.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    let mut reader = shared.pool.take()?;
    if distinct.len() <= FEW {
        readable_items(reader.get()?, access, &distinct)
    } else {
        reader.get()?.snapshot(|connection| readable_items(connection, access, &distinct))
    }
}

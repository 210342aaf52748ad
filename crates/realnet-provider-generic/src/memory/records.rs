//! Records, events and limits.

use std::ops::Bound;

use async_trait::async_trait;
use realnet_core::Uuid;
use realnet_core::clock::Timestamp;
use realnet_core::error::Result;
use realnet_core::limit::{Allowance, Rate};
use realnet_core::provider::{
    AuthEvent, AuthRecord, EventFilter, EventProvider, Expected, LimitProvider, RecordKind, RecordProvider,
};

use super::MemoryStore;
use super::state::State;

#[async_trait]
impl RecordProvider for MemoryStore {
    async fn record(&self, kind: RecordKind, key: &str, now: Timestamp) -> Result<Option<AuthRecord>> {
        let name = (kind, key.to_owned());
        let is_alive = |record: &&AuthRecord| record.is_alive(now);
        Ok(self.read(|state| state.records.get(&name).filter(is_alive).cloned()).await)
    }

    async fn put_record(&self, record: AuthRecord, expected: Expected, now: Timestamp) -> Result<bool> {
        record.check()?;
        self.write(|transaction| Ok(transaction.put_record(record, expected, now))).await
    }

    async fn take_record(&self, kind: RecordKind, key: &str, now: Timestamp) -> Result<Option<AuthRecord>> {
        let taken = self.write(|transaction| Ok(transaction.remove_record(kind, key))).await?;
        Ok(taken.filter(|record| record.is_alive(now)))
    }

    async fn remove_record(&self, kind: RecordKind, key: &str) -> Result<bool> {
        self.write(|transaction| Ok(transaction.remove_record(kind, key).is_some())).await
    }

    async fn records_of(&self, account: Uuid, kind: RecordKind, now: Timestamp) -> Result<Vec<AuthRecord>> {
        let of_account = |record: &&AuthRecord| {
            record.kind == kind && record.account == Some(account) && record.is_alive(now)
        };
        let look = |state: &State| state.records.values().filter(of_account).cloned().collect::<Vec<_>>();
        let mut records = self.read(look).await;
        records.sort_by(|a, b| (a.created_at, &a.key).cmp(&(b.created_at, &b.key)));
        records.truncate(AuthRecord::MAX_PAGE);
        Ok(records)
    }

    async fn records_in(
        &self,
        org: Uuid,
        kind: RecordKind,
        after: Option<&str>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<AuthRecord>> {
        let behind = Bound::Excluded((kind, after.unwrap_or_default().to_owned()));
        let look = |state: &State| {
            let behind = state.records.range((behind.clone(), Bound::Unbounded));
            let of_kind = behind.take_while(|((of, _), _)| *of == kind);
            let in_org = of_kind.filter(|(_, record)| record.org == Some(org) && record.is_alive(now));
            in_org.take(limit.min(AuthRecord::MAX_PAGE)).map(|(_, record)| record.clone()).collect()
        };
        Ok(self.read(look).await)
    }
}

#[async_trait]
impl EventProvider for MemoryStore {
    async fn append_event(&self, event: AuthEvent) -> Result<()> {
        event.check()?;
        self.write(|transaction| {
            transaction.append_event(event);
            Ok(())
        })
        .await
    }

    async fn events(
        &self,
        org: Uuid,
        filter: &EventFilter,
        before: Option<Uuid>,
        limit: usize,
    ) -> Result<Vec<AuthEvent>> {
        let end = before.map_or(Bound::Unbounded, Bound::Excluded);
        let look = |state: &State| {
            let newest_first = state.events.range((Bound::Unbounded, end)).rev().map(|(_, event)| event);
            let found = newest_first.filter(|event| event.org == org && filter.matches(event));
            found.take(limit.min(AuthEvent::MAX_PAGE)).cloned().collect()
        };
        Ok(self.read(look).await)
    }
}

#[async_trait]
impl LimitProvider for MemoryStore {
    async fn take(&self, bucket: &str, rate: Rate, cost: u32, now: Timestamp) -> Result<Allowance> {
        Ok(self.buckets.lock().take(bucket, rate, cost, now))
    }

    async fn refund(&self, bucket: &str, cost: u32) -> Result<()> {
        self.buckets.lock().refund(bucket, cost);
        Ok(())
    }

    async fn forget(&self, bucket: &str) -> Result<()> {
        self.buckets.lock().forget(bucket);
        Ok(())
    }
}

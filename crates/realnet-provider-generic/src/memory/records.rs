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

#[async_trait]
impl RecordProvider for MemoryStore {
    async fn record(&self, kind: RecordKind, key: &str, now: Timestamp) -> Result<Option<AuthRecord>> {
        let state = self.state.read();
        let record = state.records.get(&(kind, key.to_owned()));
        Ok(record.filter(|record| record.is_alive(now)).cloned())
    }

    async fn put_record(&self, mut record: AuthRecord, expected: Expected, now: Timestamp) -> Result<bool> {
        record.check()?;
        let mut state = self.state.write();
        state.records.retain(|_, other| other.is_alive(now));
        let key = (record.kind, record.key.clone());
        let present = state.records.get(&key).map(|present| present.version);
        let is_met = match expected {
            Expected::Absent => present.is_none(),
            Expected::Version(version) => present == Some(version),
            Expected::Any => true,
        };
        if is_met {
            record.version = present.unwrap_or_default() + 1;
            state.records.insert(key, record);
        }
        Ok(is_met)
    }

    async fn take_record(&self, kind: RecordKind, key: &str, now: Timestamp) -> Result<Option<AuthRecord>> {
        let taken = self.state.write().records.remove(&(kind, key.to_owned()));
        Ok(taken.filter(|record| record.is_alive(now)))
    }

    async fn remove_record(&self, kind: RecordKind, key: &str) -> Result<bool> {
        Ok(self.state.write().records.remove(&(kind, key.to_owned())).is_some())
    }

    async fn records_of(&self, account: Uuid, kind: RecordKind, now: Timestamp) -> Result<Vec<AuthRecord>> {
        let state = self.state.read();
        let of_account = |record: &&AuthRecord| {
            record.kind == kind && record.account == Some(account) && record.is_alive(now)
        };
        let mut records: Vec<AuthRecord> = state.records.values().filter(of_account).cloned().collect();
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
        let state = self.state.read();
        let behind = Bound::Excluded((kind, after.unwrap_or_default().to_owned()));
        let of_kind = state.records.range((behind, Bound::Unbounded)).take_while(|((of, _), _)| *of == kind);
        let in_org = of_kind.filter(|(_, record)| record.org == Some(org) && record.is_alive(now));
        Ok(in_org.take(limit.min(AuthRecord::MAX_PAGE)).map(|(_, record)| record.clone()).collect())
    }
}

#[async_trait]
impl EventProvider for MemoryStore {
    async fn append_event(&self, event: AuthEvent) -> Result<()> {
        event.check()?;
        let mut state = self.state.write();
        state.events = state.events.split_off(&AuthEvent::first_kept_id(event.at));
        state.events.entry(event.id).or_insert(event);
        Ok(())
    }

    async fn events(
        &self,
        org: Uuid,
        filter: &EventFilter,
        before: Option<Uuid>,
        limit: usize,
    ) -> Result<Vec<AuthEvent>> {
        let state = self.state.read();
        let end = before.map_or(Bound::Unbounded, Bound::Excluded);
        let newest_first = state.events.range((Bound::Unbounded, end)).rev().map(|(_, event)| event);
        let found = newest_first.filter(|event| event.org == org && filter.matches(event));
        Ok(found.take(limit.min(AuthEvent::MAX_PAGE)).cloned().collect())
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

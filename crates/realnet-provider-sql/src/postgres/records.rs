//! The store as a provider of records and events. What has had its time is thrown away in the background.

use async_trait::async_trait;
use realnet_core::clock::Timestamp;
use realnet_core::provider::{
    AuthEvent, AuthRecord, EventFilter, EventProvider, Expected, RecordKind, RecordProvider,
};
use realnet_core::{Result, Uuid};

use super::PostgresStore;
use super::run::{PgRow, Reader};
use crate::access::{events, records};

fn read(kind: RecordKind, rows: &[PgRow]) -> Result<Vec<AuthRecord>> {
    rows.iter().map(|row| records::read(kind, &mut Reader::new(row))).collect()
}

#[async_trait]
impl RecordProvider for PostgresStore {
    async fn record(&self, kind: RecordKind, key: &str, now: Timestamp) -> Result<Option<AuthRecord>> {
        if !AuthRecord::is_key(key) {
            return Ok(None);
        }
        let rows = self.shared.read(records::get(kind, key, now)).await?;
        Ok(read(kind, &rows)?.pop())
    }

    async fn put_record(&self, record: AuthRecord, expected: Expected, now: Timestamp) -> Result<bool> {
        record.check()?;
        Ok(!self.shared.write(records::put(record, expected, now)).await?.is_empty())
    }

    async fn take_record(&self, kind: RecordKind, key: &str, now: Timestamp) -> Result<Option<AuthRecord>> {
        if !AuthRecord::is_key(key) {
            return Ok(None);
        }
        let rows = self.shared.write(records::take(kind, key, now)).await?;
        Ok(read(kind, &rows)?.pop())
    }

    async fn remove_record(&self, kind: RecordKind, key: &str) -> Result<bool> {
        Ok(AuthRecord::is_key(key) && !self.shared.write(records::remove(kind, key)).await?.is_empty())
    }

    async fn records_of(&self, account: Uuid, kind: RecordKind, now: Timestamp) -> Result<Vec<AuthRecord>> {
        read(kind, &self.shared.read(records::of_account(account, kind, now)).await?)
    }

    async fn records_in(
        &self,
        org: Uuid,
        kind: RecordKind,
        after: Option<&str>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<AuthRecord>> {
        read(kind, &self.shared.read(records::in_org(org, kind, after, limit, now)).await?)
    }
}

#[async_trait]
impl EventProvider for PostgresStore {
    async fn append_event(&self, event: AuthEvent) -> Result<()> {
        event.check()?;
        self.shared.write(events::append(&event)?).await.map(drop)
    }

    async fn events(
        &self,
        org: Uuid,
        filter: &EventFilter,
        before: Option<Uuid>,
        limit: usize,
    ) -> Result<Vec<AuthEvent>> {
        let rows = self.shared.read(events::list(org, filter, before, limit)).await?;
        rows.iter().map(|row| events::read(org, &mut Reader::new(row))).collect()
    }
}

//! The store as a provider of records and events. Each write throws away what has had its time, which an index makes cheap.

use async_trait::async_trait;
use realnet_core::clock::Timestamp;
use realnet_core::provider::{
    AuthEvent, AuthRecord, EventFilter, EventProvider, Expected, RecordKind, RecordProvider,
};
use realnet_core::{Result, Uuid};

use super::SqliteStore;
use super::fields::RowFields;
use crate::access::{events, records};
use crate::statement::Statement;

impl SqliteStore {
    fn read_records(&self, kind: RecordKind, statement: &Statement) -> Result<Vec<AuthRecord>> {
        let mut reader = self.shared.pool.take()?;
        reader.get()?.rows(statement, |row| records::read(kind, &mut RowFields::new(row)))
    }
}

#[async_trait]
impl RecordProvider for SqliteStore {
    async fn record(&self, kind: RecordKind, key: &str, now: Timestamp) -> Result<Option<AuthRecord>> {
        Ok(self.read_records(kind, &records::get(kind, key, now))?.pop())
    }

    async fn put_record(&self, record: AuthRecord, expected: Expected, now: Timestamp) -> Result<bool> {
        record.check()?;
        let (sweep, put) = (records::sweep(now), records::put(record, expected, now));
        self.writer
            .submit(move |transaction| {
                transaction.connection.run(&sweep)?;
                Ok(transaction.connection.first(&put, |_| Ok(()))?.is_some())
            })
            .await
    }

    async fn take_record(&self, kind: RecordKind, key: &str, now: Timestamp) -> Result<Option<AuthRecord>> {
        let take = records::take(kind, key, now);
        self.writer
            .submit(move |transaction| {
                transaction.connection.first(&take, |row| records::read(kind, &mut RowFields::new(row)))
            })
            .await
    }

    async fn remove_record(&self, kind: RecordKind, key: &str) -> Result<bool> {
        let remove = records::remove(kind, key);
        self.writer
            .submit(move |transaction| Ok(transaction.connection.first(&remove, |_| Ok(()))?.is_some()))
            .await
    }

    async fn records_of(&self, account: Uuid, kind: RecordKind, now: Timestamp) -> Result<Vec<AuthRecord>> {
        self.read_records(kind, &records::of_account(account, kind, now))
    }

    async fn records_in(
        &self,
        org: Uuid,
        kind: RecordKind,
        after: Option<&str>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<AuthRecord>> {
        self.read_records(kind, &records::in_org(org, kind, after, limit, now))
    }
}

#[async_trait]
impl EventProvider for SqliteStore {
    async fn append_event(&self, event: AuthEvent) -> Result<()> {
        event.check()?;
        let (sweep, append) = (events::sweep(event.at), events::append(&event)?);
        self.writer
            .submit(move |transaction| {
                transaction.connection.run(&sweep)?;
                transaction.connection.run(&append).map(drop)
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
        let list = events::list(org, filter, before, limit);
        self.long_read(move |shared| {
            let mut reader = shared.pool.take()?;
            reader.get()?.rows(&list, |row| events::read(org, &mut RowFields::new(row)))
        })
        .await
    }
}

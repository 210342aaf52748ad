//! The faults of credentials, records, events and limits.

use std::time::Duration;

use async_trait::async_trait;
use realnet_core::clock::Timestamp;
use realnet_core::limit::{Allowance, Rate};
use realnet_core::provider::{
    AuthEvent, AuthRecord, Credential, CredentialProvider, EventFilter, EventProvider, Expected,
    LimitProvider, RecordKind, RecordProvider, Session,
};
use realnet_core::{Result, Uuid};

use super::{Fault, FaultyStore};

#[async_trait]
impl CredentialProvider for FaultyStore {
    async fn credential(&self, account: Uuid) -> Result<Option<Credential>> {
        self.store.credential(account).await
    }

    async fn rehash(&self, account: Uuid, current: &str, next: &str) -> Result<bool> {
        if self.fault == Fault::RehashesWhateverIsThere
            && let Some(known) = self.store.credential(account).await?
        {
            return self.store.rehash(account, &known.password_hash, next).await;
        }
        self.store.rehash(account, current, next).await
    }

    async fn open_session(&self, session: Session) -> Result<()> {
        self.store.open_session(session).await
    }

    async fn session(&self, id: Uuid, now: Timestamp) -> Result<Option<Session>> {
        let now = if self.fault == Fault::EternalSessions { Timestamp::default() } else { now };
        let session = self.store.session(id, now).await?;
        Ok(session.map(|session| match self.fault {
            Fault::ForgetsUse => Session { used_at: session.created_at, ..session },
            _ => session,
        }))
    }

    async fn sessions_of(&self, account: Uuid, now: Timestamp) -> Result<Vec<Session>> {
        let now = if self.fault == Fault::ListsEndedSessions { Timestamp::default() } else { now };
        self.store.sessions_of(account, now).await
    }

    async fn rotate_session(
        &self,
        id: Uuid,
        current: &[u8],
        next: &[u8],
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool> {
        let rotated = self.store.rotate_session(id, current, next, expires_at, now).await?;
        Ok(rotated || self.fault == Fault::RotatesAlways)
    }

    async fn close_session(&self, id: Uuid) -> Result<()> {
        self.store.close_session(id).await
    }

    async fn close_sessions(&self, account: Uuid, except: Option<Uuid>) -> Result<usize> {
        let except = except.filter(|_| self.fault != Fault::EndsEverySession);
        self.store.close_sessions(account, except).await
    }

    async fn setting_or_insert(&self, key: &str, value: Vec<u8>) -> Result<Vec<u8>> {
        let kept = self.store.setting_or_insert(key, value.clone()).await?;
        Ok(if self.fault == Fault::LastSettingWins { value } else { kept })
    }

    async fn setting(&self, key: &str) -> Result<Option<Vec<u8>>> {
        self.store.setting(key).await
    }

    async fn replace_setting(&self, key: &str, current: &[u8], next: Vec<u8>) -> Result<bool> {
        let replaced = self.store.replace_setting(key, current, next).await?;
        Ok(replaced || self.fault == Fault::ReplacesSettingsAlways)
    }
}

impl FaultyStore {
    fn moment(&self, now: Timestamp) -> Timestamp {
        if self.fault == Fault::EternalRecords { Timestamp::default() } else { now }
    }
}

#[async_trait]
impl RecordProvider for FaultyStore {
    async fn record(&self, kind: RecordKind, key: &str, now: Timestamp) -> Result<Option<AuthRecord>> {
        self.store.record(kind, key, self.moment(now)).await
    }

    async fn put_record(&self, mut record: AuthRecord, expected: Expected, now: Timestamp) -> Result<bool> {
        if self.fault == Fault::ForgetsOwners {
            record.account = None;
        }
        let expected = if self.fault == Fault::PutsAlways { Expected::Any } else { expected };
        self.store.put_record(record, expected, self.moment(now)).await
    }

    async fn take_record(&self, kind: RecordKind, key: &str, now: Timestamp) -> Result<Option<AuthRecord>> {
        if self.fault != Fault::TakesTwice {
            return self.store.take_record(kind, key, self.moment(now)).await;
        }
        // What a store does that reads first and removes then.
        let found = self.store.record(kind, key, now).await?;
        tokio::time::sleep(Duration::from_millis(20)).await;
        self.store.remove_record(kind, key).await?;
        Ok(found)
    }

    async fn remove_record(&self, kind: RecordKind, key: &str) -> Result<bool> {
        self.store.remove_record(kind, key).await
    }

    async fn records_of(&self, account: Uuid, kind: RecordKind, now: Timestamp) -> Result<Vec<AuthRecord>> {
        self.store.records_of(account, kind, self.moment(now)).await
    }

    async fn records_in(
        &self,
        org: Uuid,
        kind: RecordKind,
        after: Option<&str>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<AuthRecord>> {
        let after = after.filter(|_| self.fault != Fault::PagesRecordsTwice);
        self.store.records_in(org, kind, after, limit, self.moment(now)).await
    }
}

#[async_trait]
impl EventProvider for FaultyStore {
    async fn append_event(&self, event: AuthEvent) -> Result<()> {
        self.store.append_event(event).await
    }

    async fn events(
        &self,
        org: Uuid,
        filter: &EventFilter,
        before: Option<Uuid>,
        limit: usize,
    ) -> Result<Vec<AuthEvent>> {
        let mut filter = filter.clone();
        match self.fault {
            Fault::MixesEvents => filter.account = None,
            Fault::IgnoresEventTimes => filter.until = None,
            _ => {}
        }
        let mut events = self.store.events(org, &filter, before, limit).await?;
        if self.fault == Fault::OldestEventsFirst {
            events.reverse();
        }
        Ok(events)
    }
}

#[async_trait]
impl LimitProvider for FaultyStore {
    async fn take(&self, bucket: &str, rate: Rate, cost: u32, now: Timestamp) -> Result<Allowance> {
        let now = if self.fault == Fault::NeverRefills { Timestamp::default() } else { now };
        let allowance = self.store.take(bucket, rate, cost, now).await?;
        let allowed = allowance.allowed || self.fault == Fault::NoLimits;
        Ok(Allowance { allowed, ..allowance })
    }

    async fn refund(&self, bucket: &str, cost: u32) -> Result<()> {
        let cost = if self.fault == Fault::KeepsSpent { 0 } else { cost };
        self.store.refund(bucket, cost).await
    }

    async fn forget(&self, bucket: &str) -> Result<()> {
        self.store.forget(bucket).await
    }
}

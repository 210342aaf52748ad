//! What is kept of something that is under way, a sign-in elsewhere or the ceremony of a passkey, for who comes back with its secret.

use realnet_core::clock::Timestamp;
use realnet_core::provider::{AuthRecord, Expected, RecordKind};
use realnet_core::{Error, Result, Uuid};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::accounts::Accounts;
use crate::tokens::hash;

/// The longest secret that is looked at.
const MAX: usize = 128;

/// One sort of what is kept: its records, and what their keys begin with.
#[derive(Clone, Copy)]
pub(crate) struct UnderWay {
    pub(crate) kind: RecordKind,
    pub(crate) what: &'static str,
}

impl UnderWay {
    fn key(self, secret: &str) -> String {
        format!("{}:{}", self.what, hash(secret))
    }
}

/// What somebody has come back for.
pub(crate) struct TakenUp<T> {
    /// The org in which it was begun, if that was known.
    pub(crate) org: Uuid,
    /// When it was begun.
    pub(crate) begun_at: Timestamp,
    pub(crate) value: T,
}

impl Accounts {
    /// Keeps something for who comes with `secret`, for `life` seconds.
    pub(crate) async fn keep<T: Serialize>(
        &self,
        sort: UnderWay,
        secret: &str,
        org: Option<Uuid>,
        value: &T,
        life: i64,
    ) -> Result<()> {
        let value = serde_json::to_vec(value)
            .map_err(|error| Error::internal("a sign-in can not be kept").with_source(error))?;
        let now = self.services.clock.now();
        let record = AuthRecord::new(sort.kind, sort.key(secret), value, now)
            .of(None, org)
            .until(now.plus_seconds(life));
        if self.services.credentials.put_record(record, Expected::Absent, now).await? {
            return Ok(());
        }
        Err(Error::internal("a random text was there already"))
    }

    /// Takes that up. Of several who come with the same secret, one gets it.
    pub(crate) async fn take_up<T: DeserializeOwned>(
        &self,
        sort: UnderWay,
        secret: &str,
    ) -> Result<Option<TakenUp<T>>> {
        if secret.is_empty() || secret.len() > MAX {
            return Ok(None);
        }
        let (records, key, now) = (&self.services.credentials, sort.key(secret), self.services.clock.now());
        // Read first: whatever strangers make up would be a write otherwise.
        if records.record(sort.kind, &key, now).await?.is_none() {
            return Ok(None);
        }
        let Some(record) = records.take_record(sort.kind, &key, now).await? else { return Ok(None) };
        let value = serde_json::from_slice(&record.value)
            .map_err(|error| Error::internal("a kept sign-in can not be read").with_source(error))?;
        Ok(Some(TakenUp { org: record.org.unwrap_or_default(), begun_at: record.created_at, value }))
    }
}

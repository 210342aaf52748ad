//! The ways in to an account besides its password: what is removed of them is never the last.

use realnet_core::provider::{AuthRecord, Expected, RecordKind};
use realnet_core::{Error, Result, Uuid};

use crate::accounts::Accounts;

impl Accounts {
    /// Removes a way in.
    ///
    /// # Errors
    /// A conflict when there is no other; not found when it has just gone.
    pub(crate) async fn remove_way(&self, record: AuthRecord, account: Uuid) -> Result<()> {
        let records = &self.services.credentials;
        let only = || Error::conflict("it is the only way in to your account: set a password first");
        // Before it is removed, so that the only way is never away, not even for a moment.
        if !self.has_way(account, Some(&record.key)).await? {
            return Err(only());
        }
        if !records.remove_record(record.kind, &record.key).await? {
            return Err(Error::not_found("what was to be removed"));
        }
        // And behind the removal: of the last two that are removed at once, neither goes.
        let left = self.has_way(account, None).await;
        if matches!(left, Ok(true)) {
            return Ok(());
        }
        records.put_record(record, Expected::Absent, self.services.clock.now()).await?;
        left.and(Err(only()))
    }

    /// Whether there is a way in besides that of a record.
    async fn has_way(&self, account: Uuid, besides: Option<&str>) -> Result<bool> {
        let (records, now) = (&self.services.credentials, self.services.clock.now());
        if records.credential(account).await?.is_some_and(|known| !known.password_hash.is_empty()) {
            return Ok(true);
        }
        for kind in [RecordKind::Link, RecordKind::Passkey] {
            let found = records.records_of(account, kind, now).await?;
            if found.iter().any(|record| Some(record.key.as_str()) != besides) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

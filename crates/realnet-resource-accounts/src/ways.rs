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
        if !records.remove_record(record.kind, &record.key).await? {
            return Err(Error::not_found("what was to be removed"));
        }
        // Looked at behind the removal: of the last two that are removed at once, neither goes.
        if self.has_way(account).await? {
            return Ok(());
        }
        let now = self.services.clock.now();
        records.put_record(record, Expected::Absent, now).await?;
        Err(Error::conflict("it is the only way in to your account: set a password first"))
    }

    async fn has_way(&self, account: Uuid) -> Result<bool> {
        let (records, now) = (&self.services.credentials, self.services.clock.now());
        if records.credential(account).await?.is_some_and(|known| !known.password_hash.is_empty()) {
            return Ok(true);
        }
        for kind in [RecordKind::Link, RecordKind::Passkey] {
            if !records.records_of(account, kind, now).await?.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

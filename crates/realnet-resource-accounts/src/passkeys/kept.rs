//! What is kept of a passkey: its public key and its counter, and what its owner calls it.

use passki::StoredPasskey;
use realnet_core::clock::Timestamp;
use realnet_core::model::Item;
use realnet_core::provider::{AuthRecord, RecordKind};
use realnet_core::resource::Services;
use realnet_core::{Error, Result, Uuid};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::accounts::Accounts;
use crate::kind::is_superuser;
use crate::tokens::hex;

/// A passkey.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
pub(super) struct Kept {
    pub(super) name: String,
    pub(super) used_at: Option<Timestamp>,
    /// Whether its account was a superuser's when it was added. Those of before this was noted do not say.
    #[serde(default)]
    pub(super) as_superuser: Option<bool>,
    pub(super) passkey: StoredPasskey,
}

impl Kept {
    pub(super) fn read(record: &AuthRecord) -> Result<Self> {
        serde_json::from_slice(&record.value)
            .map_err(|error| Error::internal("a passkey can not be read").with_source(error))
    }

    pub(super) fn write(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self)
            .map_err(|error| Error::internal("a passkey can not be kept").with_source(error))
    }

    /// Whether it opens its account. One that is known to be of before the account became a superuser's does not: whoever has added
    /// one to somebody else's account is not raised along with it.
    pub(super) fn opens(&self, account: &Item) -> bool {
        !is_superuser(account) || self.as_superuser != Some(false)
    }

    /// As its owner sees it.
    pub(super) fn shown(&self, record: &AuthRecord) -> Value {
        json!({
            "id": record.key,
            "name": self.name,
            "created_at": record.created_at,
            "used_at": self.used_at,
            "synced": self.passkey.bs,
        })
    }
}

/// The name of a credential, whatever its length: nobody's is another's.
pub(super) fn key(credential: &[u8]) -> String {
    hex(&Sha256::digest(credential))
}

/// Whether an account has a passkey that opens it. One that does not is no way in, and so proves nothing.
pub(crate) async fn has_passkey(services: &Services, account: &Item) -> Result<bool> {
    let now = services.clock.now();
    let records = services.credentials.records_of(account.id, RecordKind::Passkey, now).await?;
    for record in &records {
        if Kept::read(record)?.opens(account) {
            return Ok(true);
        }
    }
    Ok(false)
}

impl Accounts {
    /// The passkeys of an account.
    pub(super) async fn passkeys_of(&self, account: Uuid) -> Result<Vec<(AuthRecord, Kept)>> {
        let now = self.services.clock.now();
        let records = self.services.credentials.records_of(account, RecordKind::Passkey, now).await?;
        records.into_iter().map(|record| Kept::read(&record).map(|kept| (record, kept))).collect()
    }
}

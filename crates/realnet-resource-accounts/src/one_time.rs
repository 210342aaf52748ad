//! Tokens that are sent by mail and serve once: the store keeps their hashes only.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use realnet_core::provider::{AuthRecord, Expected, RecordKind};
use realnet_core::{Error, Result, Uuid, Violation};

use crate::accounts::Accounts;
use crate::tokens::fingerprint;

/// The longest text that is looked at.
const MAX_TOKEN: usize = 128;

/// What a token stands for. It is void when the account has changed since in what matters.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Leave {
    /// The address that it was sent to.
    pub(crate) address: String,
    /// The address that the account had.
    pub(crate) before: Option<String>,
    /// The account's epoch: it rises with every new password, and whenever sessions are ended.
    pub(crate) epoch: i64,
}

impl Leave {
    /// What a record says.
    pub(crate) fn read(record: &AuthRecord) -> Result<Self> {
        serde_json::from_slice(&record.value).map_err(|_| not_good())
    }
}

impl Accounts {
    /// The epoch of an account.
    pub(crate) async fn epoch_of(&self, account: Uuid) -> Result<i64> {
        Ok(self.services.credentials.credential(account).await?.map_or(0, |credential| credential.epoch))
    }

    /// A new token of an account, of 256 random bits; of nobody's when nobody is to have one.
    pub(crate) async fn issue(
        &self,
        kind: RecordKind,
        (account, org): (Option<Uuid>, Uuid),
        leave: &Leave,
        life: Duration,
    ) -> Result<String> {
        let value = serde_json::to_vec(leave)
            .map_err(|error| Error::internal("a token can not be kept").with_source(error))?;
        let token = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
        let now = self.services.clock.now();
        let seconds = i64::try_from(life.as_secs()).unwrap_or(i64::MAX);
        let record = AuthRecord::new(kind, key(&token), value, now)
            .of(account, Some(org))
            .until(now.plus_seconds(seconds));
        if self.services.credentials.put_record(record, Expected::Absent, now).await? {
            Ok(token)
        } else {
            Err(Error::internal("a random token was there already"))
        }
    }

    /// What a token stands for; it stays good.
    pub(crate) async fn look_at(&self, kind: RecordKind, token: &str) -> Result<AuthRecord> {
        if token.len() > MAX_TOKEN {
            return Err(not_good());
        }
        let found = self.services.credentials.record(kind, &key(token), self.services.clock.now()).await?;
        found.ok_or_else(not_good)
    }

    /// Uses a token up. Of several who use it at once, one succeeds.
    pub(crate) async fn use_up(&self, kind: RecordKind, token: &str) -> Result<AuthRecord> {
        let now = self.services.clock.now();
        self.services.credentials.take_record(kind, &key(token), now).await?.ok_or_else(not_good)
    }
}

fn key(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(fingerprint(token))
}

/// One answer for all that can be wrong with a token.
pub(crate) fn not_good() -> Error {
    Error::invalid(vec![Violation::new("/token", "is not valid, was used, or has expired")])
}

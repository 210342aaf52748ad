//! Recovery codes: each stands in for the authenticator once. The store keeps digests under a key that it keeps sealed.
//!
//! They are made in sets, and the factor names the one that counts: so one set takes the place of another in one step, and what a
//! failure, or somebody who does the same at the same time, leaves behind counts for nothing.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use realnet_core::model::Item;
use realnet_core::provider::{AuthRecord, Expected, RecordKind};
use realnet_core::{Error, Result, Uuid};

use super::kept::{Factor, codes_of};
use super::totp::base32;
use crate::accounts::Accounts;

/// How many there are.
pub(super) const CODES: usize = 10;
/// Random bytes of a code: 80 bits, 16 letters.
const BYTES: usize = 10;
/// The longest text that is looked at.
const MAX_TEXT: usize = 64;
/// How often a factor is tried that a code is used of at the same time.
const ATTEMPTS: usize = 10;

impl Accounts {
    /// A set of new codes, which counts once the factor names it.
    pub(super) async fn make_recovery(&self, account: Uuid, org: Uuid) -> Result<(Uuid, Vec<String>)> {
        let (set, now) = (self.services.ids.next_id(), self.services.clock.now());
        let mut codes = Vec::with_capacity(CODES);
        for _ in 0..CODES {
            let letters = base32(&rand::random::<[u8; BYTES]>());
            let record = AuthRecord::new(
                RecordKind::Recovery,
                self.recovery_key(account, &letters),
                value_of(Some(set)),
                now,
            )
            .of(Some(account), Some(org));
            if !self.services.credentials.put_record(record, Expected::Absent, now).await? {
                return Err(Error::internal("a random code was there already"));
            }
            codes.push(in_groups(&letters));
        }
        Ok((set, codes))
    }

    /// New codes in the place of those that an account has.
    ///
    /// # Errors
    /// A conflict when the factor has gone, or is in use over and over; the codes that it has go on counting then.
    pub(super) async fn replace_recovery(&self, account: &Item) -> Result<Vec<String>> {
        let (set, codes) = self.make_recovery(account.id, account.org).await?;
        for _ in 0..ATTEMPTS {
            let Some(record) = self.factor_of(account.id).await? else { break };
            let factor = Factor::read(&self.services.secrets, account.id, &record)?;
            let before = factor.codes;
            let value = Factor { codes: Some(set), ..factor }.write(&self.services.secrets, account.id)?;
            let (expected, now) = (Expected::Version(record.version), self.services.clock.now());
            if self.services.credentials.put_record(AuthRecord { value, ..record }, expected, now).await? {
                self.drop_set(account.id, before).await;
                return Ok(codes);
            }
        }
        self.drop_set(account.id, Some(set)).await;
        Err(Error::conflict("the second factor was changed at the same time: try again"))
    }

    /// Uses a code up; answers whether it was one that counts. Of several who use it at once, one succeeds.
    pub(super) async fn use_recovery(&self, account: Uuid, given: &str) -> Result<bool> {
        if given.len() > MAX_TEXT {
            return Ok(false);
        }
        let letters: String =
            given.chars().filter(char::is_ascii_alphanumeric).map(|one| one.to_ascii_uppercase()).collect();
        let (records, now) = (&self.services.credentials, self.services.clock.now());
        let key = self.recovery_key(account, &letters);
        let Some(factor) = self.factor_of(account).await? else { return Ok(false) };
        let counting = value_of(codes_of(&factor)?);
        let found = records.record(RecordKind::Recovery, &key, now).await?;
        if found.is_none_or(|record| record.value != counting) {
            return Ok(false);
        }
        Ok(records.take_record(RecordKind::Recovery, &key, now).await?.is_some())
    }

    /// How many codes an account has left.
    pub(super) async fn recovery_left(&self, account: Uuid) -> Result<usize> {
        let Some(factor) = self.factor_of(account).await? else { return Ok(0) };
        let counting = value_of(codes_of(&factor)?);
        let now = self.services.clock.now();
        let records = self.services.credentials.records_of(account, RecordKind::Recovery, now).await?;
        Ok(records.iter().filter(|record| record.value == counting).count())
    }

    /// Removes all codes, of every set.
    pub(super) async fn drop_recovery(&self, account: Uuid) -> Result<()> {
        let now = self.services.clock.now();
        for record in self.services.credentials.records_of(account, RecordKind::Recovery, now).await? {
            self.services.credentials.remove_record(RecordKind::Recovery, &record.key).await?;
        }
        Ok(())
    }

    /// Removes the codes of a set that counts no more. What is left of it when that fails does not count either.
    pub(super) async fn drop_set(&self, account: Uuid, set: Option<Uuid>) {
        let (records, now, value) = (&self.services.credentials, self.services.clock.now(), value_of(set));
        let dropped = async {
            let all = records.records_of(account, RecordKind::Recovery, now).await?;
            for record in all.iter().filter(|record| record.value == value) {
                records.remove_record(RecordKind::Recovery, &record.key).await?;
            }
            Ok::<_, Error>(())
        };
        if let Err(error) = dropped.await {
            tracing::warn!(%account, error = %error.report(), "recovery codes that count no more are left behind");
        }
    }

    fn recovery_key(&self, account: Uuid, letters: &str) -> String {
        let digest = self.services.secrets.digest("recovery code", format!("{account}:{letters}").as_bytes());
        format!("{account}:{}", URL_SAFE_NO_PAD.encode(digest))
    }
}

/// What the record of a code says: its set.
fn value_of(set: Option<Uuid>) -> Vec<u8> {
    set.map(|set| set.as_bytes().to_vec()).unwrap_or_default()
}

/// `ABCDEFGH…` as `ABCD-EFGH-…`.
fn in_groups(letters: &str) -> String {
    let mut text = String::new();
    for (index, letter) in letters.chars().enumerate() {
        if index > 0 && index % 4 == 0 {
            text.push('-');
        }
        text.push(letter);
    }
    text
}

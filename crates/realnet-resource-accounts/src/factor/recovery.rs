//! Recovery codes: each stands in for the authenticator once. The store keeps digests under a key that it keeps sealed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use realnet_core::provider::{AuthRecord, Expected, RecordKind};
use realnet_core::{Error, Result, Uuid};

use super::totp::base32;
use crate::accounts::Accounts;

/// How many there are.
pub(super) const CODES: usize = 10;
/// Random bytes of a code: 80 bits, 16 letters.
const BYTES: usize = 10;
/// The longest text that is looked at.
const MAX_TEXT: usize = 64;

impl Accounts {
    /// New codes in the place of those that an account has.
    pub(super) async fn make_recovery(&self, account: Uuid, org: Uuid) -> Result<Vec<String>> {
        self.drop_recovery(account).await?;
        let now = self.services.clock.now();
        let mut codes = Vec::with_capacity(CODES);
        for _ in 0..CODES {
            let letters = base32(&rand::random::<[u8; BYTES]>());
            let record =
                AuthRecord::new(RecordKind::Recovery, self.recovery_key(account, &letters), Vec::new(), now)
                    .of(Some(account), Some(org));
            if !self.services.credentials.put_record(record, Expected::Absent, now).await? {
                return Err(Error::internal("a random code was there already"));
            }
            codes.push(in_groups(&letters));
        }
        Ok(codes)
    }

    /// Uses a code up; answers whether it was one. Of several who use it at once, one succeeds.
    pub(super) async fn use_recovery(&self, account: Uuid, given: &str) -> Result<bool> {
        if given.len() > MAX_TEXT {
            return Ok(false);
        }
        let letters: String =
            given.chars().filter(char::is_ascii_alphanumeric).map(|one| one.to_ascii_uppercase()).collect();
        let key = self.recovery_key(account, &letters);
        let now = self.services.clock.now();
        Ok(self.services.credentials.take_record(RecordKind::Recovery, &key, now).await?.is_some())
    }

    /// How many codes an account has left.
    pub(super) async fn recovery_left(&self, account: Uuid) -> Result<usize> {
        let now = self.services.clock.now();
        Ok(self.services.credentials.records_of(account, RecordKind::Recovery, now).await?.len())
    }

    pub(super) async fn drop_recovery(&self, account: Uuid) -> Result<()> {
        let now = self.services.clock.now();
        for record in self.services.credentials.records_of(account, RecordKind::Recovery, now).await? {
            self.services.credentials.remove_record(RecordKind::Recovery, &record.key).await?;
        }
        Ok(())
    }

    fn recovery_key(&self, account: Uuid, letters: &str) -> String {
        let digest = self.services.secrets.digest("recovery code", format!("{account}:{letters}").as_bytes());
        format!("{account}:{}", URL_SAFE_NO_PAD.encode(digest))
    }
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

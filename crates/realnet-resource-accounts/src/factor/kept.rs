//! What is kept of a factor: its secret, sealed for its account, the step of the code that was accepted last, and which recovery
//! codes stand in for it.

use realnet_core::model::Item;
use realnet_core::provider::{AuthRecord, Expected, RecordKind};
use realnet_core::resource::Services;
use realnet_core::secret::{Place, Sealed, Secrets};
use realnet_core::{Error, Result, Uuid};

use crate::accounts::Accounts;
use crate::directory::Directory;
use crate::passkeys::has_passkey;

/// Records that are read at a time.
const PAGE: usize = 200;
/// How often a record is tried that others change at the same time.
const ATTEMPTS: usize = 10;

/// A shared secret and the last step.
pub(super) struct Factor {
    pub(super) secret: Vec<u8>,
    /// A code of this step or an earlier one counts no more.
    pub(super) step: i64,
    /// The session that has begun it, for as long as it waits for its first code.
    pub(super) session: Option<Uuid>,
    /// The set of recovery codes that counts. One that was turned on before there were sets has none.
    pub(super) codes: Option<Uuid>,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Kept {
    secret: String,
    step: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    session: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    codes: Option<Uuid>,
}

impl Factor {
    /// What a record says, which belongs to this account.
    pub(super) fn read(secrets: &Secrets, account: Uuid, record: &AuthRecord) -> Result<Self> {
        let Kept { secret, step, session, codes } = parse(record)?;
        let secret = secrets.open_sealed(&place(account), &Sealed::from_stored(secret.as_bytes()))?;
        Ok(Self { secret, step, session, codes })
    }

    /// What a record of it says.
    pub(super) fn write(&self, secrets: &Secrets, account: Uuid) -> Result<Vec<u8>> {
        let secret = secrets.seal(&place(account), &self.secret)?.to_text();
        let Self { step, session, codes, .. } = *self;
        serde_json::to_vec(&Kept { secret, step, session, codes })
            .map_err(|error| Error::internal("a factor can not be kept").with_source(error))
    }
}

/// The set of recovery codes that counts beside a factor.
pub(super) fn codes_of(record: &AuthRecord) -> Result<Option<Uuid>> {
    Ok(parse(record)?.codes)
}

fn parse(record: &AuthRecord) -> Result<Kept> {
    serde_json::from_slice(&record.value)
        .map_err(|error| Error::internal("a factor can not be read").with_source(error))
}

fn place(account: Uuid) -> Place {
    Place::new("second factor").with(account)
}

/// The key of the factor of an account, and of one that waits for its first code.
pub(super) fn key(account: Uuid) -> String {
    account.to_string()
}

pub(super) fn pending_key(account: Uuid) -> String {
    format!("{account}:new")
}

impl Accounts {
    /// The record of an account's factor; `None` when it has none.
    pub(crate) async fn factor_of(&self, account: Uuid) -> Result<Option<AuthRecord>> {
        let now = self.services.clock.now();
        self.services.credentials.record(RecordKind::Factor, &key(account), now).await
    }

    /// Takes away the factor of an account with its recovery codes; answers whether it had one.
    pub(crate) async fn drop_factor(&self, account: Uuid) -> Result<bool> {
        let records = &self.services.credentials;
        records.remove_record(RecordKind::Factor, &pending_key(account)).await?;
        let had = records.remove_record(RecordKind::Factor, &key(account)).await?;
        self.drop_recovery(account).await?;
        self.callers.clear();
        Ok(had)
    }

    /// Takes every second factor from somebody who has lost them, passkeys too: whoever has found a device has those as well.
    pub(crate) async fn drop_lost_factors(&self, account: Uuid) -> Result<bool> {
        let mut had = self.drop_factor(account).await?;
        let (records, now) = (&self.services.credentials, self.services.clock.now());
        for passkey in records.records_of(account, RecordKind::Passkey, now).await? {
            had |= records.remove_record(RecordKind::Passkey, &passkey.key).await?;
        }
        self.callers.clear();
        Ok(had)
    }
}

/// Whether an account has a second factor: an authenticator, or a passkey that opens it, which counts as one.
pub(crate) async fn has_factor(services: &Services, account: &Item) -> Result<bool> {
    let (records, now) = (&services.credentials, services.clock.now());
    if records.record(RecordKind::Factor, &key(account.id), now).await?.is_some() {
        return Ok(true);
    }
    has_passkey(services, account).await
}

/// Seals the secrets of all factors under the primary key.
pub(crate) async fn reseal(services: &Services) -> Result<()> {
    let directory = Directory::new(services);
    for org in directory.all_orgs().await? {
        let mut after: Option<String> = None;
        loop {
            let now = services.clock.now();
            let page =
                services.credentials.records_in(org, RecordKind::Factor, after.as_deref(), PAGE, now).await?;
            for record in &page {
                reseal_one(services, record.clone()).await?;
            }
            match page.last() {
                Some(last) => after = Some(last.key.clone()),
                None => break,
            }
        }
    }
    Ok(())
}

async fn reseal_one(services: &Services, mut record: AuthRecord) -> Result<()> {
    let records = &services.credentials;
    for _ in 0..ATTEMPTS {
        let Some(account) = record.account else { return Ok(()) };
        let sealed = Sealed::from_stored(parse(&record)?.secret.as_bytes());
        if services.secrets.keyring().is_current(&sealed) {
            return Ok(());
        }
        let now = services.clock.now();
        let expected = Expected::Version(record.version);
        let value = Factor::read(&services.secrets, account, &record)?.write(&services.secrets, account)?;
        if records.put_record(AuthRecord { value, ..record.clone() }, expected, now).await? {
            return Ok(());
        }
        // A code was accepted meanwhile, or the factor is gone.
        match records.record(RecordKind::Factor, &record.key, now).await? {
            Some(next) => record = next,
            None => return Ok(()),
        }
    }
    Err(Error::conflict("a second factor keeps changing: try again"))
}

//! A store whose keys are lost is opened without them, and what was sealed under them is given up: `realnet secrets give-up`.

use realnet_core::provider::MARK_SETTING;
use realnet_core::resource::Services;
use realnet_core::secret::{self, GivenUp, Keyring, Lost, Secrets};
use realnet_resource_accounts::{LostSecrets, give_up_secrets, lost_secrets};

use super::key_file::KeyFile;
use super::server::UNFINISHED;
use super::store::Store;
use crate::cli::{Failure, Outcome};
use crate::config::Config;

/// A store that was looked at by the keys that are there, and held by this process: an embedded one has no server then.
pub struct GivingUp {
    store: Store,
    services: Services,
    /// The key file to make, where there is none.
    file: Option<KeyFile>,
    lost: Lost,
    accounts: LostSecrets,
}

impl GivingUp {
    /// Looks for what does not open. Nothing is made or changed, but that a store of an earlier version is migrated, where `may_migrate`
    /// allows it, which is told what would be done.
    pub async fn look(config: &Config, may_migrate: impl FnOnce(&str) -> Outcome) -> Result<Self, Failure> {
        let (keyring, file) = keys(config)?;
        match Store::lack(&config.database).await? {
            Some(lack) if lack.is_all() => {
                return Err(format!("{}: there is no store", config.database).into());
            }
            Some(lack) => may_migrate(&lack.to_string())?,
            None => {}
        }
        let store = Store::open(&config.database).await?;
        if store.target().setting(MARK_SETTING).await?.is_some() {
            return Err(UNFINISHED.into());
        }
        // Digests are neither made nor compared here.
        let services = store.services().await?.sealing(Secrets::new(keyring, &[]));
        let lost = secret::lost(&services).await?;
        let accounts = lost_secrets(&services).await?;
        Ok(Self { store, services, file, lost, accounts })
    }

    /// Whether everything opens.
    pub fn is_nothing(&self) -> bool {
        self.lost.is_nothing() && self.accounts == LostSecrets::default()
    }

    /// What is lost, in lines.
    pub fn told(&self) -> Vec<String> {
        let Lost { keys, secrets, items, digests } = &self.lost;
        let mut lines = Vec::new();
        if let Some(file) = self.file() {
            lines
                .push(format!("no key is given: REALNET_SECRET_KEY is not set here, and there is no {file}"));
        }
        if !keys.is_empty() {
            lines.push(format!(
                "keys that are asked for at each start, and are not given: {}",
                keys.join(", ")
            ));
        }
        let count: usize = secrets.values().sum();
        let by_type: Vec<String> = secrets.iter().map(|(name, count)| format!("{name} {count}")).collect();
        lines.push(match count {
            0 => "secrets of items that do not open: none".to_owned(),
            count => format!(
                "secrets of items that do not open: {count}, of {items} items ({}); these fields become empty, as a change of each item",
                by_type.join(", ")
            ),
        });
        if self.accounts.signing_key {
            lines.push(
                "the key that signs tokens: it is made anew, and everybody has to sign in again".to_owned(),
            );
        }
        if self.accounts.factors > 0 {
            lines.push(format!(
                "second factors that can not be checked: {}; they are taken away, and these accounts sign in by password alone until they \
                 set up another",
                self.accounts.factors
            ));
        }
        if *digests {
            lines.push(
                "the key of digests: it is made anew, and recovery codes count no more: who has any makes new ones".to_owned(),
            );
        }
        lines
    }

    /// The id of the key that seals from here on.
    pub fn key(&self) -> &str {
        self.services.secrets.keyring().primary().unwrap_or_default()
    }

    /// The key file that is made.
    pub fn file(&self) -> Option<String> {
        self.file.as_ref().map(|file| file.path().display().to_string())
    }

    /// Gives it up.
    pub async fn give_up(&self, progress: impl FnMut(usize) + Send) -> Result<GivenUp, Failure> {
        // Before anything is sealed under it.
        if let Some(file) = &self.file {
            file.write(self.services.secrets.keyring())?;
        }
        let keyring = self.services.secrets.keyring();
        secret::renew_lost_proof(&*self.services.credentials, keyring).await?;
        give_up_secrets(&self.services, self.lost.digests).await?;
        Ok(secret::give_up(&self.services, progress).await?)
    }

    /// Lets go of the store.
    pub async fn close(self) -> Outcome {
        self.store.close().await
    }
}

/// The keys that are there, else a new one; and the file to keep that in.
fn keys(config: &Config) -> Result<(Keyring, Option<KeyFile>), Failure> {
    if let Some(keyring) = &config.secrets.keyring {
        return Ok((keyring.clone(), None));
    }
    let Some(file) = KeyFile::of_store(&config.database) else {
        return Err("there is no key to seal under from here on: set REALNET_SECRET_KEY (`realnet secrets generate` makes one)"
            .into());
    };
    match file.read()? {
        Some(keyring) => Ok((keyring, None)),
        None => Ok((Keyring::generate()?, Some(file))),
    }
}

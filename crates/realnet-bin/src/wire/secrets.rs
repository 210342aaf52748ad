//! Which keys a store's secrets are sealed under, and sealing them anew.

use std::time::Duration;

use realnet_core::resource::Services;
use realnet_core::secret::{self, Keyring, Rotated, Secrets, Uses};

use super::key_file::KeyFile;
use super::store::Store;
use crate::cli::{Failure, for_operators};
use crate::config::{Config, DatabaseSection};

/// The way out.
const LOST: &str = " (where it is lost for good, `realnet secrets give-up` says what is lost with it, and lets the store start without)";

/// How often a running server sees whether the store knows of its key.
const LOOK: Duration = Duration::from_secs(5);

/// Services of the store that seal and open secrets. With `check`, nothing is written: neither a key nor that it is used.
pub async fn unlock(store: &Store, config: &Config, check: bool) -> Result<Services, Failure> {
    let services = store.services().await?;
    let keyring = keyring(&services, config, check).await?;
    with(services, keyring, config, check).await
}

/// The keys that are configured, or those of the file beside an embedded store, made when there are none.
async fn keyring(services: &Services, config: &Config, check: bool) -> Result<Keyring, Failure> {
    if let Some(keyring) = &config.secrets.keyring {
        return Ok(keyring.clone());
    }
    match &config.database {
        DatabaseSection::Memory => Ok(Keyring::generate()?),
        DatabaseSection::Postgres(_) => {
            tracing::warn!(
                "REALNET_SECRET_KEY is not set: secrets are stored in plain text; `realnet secrets generate` makes a key"
            );
            Ok(Keyring::default())
        }
        DatabaseSection::Sqlite { .. } | DatabaseSection::Documents { .. } => {
            let Some(file) = KeyFile::of_store(&config.database) else { return Ok(Keyring::default()) };
            if let Some(keyring) = file.read()? {
                return Ok(keyring);
            }
            // A new key in the place of a lost one would hide that nothing opens any more.
            if check || !secret::known_keys(&*services.credentials).await?.is_empty() {
                return Ok(Keyring::default());
            }
            let keyring = Keyring::generate()?;
            file.write(&keyring)?;
            let file = file.path().display();
            tracing::info!(%file, "made the key that secrets are sealed under: keep a copy apart from the database");
            Ok(keyring)
        }
    }
}

async fn with(
    services: Services,
    keyring: Keyring,
    config: &Config,
    check: bool,
) -> Result<Services, Failure> {
    let store = &*services.credentials;
    let secrets = if check {
        secret::verify(store, &keyring).await.map(|()| Secrets::new(keyring, &[]))
    } else {
        secret::unlock(store, keyring).await
    };
    let secrets = secrets.map_err(|error| -> Failure {
        let (text, next) = (for_operators(&error), next_step(config));
        format!("{text}: {next}").into()
    })?;
    Ok(services.sealing(secrets))
}

fn next_step(config: &Config) -> String {
    match KeyFile::of_store(&config.database) {
        Some(file) if config.secrets.keyring.is_none() => {
            format!("put {} back as it was, or set REALNET_SECRET_KEY{LOST}", file.path().display())
        }
        _ => format!("REALNET_SECRET_KEY has to name it, behind the key that seals{LOST}"),
    }
}

/// Puts a new key in front of those in the key file of the store, and seals under it from here on.
pub async fn renew(store: &Store, services: &Services, config: &Config) -> Result<Services, Failure> {
    if config.secrets.keyring.is_some() {
        return Err("the keys come from REALNET_SECRET_KEY: put a new one in front of those there \
                    (`realnet secrets generate` makes one) and run `realnet secrets rotate`"
            .into());
    }
    let Some(file) = KeyFile::of_store(&config.database) else {
        return Err(
            "there is no key file: set REALNET_SECRET_KEY (`realnet secrets generate` makes a key)".into()
        );
    };
    let next = services.secrets.keyring().behind(&Keyring::generate()?);
    file.write(&next)?;
    with(store.services().await?, next, config, false).await
}

/// Seals everything under the primary key; old keys are expected no more once nothing is left under them.
pub async fn rotate(services: &Services, progress: impl FnMut(&Rotated) + Send) -> Result<Rotated, Failure> {
    if services.secrets.keyring().primary().is_none() {
        return Err(
            "there is no key to seal under: set REALNET_SECRET_KEY (`realnet secrets generate` makes one)"
                .into(),
        );
    }
    realnet_resource_accounts::reseal(services).await?;
    let rotated = secret::rotate(services, progress).await?;
    if rotated.complete {
        secret::retire(&*services.credentials, services.secrets.keyring()).await?;
    }
    Ok(rotated)
}

/// Counts what is sealed under which key.
pub async fn uses(services: &Services) -> Result<Uses, Failure> {
    Ok(secret::uses(services).await?)
}

/// Sees, as long as it is polled, that the store knows of the key that this server seals under: another one may have sealed everything
/// anew and have it forgotten. A failure is one of the store, and passes with it.
pub async fn stay_noted(services: Services) {
    let keyring = services.secrets.keyring();
    loop {
        tokio::time::sleep(LOOK).await;
        if let Ok(true) = secret::note(&*services.credentials, keyring).await {
            let key = keyring.primary().unwrap_or_default();
            tracing::warn!(
                key,
                "secrets were sealed anew under another key, but this server seals under this one: start it with the other key in \
                 front, and run `realnet secrets rotate` again"
            );
        }
    }
}

//! What a store keeps of secrets itself: which keys have sealed its values, and sealed settings such as the key that signs
//! tokens.

use std::collections::BTreeMap;

use super::key::random;
use super::{Keyring, Place, Sealed, Secrets};
use crate::error::{Error, Result};
use crate::provider::CredentialProvider;

/// Key ids that values are sealed under, each with a value sealed under it that proves the key.
const KEYS: &str = "secrets.keys";
/// The store's own key for digests.
pub(super) const DIGEST_KEY: &str = "secrets.digest_key";
/// How often others may come in between.
const ATTEMPTS: usize = 100;

type Checks = BTreeMap<String, String>;

/// Gets the secrets of a store with the keys of the operator: sees that these are the keys which its values are sealed
/// under, and notes the primary one before anything is sealed under it.
///
/// # Errors
/// A conflict that names the ids of the keys that are missing, or the one that is another key than the store knows.
pub async fn unlock(store: &dyn CredentialProvider, keyring: Keyring) -> Result<Secrets> {
    check(&keyring, &known(store).await?.1)?;
    if keyring.primary().is_some() {
        note(store, &keyring).await?;
        // Another server may have noted another key of this id meanwhile.
        check(&keyring, &known(store).await?.1)?;
    }
    let made = random::<32>()?;
    let digest_key = sealed_setting(store, &keyring, DIGEST_KEY, &made).await?;
    Ok(Secrets::new(keyring, &digest_key))
}

/// Sees that the primary key is noted as one that values are sealed under; answers whether it was not. A server that runs on does
/// so from time to time: another one may have sealed everything under its own key and have forgotten this one.
pub async fn note(store: &dyn CredentialProvider, keyring: &Keyring) -> Result<bool> {
    let Some(primary) = keyring.primary() else { return Ok(false) };
    if known(store).await?.1.contains_key(primary) {
        return Ok(false);
    }
    let sealed = keyring.seal(&check_place(primary), primary.as_bytes())?.to_text();
    change(store, |checks| {
        checks.entry(primary.to_owned()).or_insert_with(|| sealed.clone());
    })
    .await?;
    Ok(true)
}

/// Sees that the keys are those which the values of the store are sealed under, and writes nothing.
///
/// # Errors
/// As [`unlock`].
pub async fn verify(store: &dyn CredentialProvider, keyring: &Keyring) -> Result<()> {
    check(keyring, &known(store).await?.1)
}

/// Forgets all keys but the primary: nothing that will be opened again is sealed under another.
pub async fn retire(store: &dyn CredentialProvider, keyring: &Keyring) -> Result<()> {
    let Some(primary) = keyring.primary() else { return Ok(()) };
    change(store, |checks| checks.retain(|id, _| id == primary)).await
}

/// A setting that is kept sealed, `made` when there is none yet. One that is plain, or under another key, is sealed anew.
pub async fn sealed_setting(
    store: &dyn CredentialProvider,
    keyring: &Keyring,
    name: &str,
    made: &[u8],
) -> Result<Vec<u8>> {
    let place = setting_place(name);
    let made = keyring.seal(&place, made)?.to_text().into_bytes();
    for _ in 0..ATTEMPTS {
        let stored = store.setting_or_insert(name, made.clone()).await?;
        let sealed = Sealed::from_stored(&stored);
        let plain = keyring.open(&place, &sealed)?;
        if keyring.is_current(&sealed) {
            return Ok(plain);
        }
        let next = keyring.seal(&place, &plain)?.to_text().into_bytes();
        store.replace_setting(name, &stored, next).await?;
    }
    Err(busy(name))
}

/// Seals a setting under the primary key, if it is there.
pub async fn reseal_setting(store: &dyn CredentialProvider, keyring: &Keyring, name: &str) -> Result<()> {
    if store.setting(name).await?.is_some() {
        sealed_setting(store, keyring, name, &[]).await?;
    }
    Ok(())
}

/// Whether there is a setting that does not open.
pub async fn is_lost_setting(store: &dyn CredentialProvider, keyring: &Keyring, name: &str) -> Result<bool> {
    let stored = store.setting(name).await?;
    Ok(stored.is_some_and(|stored| !opens(keyring, name, &stored)))
}

/// Puts random bytes, sealed, in the place of a setting that does not open; answers whether it was one.
pub async fn renew_lost_setting(
    store: &dyn CredentialProvider,
    keyring: &Keyring,
    name: &str,
) -> Result<bool> {
    for _ in 0..ATTEMPTS {
        let stored = store.setting(name).await?;
        let Some(stored) = stored.filter(|stored| !opens(keyring, name, stored)) else { return Ok(false) };
        let next = keyring.seal(&setting_place(name), &random::<32>()?)?.to_text().into_bytes();
        if store.replace_setting(name, &stored, next).await? {
            return Ok(true);
        }
    }
    Err(busy(name))
}

fn opens(keyring: &Keyring, name: &str, stored: &[u8]) -> bool {
    keyring.open(&setting_place(name), &Sealed::from_stored(stored)).is_ok()
}

fn setting_place(name: &str) -> Place {
    Place::new("setting").with(name)
}

/// The ids of the keys that the store expects and that are not there, or are others.
pub(super) async fn lost_keys(store: &dyn CredentialProvider, keyring: &Keyring) -> Result<Vec<String>> {
    let checks = known(store).await?.1;
    Ok(checks.into_iter().filter(|(id, sealed)| !proves(keyring, id, sealed)).map(|(id, _)| id).collect())
}

/// Has the store know the primary key where it knows another one of that id, which is lost.
pub async fn renew_lost_proof(store: &dyn CredentialProvider, keyring: &Keyring) -> Result<()> {
    let Some(primary) = keyring.primary() else { return Ok(()) };
    let sealed = keyring.seal(&check_place(primary), primary.as_bytes())?.to_text();
    change(store, |checks| {
        if let Some(proof) = checks.get_mut(primary)
            && !proves(keyring, primary, proof)
        {
            proof.clone_from(&sealed);
        }
    })
    .await
}

/// Expects the keys no more that are not there, or are others, and the primary from here on.
pub(super) async fn forget_lost(store: &dyn CredentialProvider, keyring: &Keyring) -> Result<()> {
    let primary = keyring.primary().unwrap_or_default();
    let sealed = keyring.seal(&check_place(primary), primary.as_bytes())?.to_text();
    change(store, |checks| {
        checks.retain(|id, sealed| proves(keyring, id, sealed));
        if !primary.is_empty() {
            checks.entry(primary.to_owned()).or_insert_with(|| sealed.clone());
        }
    })
    .await
}

/// The ids of the keys that a setting of a store names which values are sealed under; `None` of any other setting.
pub fn keys_in(name: &str, value: &[u8]) -> Option<Vec<String>> {
    let checks: Checks = (name == KEYS).then(|| serde_json::from_slice(value).ok())??;
    Some(checks.into_keys().collect())
}

/// The ids of the keys that the store has values sealed under.
pub async fn known_keys(store: &dyn CredentialProvider) -> Result<Vec<String>> {
    Ok(known(store).await?.1.into_keys().collect())
}

fn check_place(id: &str) -> Place {
    Place::new("key").with(id)
}

fn check(keyring: &Keyring, checks: &Checks) -> Result<()> {
    let missing: Vec<&str> = checks.keys().map(String::as_str).filter(|id| !keyring.has(id)).collect();
    if !missing.is_empty() {
        let ids = missing.join(", ");
        let message = format!("the store has values sealed under keys that are not given: {ids}");
        return Err(Error::conflict(message));
    }
    for (id, sealed) in checks {
        if !proves(keyring, id, sealed) {
            let message = format!("the key {id} is not the one that the store has values sealed under");
            return Err(Error::conflict(message));
        }
    }
    Ok(())
}

/// Whether a key is the one that the store has sealed its proof under.
fn proves(keyring: &Keyring, id: &str, sealed: &str) -> bool {
    let sealed = Sealed::from_stored(sealed.as_bytes());
    sealed.key() == Some(id) && keyring.open(&check_place(id), &sealed).is_ok()
}

async fn known(store: &dyn CredentialProvider) -> Result<(Option<Vec<u8>>, Checks)> {
    let stored = store.setting(KEYS).await?;
    let checks = match &stored {
        Some(stored) => serde_json::from_slice(stored)
            .map_err(|error| Error::internal("the list of keys can not be read").with_source(error))?,
        None => Checks::new(),
    };
    Ok((stored, checks))
}

/// Changes the list of keys; again when somebody else does so at the same time.
async fn change(store: &dyn CredentialProvider, edit: impl Fn(&mut Checks)) -> Result<()> {
    for _ in 0..ATTEMPTS {
        let (stored, mut checks) = known(store).await?;
        let before = checks.clone();
        edit(&mut checks);
        if checks == before {
            return Ok(());
        }
        let next = serde_json::to_vec(&checks)
            .map_err(|error| Error::internal("the list of keys can not be written").with_source(error))?;
        let done = match stored {
            Some(stored) => store.replace_setting(KEYS, &stored, next).await?,
            None => store.setting_or_insert(KEYS, next.clone()).await? == next,
        };
        if done {
            return Ok(());
        }
    }
    Err(busy(KEYS))
}

fn busy(name: &str) -> Error {
    Error::conflict(format!("the setting {name} keeps changing: try again"))
}

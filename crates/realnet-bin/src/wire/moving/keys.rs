//! The keys that secrets are sealed under, when a store moves: a store holds none of them, and the file of an embedded one
//! stands beside it.

use std::sync::{Arc, Mutex, PoisonError};

use futures::{StreamExt as _, TryStreamExt as _};
use realnet_core::provider::{CredentialProvider, RecordStream, StoreRecord};
use realnet_core::secret;

use super::super::key_file::KeyFile;
use crate::cli::Failure;
use crate::config::DatabaseSection;

/// The ids of the keys that a store is sealed under, as its records say.
#[derive(Default)]
pub struct KeysSeen(Arc<Mutex<Vec<String>>>);

impl KeysSeen {
    /// Takes note of what passes by.
    pub fn watch(&self, records: RecordStream) -> RecordStream {
        let seen = Arc::clone(&self.0);
        let note = move |record: &StoreRecord| {
            if let StoreRecord::Setting { name, value } = record
                && let Some(ids) = secret::keys_in(name, value)
            {
                *seen.lock().unwrap_or_else(PoisonError::into_inner) = ids;
            }
        };
        records.inspect_ok(note).boxed()
    }

    /// Those that have passed by.
    pub fn ids(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What has to be kept apart from a backup of a store, so that it is of use.
pub fn of_backup(ids: &[String], from: &DatabaseSection) -> Option<String> {
    let file = KeyFile::of_store(from).filter(|file| {
        let keyring = file.read().ok().flatten();
        keyring.is_some_and(|keyring| ids.iter().all(|id| keyring.has(id)))
    });
    let place = file.map_or_else(
        || "the REALNET_SECRET_KEY of its servers".to_owned(),
        |file| file.path().display().to_string(),
    );
    let keys = named(ids)?;
    Some(format!(
        "no server starts on what is restored from it without {keys}, which no backup holds: keep a copy of {place} apart from it"
    ))
}

/// The same for who has the backup alone.
pub fn of_restored(ids: &[String]) -> Option<String> {
    let keys = named(ids)?;
    Some(format!(
        "no server starts on it without {keys}, which no backup holds: REALNET_SECRET_KEY or a key file has to have it"
    ))
}

/// Keys in words; nothing when there are none.
fn named(ids: &[String]) -> Option<String> {
    match ids {
        [] => None,
        [id] => Some(format!("the key {id}")),
        ids => Some(format!("the keys {}", ids.join(", "))),
    }
}

/// What the operator has to see to, so that the secrets of a store that came out of a backup can be opened.
pub async fn needed(to: &DatabaseSection, store: &dyn CredentialProvider) -> Result<Option<String>, Failure> {
    let ids = secret::known_keys(store).await?.join(", ");
    let file = KeyFile::of_store(to)
        .map(|file| format!(", or the file {}", file.path().display()))
        .unwrap_or_default();
    let words = format!(
        "its secrets are sealed under the keys {ids}: REALNET_SECRET_KEY{file} has to hold them, and no server starts on it before"
    );
    Ok((!ids.is_empty()).then_some(words))
}

/// Sees to it that the secrets of the target can be opened: an embedded one gets the key file of an embedded source. What is
/// left to be done by the operator is answered in words.
pub async fn hand_over(
    from: &DatabaseSection,
    to: &DatabaseSection,
    store: &dyn CredentialProvider,
) -> Result<Option<String>, Failure> {
    let known = secret::known_keys(store).await?;
    if known.is_empty() {
        return Ok(None);
    }
    let ids = known.join(", ");
    let Some(file) = KeyFile::of_store(from) else {
        return Ok(Some(format!(
            "its secrets are sealed under the keys {ids}: REALNET_SECRET_KEY has to name them"
        )));
    };
    let (Some(keyring), path) = (file.read()?, file.path().display()) else {
        return Ok(Some(format!(
            "its secrets are sealed under the keys {ids}: REALNET_SECRET_KEY has to name them"
        )));
    };
    let Some(target) = KeyFile::of_store(to) else {
        return Ok(Some(format!(
            "its secrets are sealed under the keys {ids}: start its servers with REALNET_SECRET_KEY=\"$(cat {path})\""
        )));
    };
    // One that is there is of a store before: its keys open nothing here, and stay behind those that do.
    let keys = target.read()?.map_or_else(|| keyring.clone(), |other| other.behind(&keyring));
    target.write(&keys)?;
    let path = target.path().display();
    let missing: Vec<String> = known.into_iter().filter(|id| !keys.has(id)).collect();
    Ok(Some(if missing.is_empty() {
        format!("the keys of its secrets are in {path}")
    } else {
        format!(
            "keys of its secrets are in {path}, but for {}: REALNET_SECRET_KEY has to name them",
            missing.join(", ")
        )
    }))
}

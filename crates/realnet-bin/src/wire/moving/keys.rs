//! The keys that secrets are sealed under, when a store moves: a store holds none of them, and the file of an embedded one
//! stands beside it.

use realnet_core::provider::CredentialProvider;
use realnet_core::secret;

use super::super::key_file::KeyFile;
use crate::cli::Failure;
use crate::config::DatabaseSection;

/// What the operator has to see to, so that the secrets of a store that came out of a backup can be opened.
pub async fn needed(to: &DatabaseSection, store: &dyn CredentialProvider) -> Result<Option<String>, Failure> {
    let ids = secret::known_keys(store).await?.join(", ");
    let file = KeyFile::of_store(to)
        .map(|file| format!(", or the file {}", file.path().display()))
        .unwrap_or_default();
    let words =
        format!("its secrets are sealed under the keys {ids}: REALNET_SECRET_KEY{file} has to hold them");
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

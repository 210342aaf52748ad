//! Sealing what stands in fields that have become secret.
//!
//! The types are noted before they change, and what their items hold is sealed behind it: where a server ends in between, the next
//! start goes on with it.

use std::collections::BTreeSet;

use realnet_core::registry::{TypeInfo, TypeRegistry};
use realnet_core::resource::Services;
use realnet_core::{Error, Result, Uuid, secret};

/// The setting that has the types whose items are to be sealed.
const TO_SEAL: &str = "secrets.to_seal";
/// How often others may come in between.
const ATTEMPTS: usize = 100;

/// The types that have fields which are secret from now on.
pub(crate) fn turned_secret(previous: &TypeRegistry, next: &TypeRegistry) -> Vec<Uuid> {
    let turns = |info: &&TypeInfo| {
        previous.by_id(info.id()).is_some_and(|before| info.newly_secret(before).next().is_some())
    };
    next.types().filter(turns).map(TypeInfo::id).collect()
}

/// Notes types that are about to change. Where that is refused then, there is nothing to seal, and the next start sees so.
pub(crate) async fn note(services: &Services, types: &[Uuid]) -> Result<()> {
    change(services, |noted| noted.extend(types)).await
}

/// Seals what stands in items of such types. The types have changed by now, so what fails is left to the next start.
pub(crate) async fn seal(services: &Services, types: &[Uuid]) {
    if types.is_empty() {
        return;
    }
    let sealed = match secret::seal_present(services, types).await {
        Ok(_) => change(services, |noted| noted.retain(|id| !types.contains(id))).await,
        Err(error) => Err(error),
    };
    if let Err(error) = sealed {
        tracing::warn!(
            error = %error.report(),
            "values of fields that have become secret are not all sealed: run `realnet secrets rotate`, or start the server again"
        );
    }
}

/// Seals what was noted and not done.
pub(crate) async fn carry_on(services: &Services) -> Result<()> {
    let (_, noted) = noted(services).await?;
    let types: Vec<Uuid> = noted.into_iter().collect();
    seal(services, &types).await;
    Ok(())
}

/// What is noted, as it is stored and read.
async fn noted(services: &Services) -> Result<(Option<Vec<u8>>, BTreeSet<Uuid>)> {
    let stored = services.credentials.setting(TO_SEAL).await?;
    let noted = match &stored {
        Some(stored) => serde_json::from_slice(stored)
            .map_err(|error| Error::internal("the types to seal can not be read").with_source(error))?,
        None => BTreeSet::new(),
    };
    Ok((stored, noted))
}

/// Changes what is noted; again when somebody else does so at the same time.
async fn change(services: &Services, edit: impl Fn(&mut BTreeSet<Uuid>)) -> Result<()> {
    for _ in 0..ATTEMPTS {
        let (stored, before) = noted(services).await?;
        let mut after = before.clone();
        edit(&mut after);
        if after == before {
            return Ok(());
        }
        let next = serde_json::to_vec(&after)
            .map_err(|error| Error::internal("the types to seal can not be noted").with_source(error))?;
        let done = match stored {
            Some(stored) => services.credentials.replace_setting(TO_SEAL, &stored, next).await?,
            None => services.credentials.setting_or_insert(TO_SEAL, next.clone()).await? == next,
        };
        if done {
            return Ok(());
        }
    }
    Err(Error::unavailable("other types are becoming secret at the same time: try again"))
}

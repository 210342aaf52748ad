//! Opening the configured storage of contents.

use std::sync::Arc;
use std::time::Duration;

use realnet_core::ErrorKind;
use realnet_core::clock::Timestamp;
use realnet_core::provider::DataProvider;
use realnet_core::resource::Services;
use realnet_provider_generic::{LocalData, LocalOptions, MemoryData};

use crate::cli::{Failure, for_operators};
use crate::config::{StoragePlace, StorageSection};

/// The services with the storage, if there is to be one.
pub(super) async fn attach(services: Services, section: &StorageSection) -> Result<Services, Failure> {
    let data: Arc<dyn DataProvider> = match &section.place {
        StoragePlace::None => return Ok(services),
        StoragePlace::Memory => Arc::new(MemoryData::with_quota(section.quota)),
        StoragePlace::Local { path } => {
            let (path, options) = (path.clone(), LocalOptions { quota: section.quota });
            // With a quota it lists all files.
            let opened = tokio::task::spawn_blocking(move || LocalData::open(path, options)).await?;
            match opened {
                Ok(opened) => Arc::new(opened),
                Err(error) if section.is_optional && error.kind() == ErrorKind::Conflict => {
                    tracing::warn!(
                        "{}: this server serves no contents of files; REALNET_STORAGE_TYPE and REALNET_STORAGE_PATH say where they are",
                        for_operators(&error)
                    );
                    return Ok(services);
                }
                Err(error) => {
                    let words = for_operators(&error);
                    return Err(format!("{words} (REALNET_STORAGE_PATH names the folder)").into());
                }
            }
        }
    };
    let services = services.storing(data, section.max_size);
    let claimed = realnet_resource_files::claim(&services).await;
    claimed.map_err(|error| Failure::from(format!("{}: {NAMES} name another", for_operators(&error))))?;
    Ok(services)
}

/// The settings that lead to a storage.
const NAMES: &str = "REALNET_STORAGE_TYPE and REALNET_STORAGE_PATH";

/// How often to look whether a sweep is due, and after how many seconds one is.
const LOOK: Duration = Duration::from_mins(10);
const DUE: i64 = 6 * 3600;
/// Uploads that nobody has gone on with for so many seconds are given up, and later, contents that no item names.
const UPLOADS: i64 = 24 * 3600;
const CONTENTS: i64 = 48 * 3600;
/// When the last sweep was, of whichever server.
const SWEPT: &str = "files.swept";

/// Sweeps the storage now and then, as long as it is polled; of several servers, one at a time.
pub(super) async fn sweep(services: Services) {
    if services.data.is_none() {
        return;
    }
    loop {
        if let Err(error) = sweep_if_due(&services).await {
            tracing::warn!(error = %error.report(), "the storage can not be swept now, trying again");
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn sweep_if_due(services: &Services) -> realnet_core::Result<()> {
    let now = services.clock.now();
    let first = now.to_string().into_bytes();
    let last = services.credentials.setting_or_insert(SWEPT, first.clone()).await?;
    let swept_at = std::str::from_utf8(&last).ok().and_then(Timestamp::parse).unwrap_or_default();
    if last == first || swept_at.plus_seconds(DUE) > now {
        return Ok(());
    }
    if !services.credentials.replace_setting(SWEPT, &last, first).await? {
        return Ok(());
    }
    let swept =
        realnet_resource_files::sweep(services, now.plus_seconds(-CONTENTS), now.plus_seconds(-UPLOADS))
            .await?;
    if swept.removed + swept.uploads > 0 {
        tracing::info!(?swept, "contents that nothing names are gone");
    }
    Ok(())
}

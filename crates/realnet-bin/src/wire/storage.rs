//! Opening the configured storage of contents.

use std::sync::Arc;

use realnet_core::ErrorKind;
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
    Ok(services.storing(data, section.max_size))
}

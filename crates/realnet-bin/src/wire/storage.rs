//! Opening the configured storage of contents.

use std::sync::Arc;
use std::time::Duration;

use realnet_core::clock::Timestamp;
use realnet_core::provider::DataProvider;
use realnet_core::resource::Services;
use realnet_core::{Error, ErrorKind};
use realnet_provider_aws::{S3Data, S3Keys, S3Options};
use realnet_provider_generic::{LocalData, LocalOptions, MemoryData};

use super::claimed::Claimed;
use crate::cli::{Failure, for_operators};
use crate::config::{S3Section, StoragePlace, StorageSection};

/// How long a check waits for an answer, and how often it asks.
const CHECK: (Duration, u32) = (Duration::from_secs(10), 2);
/// How long a start waits for a bucket, and how often one that was away is asked again.
const CLAIM: Duration = Duration::from_secs(10);

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
        StoragePlace::S3(bucket) => {
            let data: Arc<dyn DataProvider> =
                Arc::new(S3Data::open(options(bucket)).map_err(|error| at(bucket, &error))?);
            let claimed = Arc::new(Claimed::new(Arc::clone(&data)));
            // The mark itself is written past what keeps all else away.
            let claiming = services.clone().storing(data, section.max_size);
            claim_bucket(claiming, Arc::clone(&claimed), bucket).await?;
            return Ok(services.storing(claimed, section.max_size));
        }
    };
    let services = services.storing(data, section.max_size);
    let claimed = realnet_resource_files::claim(&services).await;
    claimed.map_err(|error| foreign(&error, NAMES))?;
    Ok(services)
}

/// The contents of a bucket, for who moves them.
pub(super) fn bucket(section: &S3Section) -> Result<Arc<S3Data>, Failure> {
    Ok(Arc::new(S3Data::open(options(section)).map_err(|error| at(section, &error))?))
}

/// Claims a bucket for the database. One that is another's ends the start. A server of contents that is away for a while keeps nobody
/// from starting: its bucket is claimed later, and takes no contents until then.
async fn claim_bucket(services: Services, claimed: Arc<Claimed>, bucket: &S3Section) -> Result<(), Failure> {
    match tokio::time::timeout(CLAIM, realnet_resource_files::claim(&services)).await {
        Ok(Ok(())) => {
            claimed.open();
            return Ok(());
        }
        Ok(Err(error)) if error.kind() == ErrorKind::Conflict => return Err(foreign(&error, BUCKET_NAMES)),
        Ok(Err(error)) => tracing::warn!("no contents of files for now: {}", at(bucket, &error)),
        Err(_) => tracing::warn!("no contents of files for now: {bucket} does not answer in time"),
    }
    tokio::spawn(claim_later(services, claimed, bucket.clone()));
    Ok(())
}

/// Goes on until the bucket is ours.
async fn claim_later(services: Services, claimed: Arc<Claimed>, bucket: S3Section) {
    loop {
        tokio::time::sleep(CLAIM).await;
        match realnet_resource_files::claim(&services).await {
            Ok(()) => {
                claimed.open();
                tracing::info!("{bucket} answers: contents of files can be stored");
                return;
            }
            Err(error) if error.kind() == ErrorKind::Conflict => {
                tracing::error!(
                    "no contents of files are taken: {bucket}: {}",
                    foreign(&error, BUCKET_NAMES)
                );
            }
            Err(error) => tracing::debug!("no contents of files for now: {}", at(&bucket, &error)),
        }
    }
}

/// That a storage is another's, with the settings that lead to it.
fn foreign(error: &Error, names: &str) -> Failure {
    format!("{}: {names} name another", for_operators(error)).into()
}

/// The settings that lead to a storage.
const NAMES: &str = "REALNET_STORAGE_TYPE and REALNET_STORAGE_PATH";
/// Those that lead to a bucket.
const BUCKET_NAMES: &str = "REALNET_STORAGE_S3_BUCKET and REALNET_STORAGE_S3_PREFIX";

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
    if !services.credentials.replace_setting(SWEPT, &last, first.clone()).await? {
        return Ok(());
    }
    let (contents, uploads) = (now.plus_seconds(-CONTENTS), now.plus_seconds(-UPLOADS));
    let swept = match realnet_resource_files::sweep(services, contents, uploads).await {
        Ok(swept) => swept,
        Err(error) => {
            // It is due as before. When that can not be noted, the failure of the sweep is the one to tell.
            let _ = services.credentials.replace_setting(SWEPT, &first, last).await;
            return Err(error);
        }
    };
    if swept.removed + swept.uploads > 0 {
        tracing::info!(?swept, "contents that nothing names are gone");
    }
    Ok(())
}

/// Sees that a storage that is not on this machine can be used; what there is to say of it.
pub(super) async fn check(section: &StorageSection) -> Result<Option<String>, Failure> {
    let StoragePlace::S3(section) = &section.place else { return Ok(None) };
    let mut options = options(section);
    (options.timeout, options.attempts) = CHECK;
    let data = S3Data::open(options).map_err(|error| at(section, &error))?;
    data.check().await.map_err(|error| at(section, &error))?;
    Ok(Some(format!("{section} answers")))
}

fn options(section: &S3Section) -> S3Options {
    let S3Section { bucket, keys, region, endpoint, prefix } = section.clone();
    let mut options = S3Options::new(bucket);
    options.keys = keys.map(|(id, secret)| S3Keys { id, secret });
    options.region = region;
    options.endpoint = endpoint;
    options.prefix = prefix;
    options
}

/// An error with the bucket and with what the server has said, which only the operator is told; values that make no sense by the
/// settings that they came from.
fn at(section: &S3Section, error: &Error) -> Failure {
    let settings = error.violations().iter().map(|violation| {
        format!("REALNET_STORAGE_S3_{}: {}", violation.pointer.to_uppercase(), violation.detail)
    });
    let settings: Vec<String> = settings.collect();
    if !settings.is_empty() {
        return settings.join("\n  ").into();
    }
    let causes = error.report();
    let (_, causes) = causes.split_once(" | ").unwrap_or_default();
    format!(
        "{section}: {} (REALNET_STORAGE_S3_… say which and by which key)\n  cause: {causes}",
        error.message()
    )
    .into()
}

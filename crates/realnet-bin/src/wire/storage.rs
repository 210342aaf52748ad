//! Opening the configured storage of contents.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use realnet_core::clock::Timestamp;
use realnet_core::provider::DataProvider;
use realnet_core::resource::Services;
use realnet_core::{Error, ErrorKind};
use realnet_provider_aws::S3Data;
use realnet_provider_generic::{LocalData, LocalLook, LocalOptions, MemoryData};

use super::bucket::Held;
use crate::cli::{Failure, Outcome, for_operators};
use crate::config::{S3Section, StoragePlace, StorageSection};

/// How long a check waits for an answer, and how often it asks.
const CHECK: (Duration, u32) = (Duration::from_secs(10), 2);

/// The storage of a server that serves.
pub(super) struct Storage {
    /// The services with it, if there is one.
    pub(super) services: Services,
    bucket: Option<Held>,
}

/// Opens the storage, if there is to be one, and sees that it is that of the database.
pub(super) async fn attach(services: Services, section: &StorageSection) -> Result<Storage, Failure> {
    let max_size = section.max_size;
    if let StoragePlace::S3(bucket) = &section.place {
        let data: Arc<dyn DataProvider> = self::bucket(bucket)?;
        let held = Held::claim(services.clone(), data, bucket).await?;
        return Ok(Storage { services: services.storing(held.storage(), max_size), bucket: Some(held) });
    }
    let services = match open(section).await? {
        Some(data) => services.storing(data, max_size),
        None => return Ok(Storage { services, bucket: None }),
    };
    let claimed = realnet_resource_files::claim(&services).await;
    claimed.map_err(|error| foreign(&section.place, &error, PATH))?;
    Ok(Storage { services, bucket: None })
}

/// A storage that is this server's alone. `None`: there is none, or another server has it and nobody has asked for it.
async fn open(section: &StorageSection) -> Result<Option<Arc<dyn DataProvider>>, Failure> {
    let path = match &section.place {
        StoragePlace::None | StoragePlace::S3(_) => return Ok(None),
        StoragePlace::Memory => return Ok(Some(Arc::new(MemoryData::with_quota(section.quota)))),
        StoragePlace::Local { path } => path.clone(),
    };
    let options = LocalOptions { quota: section.quota };
    // With a quota it lists all files.
    match tokio::task::spawn_blocking(move || LocalData::open(path, options)).await? {
        Ok(opened) => Ok(Some(Arc::new(opened))),
        Err(error) if section.is_optional && error.kind() == ErrorKind::Conflict => {
            tracing::warn!(
                "{}: this server serves no contents of files; REALNET_STORAGE_TYPE and REALNET_STORAGE_PATH say where they are",
                for_operators(&error)
            );
            Ok(None)
        }
        Err(error) => {
            let (words, causes) = (for_operators(&error), error.report());
            // That another process has it says all there is to say.
            let cause = causes.split_once(" | ").filter(|_| error.kind() == ErrorKind::Unavailable);
            let cause = cause.map(|(_, cause)| format!("\n  cause: {cause}")).unwrap_or_default();
            Err(format!("{words} (REALNET_STORAGE_PATH names the folder){cause}").into())
        }
    }
}

/// Makes the configured storage that of the database, whosever it was; what there is to say of it.
pub(super) async fn take_over(services: Services, section: &StorageSection) -> Result<String, Failure> {
    let (data, name): (Arc<dyn DataProvider>, _) = match &section.place {
        StoragePlace::None | StoragePlace::Memory => {
            return Err("there is no storage that lasts: REALNET_STORAGE_TYPE says which one is meant".into());
        }
        StoragePlace::S3(section) => (bucket(section)?, section.to_string()),
        StoragePlace::Local { path } => {
            let opened = open(&StorageSection { is_optional: false, ..section.clone() }).await?;
            (opened.ok_or("there is no storage")?, format!("the folder {}", path.display()))
        }
    };
    let services = services.storing(data, section.max_size);
    realnet_resource_files::take_over(&services).await.map_err(|error| for_operators(&error))?;
    Ok(format!("{name} belongs to this database from here on"))
}

/// The contents of a bucket, for who moves them.
pub(super) fn bucket(section: &S3Section) -> Result<Arc<S3Data>, Failure> {
    Ok(Arc::new(S3Data::open(section.options()).map_err(|error| at(section, &error))?))
}

/// That a storage is another's, with the settings that lead to it.
pub(super) fn foreign(place: impl std::fmt::Display, error: &Error, names: &str) -> Failure {
    let words = for_operators(error);
    format!(
        "{place}: {words}: let {names} name one of this database's own, or hand this one over to it by `realnet server claim-storage`"
    )
    .into()
}

/// The setting that leads to a folder.
const PATH: &str = "REALNET_STORAGE_PATH";

/// How often to look whether a sweep is due, and after how many seconds one is.
const LOOK: Duration = Duration::from_mins(10);
const DUE: i64 = 6 * 3600;
/// Uploads that nobody has gone on with for so many seconds are given up, and later, contents that no item names.
const UPLOADS: i64 = 24 * 3600;
const CONTENTS: i64 = 48 * 3600;
/// When the last sweep was, of whichever server.
const SWEPT: &str = "files.swept";

impl Storage {
    /// Keeps the storage, and sweeps it now and then, as long as it is polled; of several servers, one sweeps at a time.
    pub(super) async fn run(&self) {
        match &self.bucket {
            None => self.sweep().await,
            Some(bucket) => {
                tokio::join!(bucket.keep(), self.sweep());
            }
        }
    }

    /// Lets others go on with the storage at once.
    pub(super) async fn release(self) {
        if let Some(bucket) = self.bucket {
            bucket.release().await;
        }
    }

    async fn sweep(&self) {
        if self.services.data.is_none() {
            return;
        }
        loop {
            if self.bucket.as_ref().is_none_or(Held::gives_up)
                && let Err(error) = sweep_if_due(&self.services).await
            {
                tracing::warn!(error = %error.report(), "the storage can not be swept now, trying again");
            }
            tokio::time::sleep(LOOK).await;
        }
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

/// Sees that a folder of contents, where there is one, is no other database's: before anything is made. One that nobody has chosen, and
/// that another server may have, is looked at when it is opened.
pub(super) async fn check_owner(services: &Services, section: &StorageSection) -> Outcome {
    let StoragePlace::Local { path } = &section.place else { return Ok(()) };
    if section.is_optional || !path.is_dir() {
        return Ok(());
    }
    let folder = path.clone();
    let looked = match tokio::task::spawn_blocking(move || LocalLook::open(folder)).await? {
        Ok(looked) => looked,
        // Nothing has been stored in it yet.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(for_operators(&error).into()),
    };
    match realnet_resource_files::check_owner(&*services.credentials, &looked).await {
        Err(error) if error.kind() == ErrorKind::Conflict => Err(foreign(&section.place, &error, PATH)),
        checked => checked.map_err(|error| for_operators(&error).into()),
    }
}

/// Sees that a folder can be written to, and leaves it as it is.
fn check_folder(path: &Path) -> Outcome {
    let failed = |error: std::io::Error| -> Failure {
        format!("the storage {}: {error} (REALNET_STORAGE_PATH names the folder)", path.display()).into()
    };
    if !path.is_dir() {
        std::fs::create_dir(path).map_err(failed)?;
        return std::fs::remove_dir(path).map_err(failed);
    }
    let probe = path.join(format!(".realnet-check-{}", std::process::id()));
    std::fs::OpenOptions::new().write(true).create_new(true).open(&probe).map_err(failed)?;
    std::fs::remove_file(&probe).map_err(failed)
}

/// Sees that the storage can be used; what there is to say of one that is not on this machine.
pub(super) async fn check(place: &StoragePlace) -> Result<Option<String>, Failure> {
    let section = match place {
        StoragePlace::S3(section) => section,
        StoragePlace::Local { path } => return check_folder(path).map(|()| None),
        StoragePlace::None | StoragePlace::Memory => return Ok(None),
    };
    let mut options = section.options();
    (options.timeout, options.attempts) = CHECK;
    let data = S3Data::open(options).map_err(|error| at(section, &error))?;
    data.check().await.map_err(|error| at(section, &error))?;
    Ok(Some(format!("{section} answers")))
}

/// An error with the bucket and with what the server has said, which only the operator is told; values that make no sense by the
/// settings that they came from.
pub(super) fn at(section: &S3Section, error: &Error) -> Failure {
    let settings = error.violations().iter().map(|violation| {
        format!("REALNET_STORAGE_S3_{}: {}", violation.pointer.to_uppercase(), violation.detail)
    });
    let settings: Vec<String> = settings.collect();
    if !settings.is_empty() {
        return settings.join("\n  ").into();
    }
    let causes = error.report();
    let causes = causes.split_once(" | ").map(|(_, causes)| format!("\n  cause: {causes}"));
    format!(
        "{section}: {} (REALNET_STORAGE_S3_… say which and by which key){}",
        error.message(),
        causes.unwrap_or_default()
    )
    .into()
}

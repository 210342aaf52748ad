//! The contents of files, when a store moves: those that its items name, under their ids.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use futures::{StreamExt as _, TryStreamExt as _};
use realnet_core::Uuid;
use realnet_core::provider::{
    ContentId, ContentSource, DataProvider, Expectation, RecordStream, StoreRecord,
};
use realnet_provider_generic::{LocalData, LocalLook, LocalOptions};

use super::super::storage;
use super::archive::{Contents, ContentsDigest};
use super::progress::Bar;
use crate::cli::{Failure, for_operators};
use crate::config::StoragePlace;

/// The ids of the contents that items name.
#[derive(Default)]
pub struct Named(Arc<Mutex<BTreeSet<Uuid>>>);

impl Named {
    /// Takes note of what passes by.
    pub fn watch(&self, records: RecordStream) -> RecordStream {
        let ids = Arc::clone(&self.0);
        let note = move |record: &StoreRecord| {
            if let StoreRecord::Item(item) = record {
                ids.lock().unwrap_or_else(PoisonError::into_inner).extend(item.content);
            }
        };
        records.inspect_ok(note).boxed()
    }

    /// All that have passed by, sorted.
    pub fn ids(&self) -> Vec<Uuid> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
    }
}

/// A storage to be read, which a server may have open. `None`: there is none.
pub async fn source(place: &StoragePlace) -> Result<Option<Arc<dyn ContentSource>>, Failure> {
    match place {
        StoragePlace::None => Ok(None),
        StoragePlace::Memory => Err("a storage in memory is seen by its server alone".into()),
        StoragePlace::Local { path } => {
            let path = path.clone();
            let looked = tokio::task::spawn_blocking(move || LocalLook::open(path)).await?;
            Ok(Some(Arc::new(looked.map_err(|error| for_operators(&error))?)))
        }
        StoragePlace::S3(section) => Ok(Some(storage::bucket(section)?)),
    }
}

/// A storage to be written to, which nobody else may have open.
pub async fn target(place: &StoragePlace) -> Result<Option<Arc<dyn DataProvider>>, Failure> {
    match place {
        StoragePlace::None => Ok(None),
        StoragePlace::Memory => Err("a storage in memory is seen by its server alone".into()),
        StoragePlace::Local { path } => {
            let path = path.clone();
            let opened =
                tokio::task::spawn_blocking(move || LocalData::open(path, LocalOptions::default())).await?;
            Ok(Some(Arc::new(opened.map_err(|error| for_operators(&error))?)))
        }
        StoragePlace::S3(section) => Ok(Some(storage::bucket(section)?)),
    }
}

/// Reads all of them, and compares each with its checksum.
pub async fn verify(ids: &[Uuid], from: &dyn ContentSource) -> Result<Contents, Failure> {
    let bar = Bar::new("contents", ids.len() as u64);
    let (mut digest, mut missing) = (ContentsDigest::default(), Vec::new());
    for id in ids {
        match from.content(ContentId::new(*id)).await? {
            None => missing.push(*id),
            Some(read) => {
                digest.add(*id, read.content.size, read.content.checksum);
                read.data.try_for_each(|_| std::future::ready(Ok(()))).await?;
            }
        }
        bar.step();
    }
    Ok(digest.finish(missing))
}

/// Stores all of them in another place, under their ids; those that are there already stay.
pub async fn copy(
    ids: &[Uuid],
    from: &dyn ContentSource,
    to: &dyn DataProvider,
) -> Result<Contents, Failure> {
    let bar = Bar::new("contents", ids.len() as u64);
    let (mut digest, mut missing) = (ContentsDigest::default(), Vec::new());
    for id in ids {
        let id = ContentId::new(*id);
        let content = match to.head(id).await? {
            Some(present) => Some(present),
            None => match from.content(id).await? {
                None => None,
                Some(read) => Some(to.put(id, read.data, Expectation::of(&read.content)).await?),
            },
        };
        match content {
            Some(content) => digest.add(id.as_uuid(), content.size, content.checksum),
            None => missing.push(id.as_uuid()),
        }
        bar.step();
    }
    Ok(digest.finish(missing))
}

/// What was found of contents, in words; nothing when there are none.
pub fn told(contents: &Contents) -> Option<String> {
    let Contents { count, bytes, sha256, missing } = contents;
    let mut words = Vec::new();
    if *count > 0 {
        words.push(format!("contents of files: {count}, {bytes} bytes, SHA-256 {sha256}"));
    }
    if !missing.is_empty() {
        let ids: Vec<String> = missing.iter().map(ToString::to_string).collect();
        words.push(format!("contents that items name and that are not in the storage: {}", ids.join(", ")));
    }
    (!words.is_empty()).then(|| words.join("\n"))
}

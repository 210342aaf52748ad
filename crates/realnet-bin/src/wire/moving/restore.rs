//! Filling an empty store from an archive, which is read as a whole before: one that is not in order changes nothing.

use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::stream;
use futures::{FutureExt as _, StreamExt as _};
use realnet_core::provider::{
    Checksum, ContentId, DataProvider, DataStream, Expectation, MARK_SETTING, RecordStream, StoreRecord,
};
use realnet_core::secret;
use realnet_core::transfer::{Filling, Summary};
use realnet_core::{Error, Uuid};
use realnet_resource_files::DATABASE_SETTING;
use tokio::sync::mpsc;

use super::super::store::Store;
use super::archive::{Contents, Manifest, Visitor, read};
use super::progress::Bar;
use super::{Place, contents, keys};
use crate::cli::Failure;
use crate::config::{DatabaseSection, StoragePlace};

/// So many records may wait.
const WAITING: usize = 64;
/// So many pieces of a content may wait.
const PIECES: usize = 4;
/// How to take another scratch place.
const ANOTHER: &str =
    ": TMPDIR=FOLDER takes another, with room for all of the store but the contents of files";
/// How files in gzip begin.
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// Whoever wanted it has failed, and says why.
const GONE: &str = "nobody reads the archive any more";

/// Reads all of an archive, and answers its manifest when everything is in order; with what its database is called in storages.
async fn check(path: &Path) -> Result<(Manifest, Option<Vec<u8>>), Failure> {
    let path = path.to_owned();
    let reading = move || {
        let mut looked = Looked::default();
        let manifest = read(open(&path)?, &mut looked).map_err(|error| at(&path, &error))?;
        Ok::<_, Failure>((manifest, looked.owner))
    };
    tokio::task::spawn_blocking(reading).await?
}

/// A backup that was restored.
#[derive(Debug)]
pub struct Restored {
    /// What the store holds now.
    pub summary: Summary,
    /// What the backup has of contents.
    pub contents: Contents,
    /// Whether these were left out.
    pub left_out: bool,
    /// What is left to be done by the operator.
    pub next: Vec<String>,
}

/// Fills a store, which has to be empty (or to have been begun, with `resume`).
pub async fn restore(path: &Path, to: &Place, resume: bool) -> Result<Restored, Failure> {
    let (manifest, owner) = check(path).await?;
    let needs_storage = manifest.contents.count > 0;
    if needs_storage && to.storage == StoragePlace::None && !to.storage_is_said {
        return Err("the backup has contents of files: name the folder for them with --storage, or leave them out with --storage none".into());
    }
    if needs_storage {
        contents::check_target(&to.storage, owner.as_deref()).await?;
    }
    let store = Store::open(&to.database).await?;
    let restored = async {
        let storage = if needs_storage { contents::target(&to.storage).await? } else { None };
        let left_out = needs_storage && storage.is_none();
        let (summary, is_shared) = fill(path, &manifest, &store, storage, resume).await?;
        let claim = is_shared.then(|| {
            format!(
                "{}: another copy of this database has this storage, until `realnet server claim-storage` hands it over to this one",
                to.storage
            )
        });
        let next = keys::needed(&to.database, store.target()).await?.into_iter().chain(claim).collect();
        Ok::<_, Failure>(Restored { summary, contents: manifest.contents.clone(), left_out, next })
    };
    let restored = restored.await;
    let is_begun =
        restored.is_err() && store.target().setting(MARK_SETTING).await.is_ok_and(|mark| mark.is_some());
    store.close().await?;
    restored.map_err(|failure| if is_begun { super::unfinished(&failure, &to.database) } else { failure })
}

/// What was found of a backup.
#[derive(Debug)]
pub struct Rehearsed {
    /// What it holds.
    pub manifest: Manifest,
    /// The keys that it is of no use without, in words.
    pub keys: Option<String>,
}

/// Restores into a store that goes afterwards, and compares: what a backup is good for.
pub async fn rehearse(path: &Path) -> Result<Rehearsed, Failure> {
    let (manifest, _) = check(path).await?;
    let folder = std::env::temp_dir();
    let scratch = tempfile::tempdir_in(&folder);
    let scratch =
        scratch.map_err(|error| format!("the scratch place {}: {error}{ANOTHER}", folder.display()))?;
    let in_scratch = |failure| in_scratch(failure, &folder);
    let section = DatabaseSection::Sqlite { path: scratch.path().join("scratch.db") };
    let store = Store::open(&section).await.map_err(in_scratch)?;
    let filled = async {
        fill(path, &manifest, &store, None, false).await?;
        Ok::<_, Failure>(keys::of_restored(&secret::known_keys(store.target()).await?))
    };
    let filled = filled.await;
    store.close().await?;
    filled.map(|keys| Rehearsed { manifest, keys }).map_err(in_scratch)
}

/// What went wrong in a scratch place, in words that say so.
fn in_scratch(failure: Failure, folder: &Path) -> Failure {
    let text = crate::cli::describe(&*failure);
    match text.split_once("the disk of the database is full") {
        Some((before, behind)) => {
            format!("{before}the disk of the scratch place {} is full{ANOTHER}{behind}", folder.display())
                .into()
        }
        None => failure,
    }
}

/// Fills a store, and the storage if there is one; answers whether another copy of the database has that.
async fn fill(
    path: &Path,
    manifest: &Manifest,
    store: &Store,
    storage: Option<Arc<dyn DataProvider>>,
    resume: bool,
) -> Result<(Summary, bool), Failure> {
    let mut filling = Filling::begin(store.target(), manifest.made_at, resume).await?;
    let total = manifest.census().total();
    let bar = Bar::new("restoring", total);
    let summary = filling.write(records(path.to_owned()), &mut bar.steps()).await?;
    drop(bar);
    let bar = Bar::new("comparing", total);
    filling.compare(&summary, &mut bar.steps()).await?;
    drop(bar);
    let mut is_shared = false;
    if let Some(storage) = storage {
        // What is there already stays, and what is missing comes back: a store that was lost leaves its bucket behind.
        is_shared = realnet_resource_files::claim_for(store.target(), &*storage).await?;
        put_contents(path.to_owned(), manifest.contents.count, &*storage).await?;
    }
    filling.finish().await?;
    Ok((summary, is_shared))
}

/// Stores the contents of an archive that has been checked, but for those that are there already.
async fn put_contents(path: PathBuf, count: u64, storage: &dyn DataProvider) -> Result<(), Failure> {
    let (begun, mut contents) = mpsc::channel(1);
    let reading = tokio::task::spawn_blocking(move || {
        let mut outlet = ContentsOutlet { begun, data: None };
        read(open(&path)?, &mut outlet).map(drop).map_err(|error| at(&path, &error))
    });
    let bar = Bar::new("contents", count);
    while let Some((id, size, data)) = contents.recv().await {
        let id = ContentId::new(id);
        if storage.head(id).await?.is_none() {
            let expected = Expectation { size: Some(size), ..Expectation::default() };
            storage.put(id, data, expected).await?;
        }
        bar.step();
    }
    reading.await?
}

/// The records of an archive that has been checked.
fn records(path: PathBuf) -> RecordStream {
    let (sender, receiver) = mpsc::channel(WAITING);
    let reading = tokio::task::spawn_blocking(move || {
        let mut outlet = Outlet(sender);
        let done = open(&path).and_then(|file| read(file, &mut outlet));
        if let Err(error) = done {
            // Nobody may want it any more.
            let error = Error::unavailable(crate::cli::describe(&*at(&path, &error)));
            let _ = outlet.0.blocking_send(Err(error));
        }
    });
    let records = stream::unfold(receiver, |mut receiver| async move {
        let record = receiver.recv().await?;
        Some((record, receiver))
    });
    // A reader that has panicked has not read everything.
    let end = reading.map(|ended| {
        ended.err().map(|error| Err(Error::internal("an archive was not read").with_source(error)))
    });
    records.chain(stream::once(end).filter_map(std::future::ready)).boxed()
}

fn open(path: &Path) -> Result<File, Failure> {
    let problem = |error: std::io::Error| format!("the backup {}: {error}", path.display());
    let mut file = File::open(path).map_err(problem)?;
    let mut first = [0; 2];
    if file.read(&mut first).map_err(problem)? == 2 && first == GZIP {
        return Err(
            "this is no backup, which is a tar archive in zstd: `realnet import` takes exports in gzip"
                .into(),
        );
    }
    file.rewind().map_err(problem)?;
    Ok(file)
}

fn at(path: &Path, error: &Failure) -> Failure {
    let (path, text) = (path.display().to_string(), error.to_string());
    if text.contains(&path) { text.into() } else { format!("{path}: {text}").into() }
}

/// Wants to know whose it is: what is in order is seen by the reader.
#[derive(Default)]
struct Looked {
    owner: Option<Vec<u8>>,
}

impl Visitor for Looked {
    fn record(&mut self, record: StoreRecord) -> Result<(), Failure> {
        if let StoreRecord::Setting { name, value } = record
            && name == DATABASE_SETTING
        {
            self.owner = Some(value);
        }
        Ok(())
    }

    fn begin_content(&mut self, _: Uuid, _: u64) -> Result<(), Failure> {
        Ok(())
    }

    fn content(&mut self, _: &[u8]) -> Result<(), Failure> {
        Ok(())
    }

    fn end_content(&mut self, _: Checksum) -> Result<(), Failure> {
        Ok(())
    }
}

/// Wants the contents.
struct ContentsOutlet {
    begun: mpsc::Sender<(Uuid, u64, DataStream)>,
    /// The way of the bytes of the present one.
    data: Option<mpsc::Sender<realnet_core::Result<Bytes>>>,
}

impl Visitor for ContentsOutlet {
    fn record(&mut self, _: StoreRecord) -> Result<(), Failure> {
        Ok(())
    }

    fn begin_content(&mut self, id: Uuid, size: u64) -> Result<(), Failure> {
        let (sender, receiver) = mpsc::channel(PIECES);
        let data = stream::unfold(receiver, |mut receiver| async move {
            let bytes = receiver.recv().await?;
            Some((bytes, receiver))
        });
        self.data = Some(sender);
        self.begun.blocking_send((id, size, data.boxed())).map_err(|_| GONE.into())
    }

    fn content(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        // One that is there already is not wanted.
        if let Some(data) = &self.data {
            let _ = data.blocking_send(Ok(Bytes::copy_from_slice(bytes)));
        }
        Ok(())
    }

    fn end_content(&mut self, _: Checksum) -> Result<(), Failure> {
        self.data = None;
        Ok(())
    }
}

/// Wants the records.
struct Outlet(mpsc::Sender<realnet_core::Result<StoreRecord>>);

impl Visitor for Outlet {
    fn record(&mut self, record: StoreRecord) -> Result<(), Failure> {
        self.0.blocking_send(Ok(record)).map_err(|_| GONE.into())
    }

    fn begin_content(&mut self, _: Uuid, _: u64) -> Result<(), Failure> {
        Ok(())
    }

    fn content(&mut self, _: &[u8]) -> Result<(), Failure> {
        Ok(())
    }

    fn end_content(&mut self, _: Checksum) -> Result<(), Failure> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_scratch_place_is_told_by_name() {
        let full = Failure::from(Error::unavailable("the disk of the database is full"));
        let said = in_scratch(full, Path::new("/small")).to_string();
        assert!(said.starts_with("the disk of the scratch place /small is full: TMPDIR=FOLDER"), "{said}");
        assert_eq!(in_scratch("another".into(), Path::new("/small")).to_string(), "another");
    }
}

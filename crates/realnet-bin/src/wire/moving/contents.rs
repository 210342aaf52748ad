//! The contents of files, when a store moves: those that its items name, under their ids.

use std::path::Path;
use std::sync::Arc;

use futures::TryStreamExt as _;
use realnet_core::provider::{Content, ContentId, ContentSource, DataProvider, Expectation};
use realnet_core::{Error, ErrorKind, Uuid};
use realnet_provider_generic::{LocalData, LocalLook, LocalOptions};

use super::super::storage;
use super::archive::{Contents, ContentsDigest};
use super::named::Named;
use super::progress::Bar;
use crate::cli::{Failure, for_operators};
use crate::config::StoragePlace;

/// So many contents are told one by one.
const TOLD: usize = 20;

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

/// Sees that contents can be stored in a place, and that it is nobody else's, as far as that can be told without making anything there.
/// `owner`: what the database is called in storages, where that is known. Answers whether another copy of the database has it.
pub async fn check_target(place: &StoragePlace, owner: Option<&[u8]>) -> Result<bool, Failure> {
    match place {
        StoragePlace::None => return Ok(false),
        StoragePlace::Memory => return Err("a storage in memory is seen by its server alone".into()),
        // The folders above it are made along with it.
        StoragePlace::Local { path }
            if path.parent().is_some_and(|above| !above.as_os_str().is_empty() && !above.is_dir()) => {}
        StoragePlace::Local { .. } | StoragePlace::S3(_) => drop(storage::check(place).await?),
    }
    let is_shared = match (place, owner) {
        (StoragePlace::Local { path }, _) => check_folder(path, owner).await.map(|()| false),
        (StoragePlace::S3(section), Some(owner)) => {
            realnet_resource_files::check_shared(owner, &*storage::bucket(section)?).await
        }
        _ => Ok(false),
    };
    match is_shared {
        Ok(is_shared) => Ok(is_shared),
        Err(error) if error.kind() == ErrorKind::Conflict => {
            let words = for_operators(&error);
            let at = if words.contains(&place.to_string()) { String::new() } else { format!("{place}: ") };
            Err(format!("{at}{words}: name another one").into())
        }
        Err(error) => Err(for_operators(&error).into()),
    }
}

/// What is said of a storage that a server of another copy may have at work.
pub fn of_another_copy(place: &StoragePlace) -> Failure {
    format!("{place}: the storage is in use by another copy of this database: name another one").into()
}

/// Looks at a folder, if it is there.
async fn check_folder(path: &Path, owner: Option<&[u8]>) -> Result<(), Error> {
    if !path.is_dir() {
        return Ok(());
    }
    match LocalLook::open(path) {
        Ok(looked) if owner.is_some() => realnet_resource_files::check_owned(owner, &looked).await,
        Ok(_) => Ok(()),
        // Nothing has been stored in it yet.
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let mut names = std::fs::read_dir(path).into_iter().flatten().flatten();
            let is_empty =
                names.all(|entry| entry.file_name() == "lost+found" || entry.file_name() == "realnet-data");
            if is_empty { Ok(()) } else { Err(Error::conflict("the folder holds other files")) }
        }
        Err(error) => Err(error),
    }
}

/// What was found of contents.
#[derive(Debug)]
pub struct Found {
    /// Those that are in order, and those that are not there.
    pub contents: Contents,
    /// What is wrong with others, in words.
    pub faults: Vec<String>,
}

/// What is found of contents, in the making.
pub struct Finding<'n> {
    named: &'n Named,
    digest: ContentsDigest,
    missing: Vec<Uuid>,
    faults: Vec<String>,
}

impl<'n> Finding<'n> {
    /// Before the first one.
    pub fn new(named: &'n Named) -> Self {
        Self { named, digest: ContentsDigest::default(), missing: Vec::new(), faults: Vec::new() }
    }

    /// Adds a content that is in order.
    pub fn add(&mut self, content: &Content) {
        self.digest.add(content.id.as_uuid(), content.size, content.checksum);
    }

    /// Adds one that can not be given: that is not there, or is damaged. Other errors are answered again.
    pub fn fault(&mut self, id: Uuid, error: Option<&Error>) -> Result<(), Failure> {
        let words = self.named.told(id);
        let problem = match error {
            None => "is not in the storage".to_owned(),
            Some(error) => damage(error).ok_or_else(|| format!("{words}: {}", for_operators(error)))?,
        };
        self.missing.push(id);
        self.faults.push(format!("{words} {problem}"));
        Ok(())
    }

    /// What was found.
    pub fn finish(self) -> Found {
        Found { contents: self.digest.finish(self.missing), faults: self.faults }
    }
}

/// What is wrong with the bytes of a content, if that is what an error says.
pub fn damage(error: &Error) -> Option<String> {
    let report = error.report();
    let (_, detail) = report.split_once(" is damaged: ")?;
    Some(format!("is damaged: {}", detail.split(" | ").next().unwrap_or(detail)))
}

/// Reads all of them, and compares each with its checksum.
pub async fn verify(named: &Named, from: &dyn ContentSource) -> Result<Found, Failure> {
    let ids = named.ids();
    let bar = Bar::new("contents", ids.len() as u64);
    let mut finding = Finding::new(named);
    for id in ids {
        let read = async {
            let Some(read) = from.content(ContentId::new(id)).await? else { return Ok(None) };
            read.data.try_for_each(|_| std::future::ready(Ok(()))).await?;
            Ok::<_, Error>(Some(read.content))
        };
        match read.await {
            Ok(Some(content)) => finding.add(&content),
            Ok(None) => finding.fault(id, None)?,
            Err(error) => finding.fault(id, Some(&error))?,
        }
        bar.step();
    }
    Ok(finding.finish())
}

/// Stores all of them in another place, under their ids; those that are there already stay.
pub async fn copy(named: &Named, from: &dyn ContentSource, to: &dyn DataProvider) -> Result<Found, Failure> {
    let ids = named.ids();
    let bar = Bar::new("contents", ids.len() as u64);
    let mut finding = Finding::new(named);
    for id in ids {
        let content_id = ContentId::new(id);
        let stored = async {
            if let Some(present) = to.head(content_id).await? {
                return Ok(Some(present));
            }
            let Some(read) = from.content(content_id).await? else { return Ok(None) };
            to.put(content_id, read.data, Expectation::of(&read.content)).await.map(Some)
        };
        match stored.await {
            Ok(Some(content)) => finding.add(&content),
            Ok(None) => finding.fault(id, None)?,
            Err(error) => finding.fault(id, Some(&error))?,
        }
        bar.step();
    }
    Ok(finding.finish())
}

/// What was found of contents, in words; nothing when there are none.
pub fn told(contents: &Contents) -> Option<String> {
    let Contents { count, bytes, sha256, missing } = contents;
    let mut words = Vec::new();
    if *count > 0 {
        words.push(format!("contents of files: {count}, {bytes} bytes, SHA-256 {sha256}"));
    }
    if !missing.is_empty() {
        words.push(format!("contents that items name and that are not among them: {}", missing.len()));
    }
    (!words.is_empty()).then(|| words.join("\n"))
}

/// An error that names what is wrong with contents, unless nothing is. `done`: what is as it should be all the same.
pub fn check(faults: &[String], done: &str) -> Result<(), Failure> {
    if faults.is_empty() {
        return Ok(());
    }
    let more = faults.len().saturating_sub(TOLD);
    let more = if more > 0 { format!("\n  and {more} more") } else { String::new() };
    let some = faults.iter().take(TOLD).cloned().collect::<Vec<_>>().join("\n  ");
    Err(format!(
        "{done} {} that can not be read: give these items their content again, or take it from them (DELETE /api/files/ID/data)\n  {some}{more}",
        match faults.len() {
            1 => "1 content".to_owned(),
            count => format!("{count} contents"),
        }
    )
    .into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_told_from_other_errors() {
        let error = Error::internal("shop.files/contents/ab is damaged: it has 3 bytes");
        assert_eq!(damage(&error).as_deref(), Some("is damaged: it has 3 bytes"));
        assert_eq!(damage(&Error::unavailable("the storage is away")), None);
    }

    #[test]
    fn what_is_wrong_is_an_error_that_names_it() {
        assert!(check(&[], "").is_ok());
        let faults: Vec<String> = (0..30).map(|number| format!("fault {number}.")).collect();
        let said = check(&faults, "all is copied but").unwrap_err().to_string();
        assert!(said.starts_with("all is copied but 30 contents that can not be read"), "{said}");
        assert!(
            said.contains("fault 19.") && !said.contains("fault 20.") && said.ends_with("and 10 more"),
            "{said}"
        );
    }
}

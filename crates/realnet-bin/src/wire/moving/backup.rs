//! Writing a store into an archive, while servers go on using it.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use realnet_core::clock::{Clock as _, System, Timestamp};
use realnet_core::provider::{ContentId, ContentRead, ContentSource};
use realnet_core::transfer::Digest;
use realnet_core::{Error, Uuid};

use super::Place;
use super::archive::{self, ContentsDigest, Destination, FORMAT, Head, Manifest, Writer};
use super::contents::{self, Finding, Found};
use super::keys::{self, KeysSeen};
use super::named::Named;
use super::open::{Others, source};
use super::progress::Bar;
use crate::cli::{Failure, for_operators};

/// Parts of the records have so many bytes, about.
const PART: usize = 1024 * 1024;
/// Contents of up to so many bytes are held while they are written; larger ones are read twice.
const IN_MEMORY: u64 = 4 * 1024 * 1024;

/// A backup that was made.
#[derive(Debug)]
pub struct Made {
    /// The file.
    pub path: PathBuf,
    /// What is in it.
    pub manifest: Manifest,
    /// What is wrong with contents that are not in it, in words.
    pub faults: Vec<String>,
    /// The keys that it is of no use without, and where they are, in words.
    pub keys: Option<String>,
}

/// Writes all that a store holds at this moment into a new file; into one named by the moment, where `path` is a folder.
pub async fn backup(place: &Place, path: &Path) -> Result<Made, Failure> {
    let store = source(&place.database, Others::Allowed).await?.store;
    let storage = contents::source(&place.storage).await?;
    let now = System.now();
    let path = if path.is_dir() {
        // What killed ones have left under the names of their moments, no other would come upon.
        archive::clear(path, is_named_by_moment);
        path.join(file_name(now))
    } else {
        path.to_owned()
    };
    let problem = |error: std::io::Error| Failure::from(format!("the backup {}: {error}", path.display()));
    let bar = Bar::new("backing up", store.census(now).await?.total());
    let named = Named::default();
    let seen = KeysSeen::default();
    let mut records = seen.watch(named.watch(store.dump(now).await?));
    let (destination, out) = Destination::new(&path).map_err(problem)?;
    let head = Head {
        format: FORMAT,
        made_by: concat!("RealNet ", env!("CARGO_PKG_VERSION")).to_owned(),
        made_at: now,
    };
    let mut writer = Writer::begin(out, &head).map_err(problem)?;
    let (mut digest, mut part) = (Digest::default(), String::new());
    while let Some(record) = records.next().await {
        let record = record?;
        let line = digest.add(&record)?;
        if !record.is_transient() {
            part.push_str(line);
        }
        if part.len() >= PART {
            writer.records(&part).map_err(problem)?;
            part.clear();
        }
        bar.step();
    }
    if !part.is_empty() {
        writer.records(&part).map_err(problem)?;
    }
    drop(bar);
    let ids = named.ids();
    let (contents, faults) = match storage {
        _ if ids.is_empty() => (ContentsDigest::default().finish(ids), Vec::new()),
        Some(storage) => {
            let found = write_contents(&mut writer, &named, &*storage, problem).await?;
            (found.contents, found.faults)
        }
        None if place.storage_is_said => (ContentsDigest::default().finish(ids), Vec::new()),
        None => {
            let count = ids.len();
            return Err(format!(
                "{count} items have contents: name the folder that they are in with --storage, or leave them out with --storage none"
            )
            .into());
        }
    };
    let manifest = Manifest::new(now, &digest.finish(), contents);
    let out = writer.end(&manifest).map_err(problem)?;
    destination.keep(out).map_err(problem)?;
    Ok(Made { path, manifest, faults, keys: keys::of_backup(&seen.ids(), &place.database) })
}

/// Writes the bytes of contents, each compared with its checksum.
async fn write_contents(
    writer: &mut Writer<BufWriter<File>>,
    named: &Named,
    storage: &dyn ContentSource,
    problem: impl Fn(std::io::Error) -> Failure,
) -> Result<Found, Failure> {
    let ids = named.ids();
    let bar = Bar::new("contents", ids.len() as u64);
    let mut finding = Finding::new(named);
    for id in ids {
        bar.step();
        let mut read = match checked(storage, ContentId::new(id)).await {
            Ok(Some(read)) => read,
            // Lost, or replaced or deleted since the moment that the backup shows.
            Ok(None) => {
                finding.fault(id, None)?;
                continue;
            }
            Err(error) => {
                finding.fault(id, Some(&error))?;
                continue;
            }
        };
        writer.begin_entry(&format!("contents/{id}"), read.content.size).map_err(&problem)?;
        while let Some(bytes) = read.data.try_next().await.map_err(|error| broken(named, id, &error))? {
            writer.data(&bytes).map_err(&problem)?;
        }
        writer.end_entry().map_err(&problem)?;
        finding.add(&read.content);
    }
    Ok(finding.finish())
}

/// A content that was read to its end before, and is known to be in order: an entry that was begun can not be taken back.
async fn checked(storage: &dyn ContentSource, id: ContentId) -> Result<Option<ContentRead>, Error> {
    let Some(mut read) = storage.content(id).await? else { return Ok(None) };
    let is_small = read.content.size <= IN_MEMORY;
    let mut pieces = Vec::new();
    while let Some(bytes) = read.data.try_next().await? {
        if is_small {
            pieces.push(Ok(bytes));
        }
    }
    if is_small {
        return Ok(Some(ContentRead { data: stream::iter(pieces).boxed(), ..read }));
    }
    storage.content(id).await
}

/// A content that ends otherwise than it did a moment before.
fn broken(named: &Named, id: Uuid, error: &Error) -> Failure {
    let words = named.told(id);
    match contents::damage(error) {
        Some(damage) => format!(
            "no backup was made: {words} {damage}: give the item its content again, take it from it (DELETE /api/files/ID/data), or leave \
             all contents out with --storage none"
        )
        .into(),
        None => format!("{words}: {}", for_operators(error)).into(),
    }
}

/// Such as `realnet-2026-01-31T12-00-00Z.tar.zst`.
fn file_name(now: Timestamp) -> String {
    let moment = now.to_string();
    let second = moment.split('.').next().unwrap_or(&moment).replace(':', "-");
    format!("realnet-{second}Z.tar.zst")
}

/// Whether a name is one of [`file_name`].
fn is_named_by_moment(name: &str) -> bool {
    name.strip_prefix("realnet-").is_some_and(|rest| rest.ends_with("Z.tar.zst"))
}

//! Reading an archive, which may come from anybody: nothing in it names a file of this machine, what it unpacks to is never
//! held as a whole, and whatever does not belong there is refused by name.

use std::io::{self, BufRead as _, BufReader, Read};

use realnet_core::Uuid;
use realnet_core::provider::{Checksum, StoreRecord};
use realnet_core::transfer::Digest;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use super::{BLOCK, ContentsDigest, FORMAT, HEAD, Head, MANIFEST, Manifest, part_name};
use crate::cli::Failure;

/// The most bytes that a part of the records, the head or the manifest unpacks to.
const MAX_PART: u64 = 64 * 1024 * 1024;
/// The longest line of a record, in bytes: a change has an item before and after it, of 4 MiB of attributes each. As a value, it takes
/// many times as much.
const MAX_LINE: u64 = 24 * 1024 * 1024;
/// The largest window that unpacking may take, as a power of two: 8 MiB.
pub const MAX_WINDOW: u32 = 23;
/// What an export says of itself, which is no backup.
pub const EXPORT: &str = "realnet-export.json";
/// Contents are read in pieces of so many bytes.
const PIECE: usize = 64 * 1024;

/// Who wants what an archive holds.
pub trait Visitor {
    /// A record, in its order.
    fn record(&mut self, record: StoreRecord) -> Result<(), Failure>;

    /// Begins a content, whose bytes follow.
    fn begin_content(&mut self, id: Uuid, size: u64) -> Result<(), Failure>;

    /// Bytes of the content.
    fn content(&mut self, bytes: &[u8]) -> Result<(), Failure>;

    /// The end of the content.
    fn end_content(&mut self, checksum: Checksum) -> Result<(), Failure>;
}

/// Reads all of an archive; answers its manifest when it holds what that says.
pub fn read(source: impl Read, visitor: &mut dyn Visitor) -> Result<Manifest, Failure> {
    let mut source = zstd::Decoder::new(source).map_err(|error| unreadable(&error))?;
    source.window_log_max(MAX_WINDOW).map_err(|error| unreadable(&error))?;
    let mut archive = tar::Archive::new(source);
    let mut reading = Reading {
        visitor,
        stage: Stage::Head,
        digest: Digest::default(),
        contents: ContentsDigest::default(),
    };
    for entry in archive.entries().map_err(|error| unreadable(&error))?.raw(true) {
        let mut entry = entry.map_err(|error| unreadable(&error))?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if !entry.header().entry_type().is_file() {
            return Err(foreign(&name, "is no file"));
        }
        reading.entry(&name, &mut entry)?;
    }
    let Stage::End(manifest) = reading.stage else {
        return Err("the archive has no manifest: it is truncated, or was never finished".into());
    };
    nothing_behind(&mut archive.into_inner())?;
    let found = Manifest::new(
        manifest.made_at,
        &reading.digest.finish(),
        reading.contents.finish(manifest.contents.missing.clone()),
    );
    if found != *manifest {
        return Err(format!(
            "the archive does not hold what its manifest says: {}, SHA-256 {}, instead of {}, SHA-256 {}",
            found.census(),
            found.sha256,
            manifest.census(),
            manifest.sha256
        )
        .into());
    }
    Ok(*manifest)
}

/// What may come next.
enum Stage {
    Head,
    /// Parts of records from this number on, contents, or the manifest.
    Records(u32),
    /// Contents behind this one, or the manifest.
    Contents(Uuid),
    /// Nothing.
    End(Box<Manifest>),
}

struct Reading<'v> {
    visitor: &'v mut dyn Visitor,
    stage: Stage,
    digest: Digest,
    contents: ContentsDigest,
}

impl Reading<'_> {
    fn entry(&mut self, name: &str, entry: &mut tar::Entry<'_, impl Read>) -> Result<(), Failure> {
        let size = entry.size();
        self.stage = match (&self.stage, name.strip_prefix("contents/")) {
            (Stage::Head, _) if name == HEAD => {
                let head: Head = json(name, size, entry)?;
                if head.format > FORMAT {
                    return Err(format!(
                        "the archive is of a newer form ({}) than this program knows",
                        head.format
                    )
                    .into());
                }
                Stage::Records(0)
            }
            (Stage::Head, _) if is_of_export(name) => {
                return Err(
                    "this is no backup of a store, but an export of items: `realnet import` takes it".into(),
                );
            }
            (Stage::Head, _) => {
                return Err("this is no backup of a store: it begins with something else".into());
            }
            (Stage::Records(number), _) if name == part_name(*number) => {
                let next = number + 1;
                self.records(name, size, entry)?;
                Stage::Records(next)
            }
            (Stage::Records(_) | Stage::Contents(_), _) if name == MANIFEST => {
                Stage::End(Box::new(json(name, size, entry)?))
            }
            (Stage::Records(_) | Stage::Contents(_), Some(id)) => {
                let last = if let Stage::Contents(last) = &self.stage { *last } else { Uuid::nil() };
                let id = Uuid::try_parse(id).ok().filter(|known| known.to_string() == id && *known > last);
                let id = id.ok_or_else(|| foreign(name, "is no content that could stand there"))?;
                self.content(id, size, entry)?;
                Stage::Contents(id)
            }
            _ => return Err(foreign(name, "does not belong there")),
        };
        Ok(())
    }

    fn records(&mut self, name: &str, size: u64, entry: &mut impl Read) -> Result<(), Failure> {
        bounded(name, size)?;
        let mut lines = BufReader::new(entry);
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            let mut bounded = (&mut lines).take(MAX_LINE + 1);
            if bounded.read_until(b'\n', &mut line).map_err(|error| unreadable(&error))? == 0 {
                break;
            }
            let at =
                |problem: String| Failure::from(format!("the archive, {name}, line {number}: {problem}"));
            if line.len() as u64 > MAX_LINE {
                return Err(at(format!("it is longer than {} MiB", MAX_LINE / 1024 / 1024)));
            }
            let value = serde_json::from_slice(&line).map_err(|error| at(error.to_string()))?;
            let record = StoreRecord::from_json(value).map_err(|error| at(error.message().to_owned()))?;
            if record.is_transient() {
                return Err(at("no backup has such records".to_owned()));
            }
            self.digest
                .add(&record)
                .map_err(|_| at(format!("{record:?} comes twice, or in the wrong order")))?;
            self.visitor.record(record)?;
        }
        Ok(())
    }

    fn content(&mut self, id: Uuid, size: u64, entry: &mut impl Read) -> Result<(), Failure> {
        self.visitor.begin_content(id, size)?;
        let (mut hash, mut rest, mut piece) = (Sha256::new(), size, vec![0; PIECE]);
        while rest > 0 {
            let most = piece.len().min(usize::try_from(rest).unwrap_or(PIECE));
            let count = entry.read(&mut piece[..most]).map_err(|error| unreadable(&error))?;
            if count == 0 {
                return Err(unreadable(&io::ErrorKind::UnexpectedEof.into()));
            }
            hash.update(&piece[..count]);
            self.visitor.content(&piece[..count])?;
            rest -= count as u64;
        }
        let checksum = Checksum::new(hash.finalize().into());
        self.contents.add(id, size, checksum);
        self.visitor.end_content(checksum)
    }
}

/// Whether an entry is one of those that exports have.
fn is_of_export(name: &str) -> bool {
    name == EXPORT || ["types/", "items/", "data/"].iter().any(|folder| name.starts_with(folder))
}

fn json<T: DeserializeOwned>(name: &str, size: u64, entry: &mut impl Read) -> Result<T, Failure> {
    bounded(name, size)?;
    let mut text = Vec::new();
    entry.take(MAX_PART).read_to_end(&mut text).map_err(|error| unreadable(&error))?;
    serde_json::from_slice(&text).map_err(|error| format!("the archive, {name}: {error}").into())
}

fn bounded(name: &str, size: u64) -> Result<(), Failure> {
    if size > MAX_PART {
        let most = MAX_PART / 1024 / 1024;
        return Err(foreign(name, &format!("unpacks to {size} bytes, where {most} MiB are the most")));
    }
    Ok(())
}

/// Sees that the end of the archive is the end of the file, and that all of it has come.
pub fn nothing_behind(source: &mut impl Read) -> Result<(), Failure> {
    let mut block = [0; BLOCK];
    loop {
        let count = source.read(&mut block).map_err(|error| unreadable(&error))?;
        if count == 0 {
            return Ok(());
        }
        if block[..count].iter().any(|byte| *byte != 0) {
            return Err("something stands behind the end of the archive".into());
        }
    }
}

fn foreign(name: &str, problem: &str) -> Failure {
    // A name from an archive is shown as it is, without what would steer a terminal.
    format!("the archive has an entry {name:?} that {problem}: no backup has such").into()
}

/// What is said of an archive that can not be read on.
pub fn unreadable(error: &io::Error) -> Failure {
    let text = error.to_string();
    if error.kind() == io::ErrorKind::UnexpectedEof || text.contains("incomplete frame") {
        return "the archive ends before its time: it is truncated".into();
    }
    format!("the archive can not be read: it is damaged, or is none of ours ({text})").into()
}

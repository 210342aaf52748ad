//! Unpacking an archive, which may come from anybody, into a scratch folder: nothing in it names a file elsewhere, links and
//! devices are refused, and it unpacks to no more than is allowed.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read, Seek as _, Write as _};
use std::path::Path;

use flate2::bufread::GzDecoder;

use super::bounds::{MAX_DECLARATION, MAX_DOCUMENT};
use super::head::{Counts, MAX_HEAD};
use super::layout::{self, Place};
use super::{at, folder};
use crate::cli::Failure;
use crate::wire::moving::archive::{HEAD as OF_BACKUP, MAX_WINDOW, nothing_behind, unreadable};

/// Read at a time.
const BLOCK: usize = 256 * 1024;

/// What an archive may unpack to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// So many bytes.
    pub bytes: u64,
    /// So many entries.
    pub entries: u64,
}

impl Bounds {
    /// What an archive of so many bytes is expected to stay below: documents are short and alike, so they shrink much.
    pub const fn of(packed: u64) -> Self {
        Self { bytes: packed.saturating_mul(200).saturating_add(256 << 20), entries: 5_000_000 }
    }
}

/// Unpacks an archive into an empty folder.
pub async fn unpack(path: &Path, into: &Path, most: Option<u64>) -> Result<(), Failure> {
    let file = File::open(path).map_err(|error| at(path, error))?;
    let mut bounds = Bounds::of(file.metadata()?.len());
    bounds.bytes = most.unwrap_or(bounds.bytes);
    unpack_from(file, into, bounds).await.map_err(|error| at(path, error))
}

async fn unpack_from(mut file: File, into: &Path, bounds: Bounds) -> Result<(), Failure> {
    let mut first = Vec::new();
    (&mut file).take(4).read_to_end(&mut first)?;
    file.rewind()?;
    let file = BufReader::new(file);
    match first.as_slice() {
        [0x1f, 0x8b, ..] => {
            let mut source = Bounded { source: GzDecoder::new(file), left: bounds.bytes };
            entries(&mut source, into, bounds.entries).await?;
            // Behind the end of what was packed nothing may stand, either.
            nothing_behind(&mut source.source.into_inner())
        }
        [0x28, 0xb5, 0x2f, 0xfd] => {
            let mut source = zstd::Decoder::with_buffer(file).map_err(|error| unreadable(&error))?;
            source.window_log_max(MAX_WINDOW).map_err(|error| unreadable(&error))?;
            entries(&mut Bounded { source, left: bounds.bytes }, into, bounds.entries).await
        }
        _ => Err("is no export: neither a folder nor an archive of one (.tar.gz, .tar.zst)".into()),
    }
}

/// A source that ends with an error where it gives more than it may.
struct Bounded<R> {
    source: R,
    left: u64,
}

/// What is said then.
const TOO_MUCH: &str = "it unpacks to more than is expected of its size: --max-size BYTES allows for more";

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(bytes)?;
        self.left = self.left.checked_sub(count as u64).ok_or_else(|| io::Error::other(TOO_MUCH))?;
        Ok(count)
    }
}

fn broken(error: &io::Error) -> Failure {
    let text = error.to_string();
    if text.contains(TOO_MUCH) { TOO_MUCH.into() } else { unreadable(error) }
}

async fn entries(source: &mut impl Read, into: &Path, most: u64) -> Result<(), Failure> {
    let mut archive = tar::Archive::new(source);
    let (mut counts, mut number) = (Counts::default(), 0);
    for entry in archive.entries().map_err(|error| broken(&error))?.raw(true) {
        let mut entry = entry.map_err(|error| broken(&error))?;
        number += 1;
        if number > most {
            return Err(format!("it has more than {most} entries").into());
        }
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        // So does tar write what it is given as `.`.
        let path = name.strip_prefix("./").unwrap_or(&name);
        if entry.header().entry_type().is_dir() && layout::is_folder(path.trim_end_matches('/')) {
            continue;
        }
        if !entry.header().entry_type().is_file() {
            return Err(foreign(&name, "is no file"));
        }
        if path == OF_BACKUP {
            return Err("it is a backup of a store: `realnet restore` takes it".into());
        }
        let place = layout::place(path).ok_or_else(|| foreign(&name, "does not belong there"))?;
        let size = entry.size();
        let bound = match place {
            Place::Head => MAX_HEAD,
            Place::Type(..) => MAX_DECLARATION,
            Place::Item(..) => MAX_DOCUMENT,
            Place::Data(_) => u64::MAX,
        };
        if size > bound {
            return Err(foreign(&name, &format!("unpacks to {size} bytes, where {bound} are the most")));
        }
        match place {
            Place::Head => {}
            Place::Type(..) => counts.types += 1,
            Place::Item(..) => counts.items += 1,
            Place::Data(_) => counts.contents += 1,
        }
        store(&mut entry, size, &into.join(path), &name).await?;
    }
    let source = archive.into_inner();
    nothing_behind(source)
        .map_err(|error| if error.to_string().contains(TOO_MUCH) { TOO_MUCH.into() } else { error })?;
    let head = folder::head(into)?.ok_or("it has no realnet-export.json: it is truncated, or no export")?;
    match head.counts {
        Some(said) if said != counts => {
            Err(format!("it does not hold what its realnet-export.json says: {counts} instead of {said}")
                .into())
        }
        _ => Ok(()),
    }
}

/// Writes the bytes of an entry to a file that is not there yet.
async fn store(entry: &mut impl Read, size: u64, path: &Path, name: &str) -> Result<(), Failure> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(|error| {
        if error.kind() == io::ErrorKind::AlreadyExists { foreign(name, "comes twice") } else { error.into() }
    })?;
    let (mut rest, mut block) = (size, vec![0; BLOCK]);
    while rest > 0 {
        let most = block.len().min(usize::try_from(rest).unwrap_or(BLOCK));
        let count = entry.read(&mut block[..most]).map_err(|error| broken(&error))?;
        if count == 0 {
            return Err(unreadable(&io::ErrorKind::UnexpectedEof.into()));
        }
        file.write_all(&block[..count])
            .map_err(|error| format!("it can not be unpacked here: {error} (TMPDIR names another place)"))?;
        rest -= count as u64;
        // So that an interruption is heard.
        tokio::task::yield_now().await;
    }
    Ok(())
}

fn foreign(name: &str, problem: &str) -> Failure {
    // A name from an archive is shown as it is, without what would steer a terminal.
    format!("it has an entry {name:?} that {problem}").into()
}

#[cfg(test)]
#[path = "archive_tests.rs"]
mod tests;

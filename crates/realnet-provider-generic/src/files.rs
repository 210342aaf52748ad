//! Single files and folders: private to the server's user, never through a symbolic link, and durable when they must be.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::Path;
use std::time::UNIX_EPOCH;

use realnet_core::clock::Timestamp;
use realnet_core::{Error, Result};

/// What went wrong with a file: in words for anybody, and with its path for the log.
pub(crate) fn failed(what: &str, path: &Path, error: io::Error) -> Error {
    let meaning = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            "the disk of the storage is full"
        }
        ErrorKind::PermissionDenied => "the storage refuses the server: check the rights of its folder",
        ErrorKind::ReadOnlyFilesystem => "the storage is read-only",
        _ => "the storage has failed to read or write",
    };
    let internal = format!("{} could not be {what}: {error}", path.display());
    Error::unavailable(meaning).with_internal(internal).with_source(error)
}

/// What is at a path itself; `None` when there is nothing.
pub(crate) fn look(path: &Path) -> Result<Option<Metadata>> {
    match fs::symlink_metadata(path) {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("looked at", path, error)),
    }
}

/// Whether there is a folder at a path; something else there is an error.
pub(crate) fn is_folder(path: &Path) -> Result<bool> {
    match look(path)? {
        None => Ok(false),
        Some(found) if found.is_dir() => Ok(true),
        Some(_) => Err(foreign(path, "a folder")),
    }
}

/// Makes a folder for the server's user alone, unless it is there.
pub(crate) fn make_folder(path: &Path) -> Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => is_folder(path).map(|_| ()),
        Err(error) => Err(failed("made", path, error)),
    }
}

/// Makes a new file for the server's user alone; `None` when the name is taken, even by a link that leads nowhere.
pub(crate) fn create(path: &Path) -> Result<Option<File>> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(None),
        Err(error) => Err(failed("made", path, error)),
    }
}

/// Opens the file at a path to read it, and to write at its end if that is wanted; `None` when there is none. What is no
/// plain file is an error, be it put there while this looks.
pub(crate) fn open(path: &Path, append: bool) -> Result<Option<File>> {
    open_by(path, OpenOptions::new().read(true).append(append))
}

/// Opens the file at a path to write anywhere in it; otherwise as [`open`].
pub(crate) fn edit(path: &Path) -> Result<Option<File>> {
    open_by(path, OpenOptions::new().write(true))
}

fn open_by(path: &Path, options: &OpenOptions) -> Result<Option<File>> {
    let Some(seen) = look(path)? else { return Ok(None) };
    if !seen.is_file() {
        return Err(foreign(path, "a plain file"));
    }
    let file = match options.open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed("opened", path, error)),
    };
    let opened = file.metadata().map_err(|error| failed("looked at", path, error))?;
    if is_same(&seen, &opened) { Ok(Some(file)) } else { Err(foreign(path, "the file that was looked at")) }
}

/// Whether what was seen at two times is one file.
#[cfg(unix)]
pub(crate) fn is_same(seen: &Metadata, opened: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    (seen.dev(), seen.ino()) == (opened.dev(), opened.ino())
}

/// Whether what was seen at two times may be one file.
#[cfg(not(unix))]
pub(crate) fn is_same(_: &Metadata, opened: &Metadata) -> bool {
    opened.is_file()
}

fn foreign(path: &Path, expected: &str) -> Error {
    Error::internal(format!("{} is not {expected}: somebody else has put it there", path.display()))
}

/// Removes a file, or the link in its place; answers whether there was one.
pub(crate) fn remove(path: &Path) -> Result<bool> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(failed("removed", path, error)),
    }
}

/// Makes the bytes of a file durable.
pub(crate) fn sync(file: &File, path: &Path) -> Result<()> {
    file.sync_all().map_err(|error| failed("synced", path, error))
}

/// Writes a file, whole or not at all: under another name first, which is free for it, and whose rest goes when that fails.
pub(crate) fn replace(next: &Path, path: &Path, bytes: &[u8]) -> Result<()> {
    remove(next)?;
    let file = create(next)?;
    let mut file = file.ok_or_else(|| Error::internal(format!("{} is taken", next.display())))?;
    let done = file
        .write_all(bytes)
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(next, path))
        .map_err(|error| failed("written", path, error));
    if done.is_err() {
        // It takes room on a disk that may have none; where it can not go, the next start removes it.
        let _ = remove(next);
    }
    done
}

/// Makes the names in a folder durable.
#[cfg(unix)]
pub(crate) fn sync_folder(path: &Path) -> Result<()> {
    let folder = File::open(path).map_err(|error| failed("opened", path, error))?;
    sync(&folder, path)
}

/// Names are durable with their files here.
#[cfg(not(unix))]
#[allow(clippy::unnecessary_wraps, reason = "as on the other systems")]
pub(crate) fn sync_folder(_: &Path) -> Result<()> {
    Ok(())
}

/// The names in a folder, with what they are, in no order; none when there is no such folder. Names that are no text are
/// not ours.
pub(crate) fn names(folder: &Path) -> Result<Vec<(String, fs::FileType)>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed("listed", folder, error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| failed("listed", folder, error))?;
        let kind = entry.file_type().map_err(|error| failed("looked at", &entry.path(), error))?;
        names.extend(entry.file_name().into_string().ok().map(|name| (name, kind)));
    }
    Ok(names)
}

/// When a file was last written.
pub(crate) fn written_at(path: &Path, metadata: &Metadata) -> Result<Timestamp> {
    let time = metadata.modified().map_err(|error| failed("looked at", path, error))?;
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX)))
}

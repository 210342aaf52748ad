//! Opening a folder: that it is ours, that nobody else has it, and that nothing half done is left in it.

use std::fs::{self, File, TryLockError};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use realnet_core::{Error, ErrorKind, Result};

use super::tree::Tree;
use super::{LocalOptions, Shared, uploads};
use crate::files;
use crate::quota::Quota;

/// The file that says that the folder is ours, and in which format; who has the folder open holds its lock.
const MARK: &str = "realnet-data";
/// What it says.
const FORMAT: &str = "contents, version 1\n";
/// What may be in a folder that counts as empty: file systems have it in theirs.
const FOUND: &str = "lost+found";

/// Opens the folder at a path, or makes a store of an empty or absent one.
pub(super) fn open(path: &Path, options: LocalOptions) -> Result<Shared> {
    let root = root(path).map_err(|error| named(path, &error))?;
    let mark = take(&root).map_err(|error| named(path, &error))?;
    lay_out(&root, mark, options).map_err(|error| named(path, &error))
}

/// The error with the folder in its message: it is for who runs the server.
fn named(path: &Path, error: &Error) -> Error {
    let message = format!("the storage {}: {}", path.display(), error.message());
    Error::new(error.kind(), message).with_internal(error.report())
}

/// The folder itself, which is made when it is not there; links on the way to it are the operator's.
fn root(path: &Path) -> Result<PathBuf> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|error| files::failed("made", path, error))?;
    let root = path.canonicalize().map_err(|error| files::failed("found", path, error))?;
    if let Some(above) = root.parent() {
        // Its name is durable when its folder can be synced; who may not read that one has made no folder in it either.
        let _ = files::sync_folder(above);
    }
    Ok(root)
}

/// The tree of a folder that another process may have open, to be read only.
pub(super) fn look(path: &Path) -> Result<Tree> {
    let looked = || {
        let mark = files::open(&path.join(MARK), false)?;
        let mark =
            mark.ok_or_else(|| Error::new(ErrorKind::NotFound, "there is no storage in that folder"))?;
        let mut format = String::new();
        let failed = |error| files::failed("read", path, error);
        mark.take(100).read_to_string(&mut format).map_err(failed)?;
        if format != FORMAT {
            return Err(unknown_format());
        }
        Ok(Tree::new(path.join("contents")))
    };
    looked().map_err(|error| named(path, &error))
}

fn unknown_format() -> Error {
    Error::conflict("it was written by a newer version, whose format is not known here")
}

/// Takes the lock, and looks at the format.
fn take(root: &Path) -> Result<File> {
    let path = root.join(MARK);
    let mut mark = match files::open(&path, true)? {
        Some(mark) => mark,
        None => mark_anew(root, &path)?,
    };
    match mark.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(Error::conflict(
                "it is in use by another server: stop that one, or use another folder",
            ));
        }
        Err(TryLockError::Error(error)) => return Err(files::failed("locked", &path, error)),
    }
    let mut format = String::new();
    let failed = |error| files::failed("read", &path, error);
    (&mut mark).take(100).read_to_string(&mut format).map_err(failed)?;
    if format.is_empty() {
        mark.write_all(FORMAT.as_bytes()).map_err(|error| files::failed("written", &path, error))?;
        files::sync(&mark, &path)?;
        files::sync_folder(root)?;
    } else if format != FORMAT {
        return Err(unknown_format());
    }
    Ok(mark)
}

/// Makes a store of a folder, if it is empty.
fn mark_anew(root: &Path, path: &Path) -> Result<File> {
    if files::names(root)?.iter().any(|(name, _)| name != FOUND && name != MARK) {
        return Err(Error::conflict("the folder holds other files: name an empty one"));
    }
    drop(files::create(path)?);
    files::open(path, true)?.ok_or_else(|| Error::unavailable("somebody is removing its files"))
}

/// Makes the folders within, and cleans up behind a process that was ended.
fn lay_out(root: &Path, mark: File, options: LocalOptions) -> Result<Shared> {
    let [contents, staging, unfinished] = ["contents", "staging", "uploads"].map(|name| root.join(name));
    for folder in [&contents, &staging, &unfinished] {
        files::make_folder(folder)?;
    }
    files::sync_folder(root)?;
    // Nobody else has the folder, so nobody is writing them.
    for (name, _) in files::names(&staging)?.into_iter().filter(|(_, kind)| !kind.is_dir()) {
        files::remove(&staging.join(name))?;
    }
    let tree = Arc::new(Tree::new(contents));
    let used = match options.quota {
        Some(_) => tree.count()?.saturating_add(uploads::count(&unfinished)?),
        None => 0,
    };
    Ok(Shared {
        tree,
        staging,
        uploads: unfinished,
        quota: Quota::new(options.quota, used),
        holders: Arc::default(),
        serial: std::sync::atomic::AtomicU64::new(0),
        _mark: mark,
    })
}

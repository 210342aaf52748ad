//! One process per file: a lock beside the database, since the store keeps what it knows of it in memory.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

use realnet_core::{Error, Result};

use super::beside;

/// Held as long as the store is open. The system releases it when the process ends, however it ends.
pub(super) struct FileLock {
    _file: File,
}

impl FileLock {
    /// Takes the lock of a database file; refuses when another process (or store) has it.
    pub(super) fn take(database: &Path) -> Result<Self> {
        let path = beside(database, ".lock");
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|error| not_opened(&path, error))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(Error::conflict(format!(
                "the database {} is in use by another server: stop that one, or use another file",
                database.display()
            ))),
            Err(TryLockError::Error(error)) => {
                let message = format!("the lock file {} can not be locked: {error}", path.display());
                Err(Error::unavailable(message).with_source(error))
            }
        }
    }
}

/// Sees that the lock of a database that is not there yet could be made beside it, and leaves nothing there.
pub(super) fn try_folder(database: &Path) -> Result<()> {
    let path = beside(database, ".lock");
    if path.exists() {
        // What another start has left: it stays, and is not held.
        return OpenOptions::new()
            .write(true)
            .open(&path)
            .map(drop)
            .map_err(|error| not_opened(&path, error));
    }
    let probe = beside(database, &format!(".check-{}", std::process::id()));
    let made = OpenOptions::new().write(true).create_new(true).open(&probe);
    made.and_then(|_| std::fs::remove_file(&probe)).map_err(|error| not_opened(&path, error))
}

/// Says in which folder, since the path is often a bare name, and what to do.
fn not_opened(lock: &Path, error: io::Error) -> Error {
    let whole = std::path::absolute(lock).unwrap_or_else(|_| lock.to_owned());
    let folder = whole.parent().unwrap_or(&whole);
    let next = if lock.exists() {
        "let the user that runs this program write to that file"
    } else if folder.is_dir() {
        "let the user that runs this program write to that folder"
    } else {
        "make that folder"
    };
    let name = whole.file_name().unwrap_or_default().display();
    let message = format!(
        "the lock file {name} can not be opened in the folder {}: {error}: {next}, or set another",
        folder.display()
    );
    Error::unavailable(message).with_source(error)
}

/// Makes a database file that is not there yet, readable by its owner alone: it will hold hashes of passwords and the
/// key that signs tokens. SQLite gives the files beside it the same permissions. What goes wrong here shows when SQLite
/// opens the file.
pub(super) fn make_private(database: &Path) {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    drop(options.open(database));
}

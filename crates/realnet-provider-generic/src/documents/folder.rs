//! The folder itself: that it is ours or empty, that nobody else has it, and what every store has in it beside documents.

use std::fs::{self, File, TryLockError};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use realnet_core::{Error, ErrorKind, Result};

use super::codec::Codec;
use super::home::lock_path;
use super::layout::{FOLDERS, MARK, PRIVATE};
use super::shelf;
use crate::files;

/// What is not for git.
const IGNORED: &str = "# Credentials, sessions and what a running server needs: not for others, and not for history.\n/.realnet/\n";

/// The same for all that is private, whatever a list says that was there before.
const PRIVATE_IGNORED: &str = "*\n";

/// The folder itself, which is made when it is not there; links on the way to it are the operator's.
pub(super) fn make(folder: &Path) -> Result<PathBuf> {
    let is_missing = |path: &&Path| !path.as_os_str().is_empty() && !path.exists();
    let missing: Vec<&Path> = folder.ancestors().take_while(is_missing).collect();
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|error| files::failed("made", folder, error))?;
    let root = folder.canonicalize().map_err(|error| files::failed("found", folder, error))?;
    // What stands in a folder lasts no longer than its name.
    for above in root.ancestors().skip(1).take(missing.len()) {
        files::sync_folder(above)?;
    }
    Ok(root)
}

/// What the mark of a folder says.
pub(super) fn mark_of(codec: &dyn Codec) -> String {
    format!("documents, version 1, {}\n", codec.name())
}

/// Whether a folder holds documents of a store.
pub(super) fn holds(folder: &Path) -> bool {
    folder.join(MARK).is_file()
}

/// Sees that a folder is a store in this format, or none.
pub(super) fn check_mark(root: &Path, codec: &dyn Codec) -> Result<()> {
    let path = root.join(MARK);
    let Some(text) = shelf::read(&path)? else {
        let taken = FOLDERS.iter().find(|name| root.join(name).exists());
        return taken.map_or(Ok(()), |name| {
            let message =
                format!("it holds no store, but has a folder '{name}' already: choose another folder");
            Err(Error::conflict(message))
        });
    };
    let text = String::from_utf8_lossy(&text);
    if text == mark_of(codec) {
        return Ok(());
    }
    match text.strip_prefix("documents, version 1, ").map(str::trim) {
        Some(other) => Err(Error::conflict(format!("its documents are {other}, not {}", codec.name()))),
        None => Err(Error::conflict("it was written by a newer version, whose format is not known here")),
    }
}

/// Makes a folder a store that this process has: answers where its private files are, and the file that is locked.
///
/// # Errors
/// Conflict when another process has it.
pub(super) fn take(root: &Path, codec: &dyn Codec) -> Result<(PathBuf, File)> {
    let private = root.join(PRIVATE);
    files::make_folder(&private)?;
    close_to_others(&private)?;
    let lock = lock(&lock_path(root))?;
    sweep(&private)?;
    lay_out(root, codec)?;
    Ok((private, lock))
}

/// Keeps servers out of a folder that is read, and changes nothing in it. Where there is no lock, nobody has the store.
pub(super) fn share(root: &Path) -> Result<Option<File>> {
    let path = lock_path(root);
    let file = files::open(&path, false)?;
    file.map(|file| taken(file, &path, File::try_lock_shared)).transpose()
}

fn lock(path: &Path) -> Result<File> {
    files::create(path)?;
    let file = files::open(path, true)?;
    let file = file.ok_or_else(|| Error::internal(format!("{} is gone", path.display())))?;
    taken(file, path, File::try_lock)
}

fn taken(file: File, path: &Path, lock: fn(&File) -> std::result::Result<(), TryLockError>) -> Result<File> {
    match lock(&file) {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::conflict(
            "it is in use by another server, or by a command that reads it: stop that one, or use another folder",
        )),
        Err(TryLockError::Error(error)) => Err(files::failed("locked", path, error)),
    }
}

#[cfg(unix)]
fn close_to_others(private: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let closed = fs::Permissions::from_mode(0o700);
    fs::set_permissions(private, closed).map_err(|error| files::failed("closed to others", private, error))
}

#[cfg(not(unix))]
#[allow(clippy::unnecessary_wraps, reason = "as on the other systems")]
fn close_to_others(_: &Path) -> Result<()> {
    Ok(())
}

/// Removes what a process that was killed had in its hands.
fn sweep(private: &Path) -> Result<()> {
    for (name, _) in files::names(private)? {
        if name.starts_with("staged-") || Path::new(&name).extension().is_some_and(|ending| ending == "new") {
            files::remove(&private.join(&name))?;
        }
    }
    Ok(())
}

/// Puts into the folder what every store has.
fn lay_out(root: &Path, codec: &dyn Codec) -> Result<()> {
    match hide(&root.join(PRIVATE)) {
        // Documents are to be read on a full disk, too.
        Err(error) if error.kind() == ErrorKind::Unavailable => {
            tracing::warn!(error = %error.report(), "'.realnet' can not be hidden from git: keep it out of commits");
        }
        hidden => hidden?,
    }
    let ignored = root.join(".gitignore");
    if let Some(mut file) = files::create(&ignored)? {
        let written = file.write_all(IGNORED.as_bytes()).and_then(|()| file.sync_all());
        written.map_err(|error| files::failed("written", &ignored, error))?;
    }
    // The last, and whole or not at all: half a mark would be that of another version.
    let mark = root.join(MARK);
    if files::look(&mark)?.is_none() {
        files::replace(&root.join(PRIVATE).join("mark.new"), &mark, mark_of(codec).as_bytes())?;
    }
    files::sync_folder(root)
}

/// Keeps what is private out of git.
fn hide(private: &Path) -> Result<()> {
    let path = private.join(".gitignore");
    if shelf::read(&path)?.as_deref() == Some(PRIVATE_IGNORED.as_bytes()) {
        return Ok(());
    }
    files::replace(&private.join("gitignore.new"), &path, PRIVATE_IGNORED.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::open::open;
    use super::super::testing::Json;
    use super::*;

    #[test]
    fn private_files_are_kept_out_of_git_whatever_a_repository_says() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(".gitignore"), "/target/\n").unwrap();
        let inner = folder.path().join(PRIVATE).join(".gitignore");
        drop(open(folder.path(), Arc::new(Json)).unwrap());
        assert_eq!(std::fs::read_to_string(&inner).unwrap(), "*\n");
        std::fs::write(&inner, "").unwrap();
        drop(open(folder.path(), Arc::new(Json)).unwrap());
        assert_eq!(std::fs::read_to_string(&inner).unwrap(), "*\n");
        assert_eq!(std::fs::read_to_string(folder.path().join(".gitignore")).unwrap(), "/target/\n");
    }

    #[test]
    fn a_mark_that_was_not_finished_is_none() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(PRIVATE)).unwrap();
        std::fs::write(folder.path().join(PRIVATE).join("mark.new"), "docu").unwrap();
        drop(open(folder.path(), Arc::new(Json)).unwrap());
        assert_eq!(std::fs::read_to_string(folder.path().join(MARK)).unwrap(), mark_of(&Json));
        assert!(!folder.path().join(PRIVATE).join("mark.new").exists());
    }
}

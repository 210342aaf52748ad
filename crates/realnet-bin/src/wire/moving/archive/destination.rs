//! The file that an archive becomes: it is written under another name first, and gets its own when it is whole.
//!
//! That other name is the same each time, with `.part` behind, and is locked as long as it is written to. The system gives a
//! lock back when a process ends, however it ends: so what a killed one has left is known, is in nobody's way, and goes.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, ErrorKind};
use std::path::{Path, PathBuf};

/// The end of the name until the file is whole.
const PART: &str = ".part";
/// How often the name may come and go while it is taken.
const ATTEMPTS: usize = 100;

/// A file in the making, which is for its owner alone: it holds hashes of passwords.
pub struct Destination {
    path: PathBuf,
    partial: PathBuf,
    is_kept: bool,
    /// Locked until the other name is gone.
    _held: File,
}

impl Destination {
    /// Refuses a path where something stands already, and one that another process is writing to.
    pub fn new(path: &Path) -> io::Result<(Self, BufWriter<File>)> {
        if fs::symlink_metadata(path).is_ok() {
            return Err(io::Error::new(ErrorKind::AlreadyExists, "is there already: name another file"));
        }
        let mut partial = path.as_os_str().to_owned();
        partial.push(PART);
        let partial = PathBuf::from(partial);
        let file = begin(&partial)?;
        let held = file.try_clone()?;
        Ok((Self { path: path.to_owned(), partial, is_kept: false, _held: held }, BufWriter::new(file)))
    }

    /// Puts what was written on the disk, under its name.
    pub fn keep(mut self, out: BufWriter<File>) -> io::Result<()> {
        let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        // Another one may have come meanwhile; a link is refused then, where a renaming would replace it.
        fs::hard_link(&self.partial, &self.path).or_else(|error| match error.kind() {
            ErrorKind::AlreadyExists => Err(error),
            // Not every file system has links.
            _ => fs::rename(&self.partial, &self.path),
        })?;
        #[cfg(unix)]
        {
            let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
            File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
        }
        self.is_kept = true;
        let _ = fs::remove_file(&self.partial);
        Ok(())
    }
}

impl Drop for Destination {
    fn drop(&mut self) {
        if !self.is_kept {
            let _ = fs::remove_file(&self.partial);
        }
    }
}

/// A file that says, as long as it is locked, that a process is at work in a folder. It goes with that.
pub struct Working {
    path: PathBuf,
    _held: File,
}

impl Working {
    /// Refuses where another process has it.
    pub fn new(path: PathBuf) -> io::Result<Self> {
        let held = begin(&path)?;
        Ok(Self { path, _held: held })
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Removes what killed processes have left in a folder, of the files whose names `is_ours` knows. What can not be removed stays.
pub fn clear(folder: &Path, is_ours: impl Fn(&str) -> bool) {
    let entries = fs::read_dir(folder).into_iter().flatten().map_while(Result::ok);
    for entry in entries {
        let name = entry.file_name();
        if name.to_str().and_then(|name| name.strip_suffix(PART)).is_some_and(&is_ours) {
            let _ = remove_left(&entry.path());
        }
    }
}

/// A new file of this name, locked; one that a killed process has left goes.
fn begin(partial: &Path) -> io::Result<File> {
    for _ in 0..ATTEMPTS {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(partial) {
            Ok(file) => match file.try_lock() {
                // Before it was locked, it may have looked like one that was left, and be gone.
                Ok(()) if !is_still(&file, partial) => {}
                // Not every file system has locks. This one is new, so it is ours.
                Ok(()) | Err(TryLockError::Error(_)) => return Ok(file),
                Err(TryLockError::WouldBlock) => return Err(in_use(partial)),
            },
            Err(error) if error.kind() == ErrorKind::AlreadyExists => remove_left(partial)?,
            Err(error) => return Err(error),
        }
    }
    Err(in_use(partial))
}

/// Removes a file unless a process has it locked. It is not written over: it may be another name of a file that is whole, where the
/// process was killed between giving it that name and taking this one.
fn remove_left(partial: &Path) -> io::Result<()> {
    match fs::symlink_metadata(partial) {
        Ok(found) if found.is_file() => {}
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
        Ok(_) => return Err(in_the_way(partial, "is no file of ours")),
    }
    let file = match OpenOptions::new().write(true).open(partial) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(in_the_way(partial, &error.to_string())),
        Ok(file) => file,
    };
    match file.try_lock() {
        Ok(()) if is_still(&file, partial) => match fs::remove_file(partial) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        },
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(in_use(partial)),
        Err(TryLockError::Error(error)) => Err(in_the_way(partial, &format!("can not be locked ({error})"))),
    }
}

fn in_use(partial: &Path) -> io::Error {
    let message = format!("is being written by another process ({})", partial.display());
    io::Error::new(ErrorKind::ResourceBusy, message)
}

fn in_the_way(partial: &Path, problem: &str) -> io::Error {
    let message = format!(
        "{} stands in the way, and {problem}: remove it if nothing is writing to it",
        partial.display()
    );
    io::Error::new(ErrorKind::AlreadyExists, message)
}

/// Whether a name still leads to an open file.
#[cfg(unix)]
fn is_still(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let id = |found: fs::Metadata| (found.dev(), found.ino());
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(open), Ok(named)) => id(open) == id(named),
        _ => false,
    }
}

/// Where a file is open, its name is not given to another.
#[cfg(not(unix))]
fn is_still(_: &File, _: &Path) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn what_was_left_is_in_nobodys_way_and_goes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("last.tar.zst");
        fs::write(folder.path().join("last.tar.zst.part"), "half of it").unwrap();
        let (destination, mut out) = Destination::new(&path).unwrap();
        out.write_all(b"all").unwrap();
        destination.keep(out).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"all");
        assert_eq!(names(folder.path()), ["last.tar.zst"]);
    }

    /// Killed between the two names, renamed by the operator, and made once more under the first name.
    #[cfg(unix)]
    #[test]
    fn what_was_left_of_a_whole_file_is_not_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let (path, older) = (folder.path().join("last.tar.zst"), folder.path().join("older.tar.zst"));
        fs::write(&older, "the backup of yesterday").unwrap();
        fs::hard_link(&older, folder.path().join("last.tar.zst.part")).unwrap();
        let (destination, mut out) = Destination::new(&path).unwrap();
        out.write_all(b"new").unwrap();
        destination.keep(out).unwrap();
        assert_eq!(fs::read(&older).unwrap(), b"the backup of yesterday");
        assert_eq!(names(folder.path()), ["last.tar.zst", "older.tar.zst"]);
    }

    #[test]
    fn two_do_not_write_to_one_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("last.tar.zst");
        let (first, mut out) = Destination::new(&path).unwrap();
        let said = Destination::new(&path).map(drop).unwrap_err().to_string();
        assert!(said.contains("by another process") && said.contains("last.tar.zst.part"), "{said}");
        clear(folder.path(), |_| true);
        out.write_all(b"all").unwrap();
        first.keep(out).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"all");
        // One that is given up leaves nothing, and frees the name.
        let other = folder.path().join("other");
        drop(Destination::new(&other).unwrap());
        drop(Destination::new(&other).unwrap());
        assert_eq!(names(folder.path()), ["last.tar.zst"]);
    }

    #[test]
    fn only_ours_are_cleared() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["ours-1.part", "ours-2", "theirs.part"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        clear(folder.path(), |name| name.starts_with("ours"));
        assert_eq!(names(folder.path()), ["ours-2", "theirs.part"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_neither_followed_nor_removed() {
        let folder = tempfile::tempdir().unwrap();
        let precious = folder.path().join("precious");
        fs::write(&precious, "as it was").unwrap();
        std::os::unix::fs::symlink(&precious, folder.path().join("last.part")).unwrap();
        let said = Destination::new(&folder.path().join("last")).map(drop).unwrap_err().to_string();
        assert!(said.contains("last.part stands in the way"), "{said}");
        assert_eq!(fs::read(&precious).unwrap(), b"as it was");
    }
}

//! Lines that are kept beside the login, one behind the other. One that was not finished when the program ended was not written: what
//! it is about is found out again.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use super::at;
use crate::cli::Failure;

/// A file of such lines, which is made when there is something to keep.
pub struct Journal {
    path: PathBuf,
    file: Option<File>,
    /// So many bytes are lines.
    whole: u64,
}

impl Journal {
    /// The file at a path, whose lines are read one by one.
    pub fn open(path: PathBuf, mut line: impl FnMut(&str) -> Result<(), Failure>) -> Result<Self, Failure> {
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            Err(error) => return Err(at(&path, error)),
        };
        let mut whole = 0;
        for one in text.split_inclusive('\n') {
            let Some(words) = one.strip_suffix('\n') else { break };
            line(words).map_err(|error| at(&path, error))?;
            whole += one.len() as u64;
        }
        Ok(Self { path, file: None, whole })
    }

    /// Keeps lines, which end so.
    pub fn add(&mut self, lines: &str) -> Result<(), Failure> {
        if self.file.is_none() {
            self.file = Some(begin(&self.path, self.whole)?);
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        let kept = file.write_all(lines.as_bytes()).and_then(|()| file.sync_data());
        kept.map_err(|error| at(&self.path, error))
    }

    /// Forgets all of it.
    pub fn clear(&mut self) -> Result<(), Failure> {
        (self.file, self.whole) = (None, 0);
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(at(&self.path, error)),
            _ => Ok(()),
        }
    }
}

/// That the journals of an import are this program's, as long as this is there: two that keep lines in one file would take away each
/// other's.
pub struct Lock(#[allow(dead_code, reason = "it is held")] File);

impl Lock {
    /// Takes a file for it, which stays and is empty.
    pub fn take(path: &Path) -> Result<Self, Failure> {
        let file = begin(path, 0)?;
        match file.try_lock() {
            // Not every file system has locks.
            Ok(()) | Err(TryLockError::Error(_)) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => {
                Err("this export is being imported by another process: do it again when that has ended"
                    .into())
            }
        }
    }
}

/// Opens a file behind its lines.
fn begin(path: &Path, whole: u64) -> Result<File, Failure> {
    let begun = || -> std::io::Result<File> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        file.set_len(whole)?;
        Ok(file)
    };
    begun().map_err(|error| {
        let words = "an import keeps here what it has made; XDG_CONFIG_HOME names another place";
        at(path, format!("{error}: {words}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_can_not_be_used_says_what_it_is_for() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("file"), "").unwrap();
        let path = folder.path().join("file/x");
        let mut journal = Journal { path, file: None, whole: 0 };
        let words = journal.add("a\n").unwrap_err().to_string();
        assert!(words.contains("file/x") && words.contains("XDG_CONFIG_HOME"), "{words}");
    }

    #[test]
    fn one_import_has_its_journals() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("below/x.lock");
        let held = Lock::take(&path).unwrap();
        let refused = Lock::take(&path).err().map(|error| error.to_string());
        assert!(refused.is_some_and(|words| words.contains("imported by another process")));
        drop(held);
        Lock::take(&path).unwrap();
    }

    #[test]
    fn lines_that_were_not_finished_are_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("below/x");
        let read = || {
            let mut lines = Vec::new();
            let journal = Journal::open(path.clone(), |line| {
                lines.push(line.to_owned());
                Ok(())
            });
            (journal.unwrap(), lines)
        };
        let (mut journal, lines) = read();
        assert!(lines.is_empty() && !path.exists(), "nothing is made before there is something to keep");
        journal.add("a\nb\n").unwrap();
        journal.add("c\n").unwrap();
        OpenOptions::new().append(true).open(&path).unwrap().write_all(b"half").unwrap();
        let (mut journal, lines) = read();
        assert_eq!(lines, ["a", "b", "c"]);
        journal.add("d\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a\nb\nc\nd\n");
        journal.clear().unwrap();
        journal.clear().unwrap();
        assert!(!path.exists());
        journal.add("e\n").unwrap();
        assert_eq!(read().1, ["e"]);
        let refused = Journal::open(path.clone(), |_| Err("no line".into()));
        assert!(refused.is_err_and(|error| error.to_string().contains("below/x: no line")));
    }
}

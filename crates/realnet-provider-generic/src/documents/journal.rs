//! The journal: what was done, durable before anybody is told of it, until the documents say the same.
//!
//! One line for each change, in numbered files. The files up to one are removed when all that they say stands in documents.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use realnet_core::{Error, Result};

use super::{lines, wire};
use crate::files;
use crate::memory::Effect;

/// The open journal.
pub(super) struct Journal {
    folder: PathBuf,
    number: u64,
    file: File,
    /// The length of the present file.
    length: u64,
    /// The length of the files before it.
    earlier: u64,
    /// Whether the file holds something that was not wanted, and that could not be cut off.
    broken: bool,
}

/// What an earlier process has left.
#[derive(Default)]
pub(super) struct Left {
    /// Effects, in their order.
    pub(super) effects: Vec<Effect>,
    /// The number of the last file.
    last: u64,
    length: u64,
}

fn path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("journal-{number:016}"))
}

fn number(name: &str) -> Option<u64> {
    name.strip_prefix("journal-").and_then(|digits| digits.parse().ok())
}

/// Reads what is in the journal. What was being written when the process ended is not part of it.
///
/// # Errors
/// Internal when it is damaged in another place than its end.
pub(super) fn read(folder: &Path) -> Result<Left> {
    let mut numbers: Vec<u64> = files::names(folder)?.iter().filter_map(|(name, _)| number(name)).collect();
    numbers.sort_unstable();
    let mut left = Left::default();
    for number in &numbers {
        left.last = *number;
        let path = path(folder, *number);
        let log = lines::Log::read(&path)?;
        let found = log.lines();
        let damaged = |line: usize, why: &str| {
            let message = format!("the journal {} is damaged in line {line}: {why}", path.display());
            Error::conflict(format!("{message}: restore it, or move it away and lose what it holds"))
        };
        if let Some(bad) = found.bad.filter(|_| Some(number) != numbers.last()) {
            return Err(damaged(bad, "its checksum is wrong"));
        }
        left.length += found.good;
        for (index, line) in found.whole.iter().enumerate() {
            let effects = wire::effects_of(line).map_err(|why| damaged(index + 1, &why))?;
            left.effects.extend(effects);
        }
    }
    Ok(left)
}

impl Journal {
    /// Begins a new file behind those that are there.
    pub(super) fn begin(folder: &Path, left: &Left) -> Result<Self> {
        let number = left.last + 1;
        let file = new_file(folder, number)?;
        Ok(Self { folder: folder.to_owned(), number, file, length: 0, earlier: left.length, broken: false })
    }

    /// How many bytes wait for their documents.
    pub(super) fn size(&self) -> u64 {
        self.earlier + self.length
    }

    /// Whether it can not be written any more.
    pub(super) fn is_broken(&self) -> bool {
        self.broken
    }

    /// Adds changes, all or none, and makes them durable.
    pub(super) fn append(&mut self, text: &[u8]) -> Result<()> {
        let path = path(&self.folder, self.number);
        if self.broken {
            return Err(Error::unavailable("the journal of the store can not be written"));
        }
        let written = self.file.write_all(text).map_err(|error| files::failed("written", &path, error));
        let synced = written
            .and_then(|()| self.file.sync_data().map_err(|error| files::failed("synced", &path, error)));
        match synced {
            Ok(()) => self.length += text.len() as u64,
            // What is half there must not be read as the beginning of what comes next.
            Err(_) => {
                self.broken = self.file.set_len(self.length).and_then(|()| self.file.sync_all()).is_err();
            }
        }
        synced
    }

    /// Goes on in a new file; answers the number of the last one before.
    pub(super) fn rotate(&mut self) -> Result<u64> {
        let next = new_file(&self.folder, self.number + 1)?;
        let last = self.number;
        self.number += 1;
        self.file = next;
        self.earlier += std::mem::take(&mut self.length);
        Ok(last)
    }

    /// Forgets the files before the present one, of which these many bytes were in use when it began.
    pub(super) fn forget(&mut self, folder: &Path, up_to: u64, bytes: u64) -> Result<()> {
        remove(folder, up_to)?;
        self.earlier = self.earlier.saturating_sub(bytes);
        Ok(())
    }

    /// How many bytes are in the files before the present one.
    pub(super) fn earlier(&self) -> u64 {
        self.earlier
    }
}

/// The file is written at its end only, so that what is cut off is not written over by a gap.
fn new_file(folder: &Path, number: u64) -> Result<File> {
    let path = path(folder, number);
    files::create(&path)?;
    let file = files::open(&path, true)?;
    let file = file.ok_or_else(|| Error::internal(format!("{} is gone", path.display())))?;
    files::sync_folder(folder)?;
    Ok(file)
}

fn remove(folder: &Path, up_to: u64) -> Result<()> {
    for (name, _) in files::names(folder)? {
        if number(&name).is_some_and(|number| number <= up_to) {
            files::remove(&folder.join(name))?;
        }
    }
    files::sync_folder(folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Touch;

    fn text(name: &str) -> Vec<u8> {
        let mut line = Vec::new();
        lines::add(&mut line, &wire::effects_text(&[Effect::Gone(Touch::Setting(name.to_owned()))]).unwrap());
        line
    }

    fn names(left: &Left) -> Vec<Option<Touch>> {
        left.effects.iter().map(Effect::touch).collect()
    }

    #[test]
    fn what_was_cut_short_at_the_end_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::begin(folder.path(), &Left::default()).unwrap();
        journal.append(&text("a")).unwrap();
        let first = journal.rotate().unwrap();
        journal.append(&text("b")).unwrap();
        journal.append(&text("c")[..20]).unwrap();
        let setting = |name: &str| Some(Touch::Setting(name.to_owned()));
        let left = read(folder.path()).unwrap();
        assert_eq!(names(&left), [setting("a"), setting("b")]);

        let mut next = Journal::begin(folder.path(), &left).unwrap();
        next.append(&text("d")).unwrap();
        drop(next);
        // What ended before is damaged now, since it is not the end any more.
        let error = read(folder.path()).map(|_| ()).unwrap_err();
        assert!(error.message().contains("line 2"), "{error}");
        let earlier = journal.earlier();
        journal.forget(folder.path(), first, earlier).unwrap();
        assert_eq!(files::names(folder.path()).unwrap().len(), 2);
    }
}

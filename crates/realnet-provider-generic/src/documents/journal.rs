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
    /// The number of the last file; 0 when there is none.
    last: u64,
    /// How much of the last file is whole.
    last_good: u64,
    length: u64,
}

fn path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("journal-{number:016}"))
}

fn number(name: &str) -> Option<u64> {
    name.strip_prefix("journal-").and_then(|digits| digits.parse().ok())
}

/// The numbers of the files that are there, the oldest first.
fn numbers(folder: &Path) -> Result<Vec<u64>> {
    let mut numbers: Vec<u64> = files::names(folder)?.iter().filter_map(|(name, _)| number(name)).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// What comes behind a file that is missing stands on it, and on nothing else that is known.
fn expect_no_gap(folder: &Path, numbers: &[u64]) -> Result<()> {
    let Some(pair) = numbers.windows(2).find(|pair| pair[1] != pair[0] + 1) else { return Ok(()) };
    let (missing, behind) = (path(folder, pair[0] + 1), path(folder, pair[1]));
    let message = format!("the journal {} is missing, and {} is there", missing.display(), behind.display());
    Err(Error::conflict(format!(
        "{message}: restore it, or move those behind it away and lose what they hold"
    )))
}

/// Reads what is in the journal. What was being written when the process ended is not part of it.
///
/// # Errors
/// Conflict when it is damaged in another place than its end, or when a file is missing between others.
pub(super) fn read(folder: &Path) -> Result<Left> {
    let numbers = numbers(folder)?;
    expect_no_gap(folder, &numbers)?;
    let mut left = Left::default();
    for number in &numbers {
        left.last = *number;
        let path = path(folder, *number);
        let log = lines::Log::read(&path)?;
        let found = log.lines();
        let damaged = |line: usize, why: &str| {
            let message = format!("the journal {} is damaged in line {line}: {why}", path.display());
            Error::conflict(format!(
                "{message}: restore it, or move it and those behind it away and lose what they hold"
            ))
        };
        if let Some(bad) = found.bad.filter(|_| Some(number) != numbers.last()) {
            return Err(damaged(bad, "its checksum is wrong"));
        }
        left.last_good = found.good;
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
        cut(folder, left)?;
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

    /// Goes on in a new file; answers the number of the last one before. One in which nothing stands is not left: else each
    /// attempt would leave one while documents can not be written.
    pub(super) fn rotate(&mut self) -> Result<u64> {
        if self.broken {
            // With a file behind it, what could not be cut off would be damage, or come back.
            let cut = self.file.set_len(self.length).and_then(|()| self.file.sync_all());
            cut.map_err(|error| files::failed("cut", &path(&self.folder, self.number), error))?;
        }
        if self.length == 0 {
            return Ok(self.number - 1);
        }
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

/// Cuts off what is torn at the end of the last file: once another comes behind it, that would be damage.
fn cut(folder: &Path, left: &Left) -> Result<()> {
    if left.last == 0 {
        return Ok(());
    }
    let path = path(folder, left.last);
    let file = lines::continued(&path, left.last_good)?;
    files::sync(&file, &path)
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

/// Removes files, the oldest first and each for good before the next: were an older one left where a newer one has gone, a
/// start would take what it says for the last word.
fn remove(folder: &Path, up_to: u64) -> Result<()> {
    for number in numbers(folder)?.into_iter().filter(|number| *number <= up_to) {
        files::remove(&path(folder, number))?;
        files::sync_folder(folder)?;
    }
    Ok(())
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

        // It is cut off before there is a file behind it, so that another kill finds the journal in order.
        let mut next = Journal::begin(folder.path(), &left).unwrap();
        assert_eq!(names(&read(folder.path()).unwrap()), [setting("a"), setting("b")]);
        next.append(&text("d")).unwrap();
        drop(next);
        assert_eq!(names(&read(folder.path()).unwrap()), [setting("a"), setting("b"), setting("d")]);
        let earlier = journal.earlier();
        journal.forget(folder.path(), first, earlier).unwrap();
        assert_eq!(numbers(folder.path()).unwrap(), [2, 3]);
    }

    #[test]
    fn damage_before_the_end_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::begin(folder.path(), &Left::default()).unwrap();
        journal.append(&text("a")).unwrap();
        journal.append(&text("b")[..20]).unwrap();
        journal.rotate().unwrap();
        let error = read(folder.path()).map(|_| ()).unwrap_err();
        assert!(error.message().contains("damaged in line 2"), "{error}");
    }

    #[test]
    fn files_go_from_the_oldest_on_and_a_gap_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::begin(folder.path(), &Left::default()).unwrap();
        for name in ["a", "b", "c", "d"] {
            journal.append(&text(name)).unwrap();
            journal.rotate().unwrap();
        }
        // An empty file is gone on with.
        assert_eq!(journal.rotate().unwrap(), 4);
        assert_eq!(numbers(folder.path()).unwrap(), [1, 2, 3, 4, 5]);
        journal.forget(folder.path(), 1, 0).unwrap();
        assert_eq!(read(folder.path()).unwrap().effects.len(), 3);
        files::remove(&path(folder.path(), 3)).unwrap();
        let error = read(folder.path()).map(|_| ()).unwrap_err();
        assert!(error.message().contains("0003 is missing"), "{error}");
    }
}

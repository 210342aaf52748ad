//! Values under names, in a log that grows until it is written anew: the private values, and the index of documents.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};

use realnet_core::{Error, Result};

use super::lines::{self, Log};
use crate::files;

/// Between a name and its value. No name has one: in JSON it is escaped, and in the paths of documents it does not stand.
const BETWEEN: char = '\t';
/// What a line has besides its name and value: checksum, blank, the sign between the two, line feed.
const AROUND: usize = 11;

/// The last value of each name. An empty one says that there is none any more.
pub(super) fn latest<'a>(lines: &[&'a str]) -> HashMap<&'a str, &'a str> {
    let mut latest = HashMap::with_capacity(lines.len());
    for line in lines {
        match line.split_once(BETWEEN) {
            Some((name, "")) => drop(latest.remove(name)),
            Some((name, value)) => drop(latest.insert(name, value)),
            None => {}
        }
    }
    latest
}

/// The name that a line gives a value to.
pub(super) fn name(line: &str) -> &str {
    line.split_once(BETWEEN).map_or(line, |(name, _)| name)
}

/// The length of a log that has these values and no others.
pub(super) fn length(latest: &HashMap<&str, &str>) -> u64 {
    latest.iter().map(|(name, value)| (AROUND + name.len() + value.len()) as u64).sum()
}

/// A log to which lines are added.
pub(super) struct Ledger {
    path: PathBuf,
    file: File,
    good: u64,
    /// How much of it counted when that was looked at last.
    live: u64,
    /// So many bytes more than twice that are let be.
    slack: u64,
    /// Something may stand behind the good part.
    is_torn: bool,
    /// Its name is not durable yet.
    is_new: bool,
}

impl Ledger {
    /// Opens a log behind its good part, of which so much counts.
    pub(super) fn open(path: &Path, good: u64, live: u64, slack: u64) -> Result<Self> {
        let file = lines::continued(path, good)?;
        Ok(Self { path: path.to_owned(), file, good, live, slack, is_torn: false, is_new: false })
    }

    /// Adds values durably, or leaves the log as it was.
    pub(super) fn append<'a>(&mut self, values: impl Iterator<Item = (&'a str, &'a str)>) -> Result<()> {
        let text = text(values);
        if text.is_empty() {
            return Ok(());
        }
        self.settle()?;
        let written = self.file.write_all(&text).and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            // What is half there is cut off, now, before the next line, or at the next start.
            self.is_torn = true;
            let _ = self.settle();
            return Err(files::failed("written", &self.path, error));
        }
        self.good += text.len() as u64;
        Ok(())
    }

    /// Sees that what is added comes behind the good part, in the file that the next start reads.
    fn settle(&mut self) -> Result<()> {
        if self.is_torn {
            let cut = self.file.set_len(self.good).and_then(|()| self.file.sync_all());
            cut.map_err(|error| files::failed("cut", &self.path, error))?;
            self.is_torn = false;
        }
        if self.is_new {
            self.path.parent().map_or(Ok(()), files::sync_folder)?;
            self.is_new = false;
        }
        Ok(())
    }

    /// Writes the log anew when most of it counts no more. Where that can not be done it stays, and grows on.
    pub(super) fn tidy(&mut self) {
        if self.good <= 2 * self.live + self.slack {
            return;
        }
        if let Err(error) = self.settle().and_then(|()| self.write_anew()).and_then(|()| self.settle()) {
            tracing::warn!(error = %error.report(), "a log that is mostly of before can not be written anew");
            // It is tried again when it has grown as much once more.
            self.live = self.live.max(self.good / 2);
        }
    }

    fn write_anew(&mut self) -> Result<()> {
        let next = self.path.with_extension("new");
        let written = self.write_latest(&next);
        let (file, length) = written.inspect_err(|_| {
            // Where it can not go, the next start removes it.
            let _ = files::remove(&next);
        })?;
        (self.file, self.good, self.live) = (file, length, length);
        (self.is_torn, self.is_new) = (false, true);
        Ok(())
    }

    /// Copies the lines that count, one by one, since all of them may be much; answers the new file, which has its name.
    fn write_latest(&self, next: &Path) -> Result<(File, u64)> {
        let failed = |error| files::failed("written", next, error);
        let places = self.places()?;
        files::remove(next)?;
        let file = files::create(next)?;
        let file = file.ok_or_else(|| Error::internal(format!("{} is taken", next.display())))?;
        let mut out = BufWriter::new(file);
        let (mut offset, mut length, mut places) = (0, 0, places.into_iter().peekable());
        self.each_line(|line| {
            if places.next_if_eq(&offset).is_some() {
                out.write_all(line).map_err(failed)?;
                length += line.len() as u64;
            }
            offset += line.len() as u64;
            Ok(())
        })?;
        out.flush().and_then(|()| out.get_ref().sync_all()).map_err(failed)?;
        // To write at its end only, as to the one before.
        let file = files::open(next, true)?;
        let file = file.ok_or_else(|| Error::internal(format!("{} is gone", next.display())))?;
        std::fs::rename(next, &self.path).map_err(failed)?;
        Ok((file, length))
    }

    /// Where the last value of each name begins, in order.
    fn places(&self) -> Result<Vec<u64>> {
        let (mut places, mut offset) = (HashMap::new(), 0);
        self.each_line(|line| {
            let payload = lines::checked(line);
            let payload = payload.ok_or_else(|| Error::internal(format!("a line at {offset} is damaged")))?;
            match payload.split_once(BETWEEN) {
                Some((name, "")) => drop(places.remove(name)),
                Some((name, _)) => drop(places.insert(name.to_owned(), offset)),
                None => {}
            }
            offset += line.len() as u64;
            Ok(())
        })?;
        let mut places: Vec<u64> = places.into_values().collect();
        places.sort_unstable();
        Ok(places)
    }

    fn each_line(&self, mut take: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let file = files::open(&self.path, false)?;
        let file = file.ok_or_else(|| Error::internal(format!("{} is gone", self.path.display())))?;
        let (mut reader, mut line) = (BufReader::new(file.take(self.good)), Vec::new());
        loop {
            line.clear();
            let read = reader.read_until(b'\n', &mut line);
            match read.map_err(|error| files::failed("read", &self.path, error))? {
                0 => return Ok(()),
                _ => take(&line)?,
            }
        }
    }
}

fn text<'a>(values: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<u8> {
    let mut text = Vec::new();
    for (name, value) in values {
        lines::add(&mut text, &format!("{name}{BETWEEN}{value}"));
    }
    text
}

/// Writes a log anew, whole or not at all; answers its length.
pub(super) fn rewrite<'a>(path: &Path, values: impl Iterator<Item = (&'a str, &'a str)>) -> Result<u64> {
    let text = text(values);
    files::replace(&path.with_extension("new"), path, &text)?;
    if let Some(folder) = path.parent() {
        files::sync_folder(folder)?;
    }
    Ok(text.len() as u64)
}

/// Reads a log.
pub(super) fn read(path: &Path) -> Result<Log> {
    Log::read(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(path: &Path, good: u64) -> Ledger {
        Ledger::open(path, good, good, 1000).unwrap()
    }

    fn kept(path: &Path) -> Vec<(String, String)> {
        let log = read(path).unwrap();
        let lines = log.lines();
        assert_eq!(lines.bad, None);
        let latest = latest(&lines.whole);
        assert_eq!(text(latest.iter().map(|(name, value)| (*name, *value))).len() as u64, length(&latest));
        let mut kept: Vec<_> =
            latest.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        kept.sort();
        kept
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_last_value_of_a_name_counts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("private.log");
        let mut ledger = open(&path, 0);
        ledger.append([("a", "1"), ("b", "2"), ("c", "3")].into_iter()).unwrap();
        ledger.append([("a", "4"), ("b", "")].into_iter()).unwrap();
        assert_eq!(kept(&path), pairs(&[("a", "4"), ("c", "3")]));

        let good = rewrite(&path, [("a", "4"), ("c", "3")].into_iter()).unwrap();
        let mut ledger = open(&path, good);
        ledger.append([("c", "5")].into_iter()).unwrap();
        assert_eq!(kept(&path), pairs(&[("a", "4"), ("c", "5")]));
    }

    #[test]
    fn one_that_is_mostly_of_before_is_written_anew_and_gone_on_with() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("private.log");
        let mut ledger = open(&path, 0);
        ledger.append([("gone", "x"), ("kept", "y")].into_iter()).unwrap();
        let (mut longest, mut shrank) = (0, 0);
        for number in 0..200 {
            let before = std::fs::metadata(&path).unwrap().len();
            ledger.append([("a", number.to_string().as_str()), ("gone", "")].into_iter()).unwrap();
            ledger.tidy();
            let length = std::fs::metadata(&path).unwrap().len();
            assert_eq!(length, ledger.good);
            longest = length.max(longest);
            shrank += usize::from(length < before);
            assert_eq!(kept(&path), pairs(&[("a", &number.to_string()), ("kept", "y")]));
        }
        assert!(longest < 1200 && shrank > 3, "{longest} {shrank}");
        assert!(!folder.path().join("private.new").exists());
    }

    #[test]
    fn one_that_can_not_be_written_anew_stays_and_grows_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("private.log");
        // As good as a disk without room: a name that no file can take.
        std::fs::create_dir(folder.path().join("private.new")).unwrap();
        let mut ledger = open(&path, 0);
        for number in 0..200 {
            ledger.append([("a", number.to_string().as_str())].into_iter()).unwrap();
            ledger.tidy();
        }
        assert_eq!(kept(&path), pairs(&[("a", "199")]));
        std::fs::remove_dir(folder.path().join("private.new")).unwrap();
        let long = "x".repeat(20_000);
        ledger.append([("b", long.as_str()), ("b", "c")].into_iter()).unwrap();
        ledger.tidy();
        assert!(ledger.good < 100);
        assert_eq!(kept(&path), pairs(&[("a", "199"), ("b", "c")]));
    }

    #[test]
    fn what_is_half_there_is_cut_off_before_the_next_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("private.log");
        let mut ledger = open(&path, 0);
        ledger.append([("a", "1")].into_iter()).unwrap();
        // As after a write and a cut that have failed both.
        ledger.file.write_all(b"0000").unwrap();
        ledger.is_torn = true;
        ledger.append([("b", "2")].into_iter()).unwrap();
        assert_eq!(kept(&path), pairs(&[("a", "1"), ("b", "2")]));
    }
}

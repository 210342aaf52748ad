//! Values under names, in a log that grows until it is written anew: the private values, and the index of documents.

use std::collections::HashMap;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use realnet_core::Result;

use super::lines::{self, Log};
use crate::files;

/// Between a name and its value. No name has one: in JSON it is escaped, and in the paths of documents it does not stand.
const BETWEEN: char = '\t';

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

/// A log to which lines are added.
pub(super) struct Ledger {
    path: PathBuf,
    file: File,
    good: u64,
}

impl Ledger {
    /// Opens a log behind its good part.
    pub(super) fn open(path: &Path, good: u64) -> Result<Self> {
        Ok(Self { path: path.to_owned(), file: lines::continued(path, good)?, good })
    }

    /// Adds values durably, or leaves the log as it was.
    pub(super) fn append<'a>(&mut self, values: impl Iterator<Item = (&'a str, &'a str)>) -> Result<()> {
        let text = text(values);
        if text.is_empty() {
            return Ok(());
        }
        let written = self.file.write_all(&text).and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            // What is half there is cut off, now or at the next start.
            let _ = self.file.set_len(self.good);
            return Err(files::failed("written", &self.path, error));
        }
        self.good += text.len() as u64;
        Ok(())
    }
}

fn text<'a>(values: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<u8> {
    let mut text = Vec::new();
    for (name, value) in values {
        lines::add(&mut text, &format!("{name}{BETWEEN}{value}"));
    }
    text
}

/// Writes a log anew, whole or not at all.
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

    #[test]
    fn the_last_value_of_a_name_counts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("private.log");
        let mut ledger = Ledger::open(&path, 0).unwrap();
        ledger.append([("a", "1"), ("b", "2"), ("c", "3")].into_iter()).unwrap();
        ledger.append([("a", "4"), ("b", "")].into_iter()).unwrap();
        let log = read(&path).unwrap();
        let found = log.lines();
        let kept = latest(&found.whole);
        assert_eq!(kept, HashMap::from([("a", "4"), ("c", "3")]));

        let good = rewrite(&path, kept.into_iter()).unwrap();
        let mut ledger = Ledger::open(&path, good).unwrap();
        ledger.append([("c", "5")].into_iter()).unwrap();
        let log = read(&path).unwrap();
        assert_eq!(latest(&log.lines().whole), HashMap::from([("a", "4"), ("c", "5")]));
    }
}

//! Logs of checked lines: each has a checksum before it, so that one that was cut short or never came is told from one that is
//! whole.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;

use realnet_core::Result;

use crate::files;

/// The length of a checksum and the space behind it.
const HEAD: usize = 9;

/// Adds a line.
pub(super) fn add(buffer: &mut Vec<u8>, payload: &str) {
    let sum = crc32fast::hash(payload.as_bytes());
    // Writing to a vector does not fail.
    let _ = writeln!(buffer, "{sum:08x} {payload}");
}

/// The whole text of a log.
pub(super) struct Log {
    text: Vec<u8>,
}

/// What a log holds.
pub(super) struct Lines<'a> {
    /// The lines that are whole, up to the first that is not.
    pub(super) whole: Vec<&'a str>,
    /// Their length in bytes.
    pub(super) good: u64,
    /// The number of the first line that is not whole.
    pub(super) bad: Option<usize>,
    /// Whole lines behind that one: it was not cut short at the end of what was written last.
    pub(super) behind: Vec<&'a str>,
}

impl Log {
    /// Reads a log; an absent one is empty.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let mut text = Vec::new();
        if let Some(mut file) = files::open(path, false)? {
            file.read_to_end(&mut text).map_err(|error| files::failed("read", path, error))?;
        }
        Ok(Self { text })
    }

    /// Its lines.
    pub(super) fn lines(&self) -> Lines<'_> {
        let mut found = Lines { whole: Vec::new(), good: 0, bad: None, behind: Vec::new() };
        for line in self.text.split_inclusive(|byte| *byte == b'\n') {
            match (checked(line), found.bad) {
                (Some(payload), None) => {
                    found.whole.push(payload);
                    found.good += line.len() as u64;
                }
                (Some(payload), Some(_)) => found.behind.push(payload),
                (None, None) => found.bad = Some(found.whole.len() + 1),
                (None, Some(_)) => {}
            }
        }
        found
    }

    /// What stands behind so many bytes.
    pub(super) fn rest(&self, good: u64) -> &[u8] {
        usize::try_from(good).ok().and_then(|good| self.text.get(good..)).unwrap_or_default()
    }
}

/// What a line says, when it is whole.
pub(super) fn checked(line: &[u8]) -> Option<&str> {
    let line = std::str::from_utf8(line).ok()?.strip_suffix('\n')?;
    let (sum, payload) = (line.get(..HEAD - 1)?, line.get(HEAD..)?);
    let sum = u32::from_str_radix(sum, 16).ok()?;
    (sum == crc32fast::hash(payload.as_bytes())).then_some(payload)
}

/// Opens a log to write behind its good part; what is after that goes. It is written at its end only, so that what is cut off
/// leaves no gap.
pub(super) fn continued(path: &Path, good: u64) -> Result<File> {
    files::create(path)?;
    let file = files::open(path, true)?;
    let file = file.ok_or_else(|| realnet_core::Error::internal(format!("{} is gone", path.display())))?;
    let length = file.metadata().map_err(|error| files::failed("looked at", path, error))?.len();
    if length > good {
        file.set_len(good).map_err(|error| files::failed("cut", path, error))?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_cut_or_changed_ends_the_log() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut text = Vec::new();
        for line in ["one", "two", "thrée"] {
            add(&mut text, line);
        }
        std::fs::write(&path, &text).unwrap();
        let log = Log::read(&path).unwrap();
        assert_eq!((log.lines().whole, log.lines().bad), (vec!["one", "two", "thrée"], None));
        for cut in 1..15 {
            std::fs::write(&path, &text[..text.len() - cut]).unwrap();
            let log = Log::read(&path).unwrap();
            let lines = log.lines();
            assert_eq!((lines.whole, lines.bad, lines.good), (vec!["one", "two"], Some(3), 26), "{cut}");
        }
        let mut changed = text.clone();
        changed[HEAD] ^= 1;
        std::fs::write(&path, &changed).unwrap();
        let log = Log::read(&path).unwrap();
        assert_eq!((log.lines().bad, log.lines().behind), (Some(1), vec!["two", "thrée"]));
        assert_eq!(log.rest(13), &text[13..]);
    }
}

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
        let mut found = Lines { whole: Vec::new(), good: 0, bad: None };
        for line in self.text.split_inclusive(|byte| *byte == b'\n') {
            let Some(payload) = checked(line) else {
                found.bad = Some(found.whole.len() + 1);
                break;
            };
            found.whole.push(payload);
            found.good += line.len() as u64;
        }
        found
    }
}

/// What a line says, when it is whole.
fn checked(line: &[u8]) -> Option<&str> {
    let line = std::str::from_utf8(line).ok()?.strip_suffix('\n')?;
    let (sum, payload) = (line.get(..HEAD - 1)?, line.get(HEAD..)?);
    let sum = u32::from_str_radix(sum, 16).ok()?;
    (sum == crc32fast::hash(payload.as_bytes())).then_some(payload)
}

/// Opens a log to write behind its good part; what is after that goes.
pub(super) fn continued(path: &Path, good: u64) -> Result<File> {
    let file = match files::open(path, true)? {
        Some(file) => file,
        None => match files::create(path)? {
            Some(file) => file,
            None => return Err(realnet_core::Error::internal(format!("{} comes and goes", path.display()))),
        },
    };
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
        assert_eq!(Log::read(&path).unwrap().lines().bad, Some(1));
    }
}

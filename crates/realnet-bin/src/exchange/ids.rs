//! Which ids items have on the server that they are imported into: their own, or new ones, which are kept in a file, so that the same
//! import done again finds what it has made.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use realnet_core::Uuid;

use super::at;
use crate::cli::Failure;

/// The ids.
pub enum Ids {
    /// They stay.
    Kept,
    /// They are new.
    New {
        /// New ones by old ones, as far as there are any.
        known: HashMap<Uuid, Uuid>,
        /// Where these are kept.
        file: File,
    },
}

impl Ids {
    /// New ids, which are kept in a file.
    pub fn new(path: &Path) -> Result<Self, Failure> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| at(folder, error))?;
        }
        let mut known = HashMap::new();
        if path.exists() {
            let text = std::fs::read_to_string(path).map_err(|error| at(path, error))?;
            // A line that was not finished is one that was not written: its request is answered as before.
            for line in text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
                let pair =
                    line.split_once(' ').map(|(old, new)| (Uuid::try_parse(old), Uuid::try_parse(new)));
                let Some((Ok(old), Ok(new))) = pair else {
                    return Err(at(path, format!("'{}' is no pair of ids", line.escape_debug())));
                };
                known.insert(old, new);
            }
        }
        let file =
            OpenOptions::new().create(true).append(true).open(path).map_err(|error| at(path, error))?;
        let mut ids = Self::New { known, file };
        ids.end_line(path)?;
        Ok(ids)
    }

    /// Sees to it that what is appended begins a line.
    fn end_line(&mut self, path: &Path) -> Result<(), Failure> {
        let text = std::fs::read(path).map_err(|error| at(path, error))?;
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        match self {
            Self::New { file, .. } if whole < text.len() => Ok(file.set_len(whole as u64)?),
            _ => Ok(()),
        }
    }

    /// Whether ids stay.
    pub fn are_kept(&self) -> bool {
        matches!(self, Self::Kept)
    }

    /// What an item is called on the server, if that is known.
    pub fn of(&self, old: Uuid) -> Option<Uuid> {
        match self {
            Self::Kept => Some(old),
            Self::New { known, .. } => known.get(&old).copied(),
        }
    }

    /// Keeps what items are called.
    pub fn note(&mut self, pairs: impl Iterator<Item = (Uuid, Uuid)>) -> Result<(), Failure> {
        let Self::New { known, file } = self else { return Ok(()) };
        let mut text = String::new();
        for (old, new) in pairs {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{old} {new}");
            known.insert(old, new);
        }
        file.write_all(text.as_bytes())?;
        Ok(file.sync_data()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("imports/x");
        let id = Uuid::from_u128;
        let mut ids = Ids::new(&path).unwrap();
        assert_eq!((ids.of(id(1)), ids.are_kept()), (None, false));
        ids.note([(id(1), id(2)), (id(3), id(4))].into_iter()).unwrap();
        // Broken off while it was written.
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"0000").unwrap();
        let mut ids = Ids::new(&path).unwrap();
        assert_eq!((ids.of(id(1)), ids.of(id(3)), ids.of(id(5))), (Some(id(2)), Some(id(4)), None));
        ids.note([(id(5), id(6))].into_iter()).unwrap();
        assert_eq!(Ids::new(&path).unwrap().of(id(5)), Some(id(6)));
        std::fs::write(&path, "no ids\n").unwrap();
        assert!(Ids::new(&path).is_err_and(|error| error.to_string().contains("no pair")));
        assert_eq!(Ids::Kept.of(id(1)), Some(id(1)));
    }
}

//! Items that this import has made without references that have to wait, or without their contents, as long as they have not got these:
//! what an import that was broken off goes on with. All else that is there is somebody's, and stays as it is.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::PathBuf;

use realnet_core::Uuid;

use super::journal::Journal;
use crate::cli::Failure;

/// Their ids in the export.
pub struct Unfinished {
    ids: HashSet<Uuid>,
    journal: Journal,
}

impl Unfinished {
    /// Those of before, by the file in which they are kept.
    pub fn open(path: PathBuf) -> Result<Self, Failure> {
        let mut ids = HashSet::new();
        let journal = Journal::open(path, |line| {
            let split = line.split_at_checked(1).map(|(sign, id)| (sign, Uuid::try_parse(id)));
            match split {
                Some(("+", Ok(id))) => drop(ids.insert(id)),
                Some(("-", Ok(id))) => drop(ids.remove(&id)),
                _ => return Err(format!("'{}' is not understood", line.escape_debug()).into()),
            }
            Ok(())
        })?;
        Ok(Self { ids, journal })
    }

    /// Whether an item is one of them.
    pub fn has(&self, id: Uuid) -> bool {
        self.ids.contains(&id)
    }

    /// Some are about to be made: kept before, so that none is made and not known.
    pub fn begin(&mut self, ids: impl Iterator<Item = Uuid>) -> Result<(), Failure> {
        let mut lines = String::new();
        for id in ids {
            self.ids.insert(id);
            // Writing to a string does not fail.
            let _ = writeln!(lines, "+{id}");
        }
        if lines.is_empty() { Ok(()) } else { self.journal.add(&lines) }
    }

    /// One is finished.
    pub fn end(&mut self, id: Uuid) -> Result<(), Failure> {
        if !self.ids.remove(&id) {
            return Ok(());
        }
        if self.ids.is_empty() { self.journal.clear() } else { self.journal.add(&format!("-{id}\n")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_finished_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        let id = Uuid::from_u128;
        let mut unfinished = Unfinished::open(path.clone()).unwrap();
        unfinished.begin([].into_iter()).unwrap();
        assert!(!path.exists());
        unfinished.begin([id(1), id(2)].into_iter()).unwrap();
        unfinished.end(id(1)).unwrap();
        unfinished.end(id(3)).unwrap();
        let mut unfinished = Unfinished::open(path.clone()).unwrap();
        assert_eq!([1, 2, 3].map(|number| unfinished.has(id(number))), [false, true, false]);
        unfinished.end(id(2)).unwrap();
        assert!(!path.exists(), "nothing is left of it");
        std::fs::write(&path, "x\n").unwrap();
        assert!(Unfinished::open(path).is_err_and(|error| error.to_string().contains("'x' is not")));
    }
}

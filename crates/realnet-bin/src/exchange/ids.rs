//! Which ids items have on the server that they are imported into: their own, or new ones, which are kept in a file, so that the same
//! import done again finds what it has made.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;

use realnet_core::Uuid;
use realnet_core::clock::{IdSource as _, System};

use super::journal::Journal;
use crate::cli::Failure;

/// What begins the line of [`Ids::run`].
const RUN: &str = "run ";

/// The ids.
pub enum Ids {
    /// They stay.
    Kept,
    /// They are new.
    New {
        /// New ones by old ones, as far as there are any.
        known: HashMap<Uuid, Uuid>,
        /// What tells the requests of this import from those of others that have made the same items.
        run: Option<Uuid>,
        /// Where these are kept.
        journal: Journal,
    },
}

impl Ids {
    /// New ids, which are kept in a file.
    pub fn new(path: &Path) -> Result<Self, Failure> {
        let (mut known, mut run) = (HashMap::new(), None);
        let journal = Journal::open(path.to_owned(), |line| {
            if let Some(Ok(id)) = line.strip_prefix(RUN).map(Uuid::try_parse) {
                run = Some(id);
                return Ok(());
            }
            let pair = line.split_once(' ').map(|(old, new)| (Uuid::try_parse(old), Uuid::try_parse(new)));
            let Some((Ok(old), Ok(new))) = pair else {
                return Err(format!("'{}' is no pair of ids", line.escape_debug()).into());
            };
            known.insert(old, new);
            Ok(())
        })?;
        Ok(Self::New { known, run, journal })
    }

    /// By what the server knows a request of this import again, when its answer was lost: the same as long as the file is there. Another
    /// export of the same items, or the same one elsewhere, makes items of its own.
    pub fn run(&mut self) -> Result<Uuid, Failure> {
        let Self::New { run, journal, .. } = self else { return Ok(Uuid::nil()) };
        if let Some(run) = *run {
            return Ok(run);
        }
        let made = System.next_id();
        journal.add(&format!("{RUN}{made}\n"))?;
        *run = Some(made);
        Ok(made)
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
        let Self::New { known, journal, .. } = self else { return Ok(()) };
        let mut text = String::new();
        for (old, new) in pairs {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{old} {new}");
            known.insert(old, new);
        }
        if text.is_empty() { Ok(()) } else { journal.add(&text) }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::io::Write as _;

    use super::*;

    #[test]
    fn an_import_knows_its_requests_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        let mut ids = Ids::new(&path).unwrap();
        assert!(!path.exists(), "nothing is kept before there is something to keep");
        let run = ids.run().unwrap();
        ids.note([(Uuid::nil(), run)].into_iter()).unwrap();
        assert_eq!((ids.run().unwrap(), Ids::new(&path).unwrap().run().unwrap()), (run, run));
        let other = Ids::new(&folder.path().join("y")).unwrap().run().unwrap();
        assert_ne!(run, other, "another export is another import");
    }

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

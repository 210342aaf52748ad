//! Whether the folder is still the one that was opened. Where it was moved away, or its file system is gone, every document is
//! missing, and none of them was removed.

use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::path::{Path, PathBuf};

use realnet_core::{Error, Result};

use super::layout::{MARK, PRIVATE};
use super::shelf;
use crate::files;

/// The name of the file that is locked.
const LOCK: &str = "lock";

/// Where it is locked that a process has the folder.
pub(super) fn lock_path(root: &Path) -> PathBuf {
    root.join(PRIVATE).join(LOCK)
}

/// By what the folder is known again.
pub(super) struct Home {
    root: PathBuf,
    mark: String,
    /// Of the file that is locked. As long as that is open, no other file is taken for it.
    lock: Metadata,
}

impl Home {
    /// That of a folder with such a mark, of which this process has locked a file.
    pub(super) fn of(root: &Path, mark: String, lock: &File) -> Result<Self> {
        let path = lock_path(root);
        let lock = lock.metadata().map_err(|error| files::failed("looked at", &path, error))?;
        Ok(Self { root: root.to_owned(), mark, lock })
    }

    /// Sees that the folder is there, and no other in its place.
    ///
    /// # Errors
    /// Unavailable when it is not: nothing that is missing in it says anything then.
    pub(super) fn check(&self) -> Result<()> {
        let mark = shelf::read(&self.root.join(MARK))?;
        if mark.as_deref() != Some(self.mark.as_bytes()) {
            return Err(self.lost(&format!("has no file '{MARK}' as it had")));
        }
        let present = files::look(&lock_path(&self.root))?;
        if present.is_some_and(|present| files::is_same(&self.lock, &present)) {
            return Ok(());
        }
        Err(self.lost(&format!("has no file '{PRIVATE}/{LOCK}', or not the one that this server has locked")))
    }

    fn lost(&self, why: &str) -> Error {
        let root = self.root.display();
        Error::unavailable(format!(
            "the folder {root} of the store {why}: put the folder back, or restart the server"
        ))
    }

    /// Sees that the top folders of known documents are there. A document is removed by hand, a whole folder rather moved or not
    /// mounted.
    ///
    /// # Errors
    /// Unavailable when one of them is not.
    pub(super) fn check_tops<'a>(&self, known: impl Iterator<Item = &'a str>) -> Result<()> {
        let mut tops: BTreeMap<&str, usize> = BTreeMap::new();
        for document in known {
            let top = document.split('/').next().unwrap_or(document);
            *tops.entry(top).or_default() += 1;
        }
        match tops.into_iter().find(|(top, _)| !self.root.join(top).is_dir()) {
            None => Ok(()),
            Some((top, count)) => Err(Error::unavailable(format!(
                "the folder '{top}' with {count} documents is gone from {}: put it back, or make an empty one if they are to go",
                self.root.display()
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use realnet_core::ErrorKind;

    use super::*;

    fn home(root: &Path) -> (Home, File) {
        std::fs::create_dir_all(root.join(PRIVATE)).unwrap();
        std::fs::write(root.join(MARK), "mark\n").unwrap();
        let lock = File::create(lock_path(root)).unwrap();
        (Home::of(root, "mark\n".to_owned(), &lock).unwrap(), lock)
    }

    fn is_lost(checked: Result<()>) -> bool {
        checked.is_err_and(|error| error.kind() == ErrorKind::Unavailable)
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_that_is_moved_or_replaced_is_not_the_one_that_was_opened() {
        let folder = tempfile::tempdir().unwrap();
        let (root, away) = (folder.path().join("shop"), folder.path().join("shop2"));
        let (home, _lock) = home(&root);
        home.check().unwrap();

        std::fs::rename(&root, &away).unwrap();
        assert!(is_lost(home.check()));
        // As where a file system is no longer mounted.
        std::fs::create_dir(&root).unwrap();
        assert!(is_lost(home.check()));
        std::fs::write(root.join(MARK), "mark\n").unwrap();
        assert!(is_lost(home.check()));
        std::fs::remove_dir_all(&root).unwrap();
        std::fs::rename(&away, &root).unwrap();
        home.check().unwrap();
        std::fs::write(root.join(MARK), "another\n").unwrap();
        assert!(is_lost(home.check()));
    }

    #[cfg(unix)]
    #[test]
    fn a_copy_is_told_by_its_lock() {
        let folder = tempfile::tempdir().unwrap();
        let (home, _lock) = home(folder.path());
        std::fs::remove_file(lock_path(folder.path())).unwrap();
        File::create(lock_path(folder.path())).unwrap();
        assert!(is_lost(home.check()));
    }

    #[test]
    fn a_top_folder_that_had_documents_does_not_go() {
        let folder = tempfile::tempdir().unwrap();
        let (home, _lock) = home(folder.path());
        let known = ["items/Task/a.json", "items/Task/b.json"];
        let checked = home.check_tops(known.into_iter());
        assert!(checked.as_ref().is_err_and(|error| error.message().contains("'items' with 2 documents")));
        assert!(is_lost(checked));
        std::fs::create_dir(folder.path().join("items")).unwrap();
        home.check_tops(known.into_iter()).unwrap();
        home.check_tops(std::iter::empty()).unwrap();
    }
}

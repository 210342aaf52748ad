//! The documents as files: written by atomic rename, and known by their stamps, so that what somebody else has changed is seen.

use std::collections::{HashMap, HashSet};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use realnet_core::{Error, Result};

use super::layout::PRIVATE;
use crate::files;

/// The largest document that is read, in bytes. What is written must be read again: the attributes of an item have some MiB, of
/// which each element of a list takes two bytes, and a line of up to 150 in a document, as they may lie 64 levels deep.
const MAX_DOCUMENT: u64 = 512 << 20;

/// What tells one state of a file from another. The number of the file is no part of it: there are file systems on which it
/// changes by itself, and every file would be another one at each look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    /// Nanoseconds since 1970.
    pub(super) modified: u64,
    /// When anything about the file was changed, in the same way: a copy that keeps its time has another one. 0 where systems do
    /// not tell.
    pub(super) changed: u64,
    /// Bytes.
    pub(super) size: u64,
}

impl Stamp {
    /// That of the file at a path; `None` when there is none.
    pub(super) fn of(path: &Path) -> Result<Option<Self>> {
        let Some(found) = files::look(path)? else { return Ok(None) };
        Self::of_metadata(path, &found).map(Some)
    }

    /// That of a file.
    pub(super) fn of_metadata(path: &Path, found: &std::fs::Metadata) -> Result<Self> {
        let modified = found.modified().map_err(|error| files::failed("looked at", path, error))?;
        let since = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
        let modified = u64::try_from(since.as_nanos()).unwrap_or(u64::MAX);
        Ok(Self { modified, changed: changed(found), size: found.len() })
    }
}

#[cfg(unix)]
fn changed(found: &std::fs::Metadata) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    let nanoseconds = i128::from(found.ctime()) * 1_000_000_000 + i128::from(found.ctime_nsec());
    u64::try_from(nanoseconds).unwrap_or_default()
}

#[cfg(not(unix))]
fn changed(_: &std::fs::Metadata) -> u64 {
    0
}

/// The files of the documents, as this process has left or read them.
pub(super) struct Shelf {
    root: PathBuf,
    known: HashMap<String, Stamp>,
    folders: HashSet<PathBuf>,
    /// Counts what was put aside and staged.
    serial: u64,
}

/// The bytes of a document; `None` when there is none.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    let Some(file) = files::open(path, false)? else { return Ok(None) };
    let mut text = Vec::new();
    let length = file.take(MAX_DOCUMENT + 1).read_to_end(&mut text);
    let length = length.map_err(|error| files::failed("read", path, error))? as u64;
    if length > MAX_DOCUMENT {
        let most = MAX_DOCUMENT >> 20;
        return Err(Error::malformed(format!("a document has at most {most} MiB")));
    }
    Ok(Some(text))
}

impl Shelf {
    /// Those of a folder, with the stamps of what is known.
    pub(super) fn new(root: &Path, known: HashMap<String, Stamp>) -> Self {
        Self { root: root.to_owned(), known, folders: HashSet::new(), serial: 0 }
    }

    /// The whole path of a document.
    pub(super) fn path(&self, document: &str) -> PathBuf {
        self.root.join(document)
    }

    /// The stamp under which a document is known.
    pub(super) fn known(&self, document: &str) -> Option<Stamp> {
        self.known.get(document).copied()
    }

    /// The documents that are known.
    pub(super) fn documents(&self) -> impl Iterator<Item = (&String, &Stamp)> {
        self.known.iter()
    }

    /// Takes a document as it is now for known; `None`: as not being there.
    pub(super) fn note(&mut self, document: &str, stamp: Option<Stamp>) {
        match stamp {
            Some(stamp) => drop(self.known.insert(document.to_owned(), stamp)),
            None => drop(self.known.remove(document)),
        }
    }

    /// Replaces a document; what somebody else has put in its place since it was known is put aside.
    pub(super) fn put(&mut self, document: &str, text: &[u8]) -> Result<Stamp> {
        let path = self.path(document);
        self.make_folders(document)?;
        self.spare(document, &path)?;
        let staged = self.root.join(PRIVATE).join(format!("staged-{}", self.next_serial()));
        files::remove(&staged)?;
        let file = files::create(&staged)?;
        let mut file = file.ok_or_else(|| Error::internal(format!("{} is taken", staged.display())))?;
        let done = file
            .write_all(text)
            .and_then(|()| std::fs::rename(&staged, &path))
            .map_err(|error| files::failed("written", &path, error));
        if let Err(error) = done {
            // What is left of it is removed at the next start.
            let _ = files::remove(&staged);
            return Err(error);
        }
        let written = file.metadata().map_err(|error| files::failed("looked at", &path, error))?;
        let stamp = Stamp::of_metadata(&path, &written)?;
        self.known.insert(document.to_owned(), stamp);
        Ok(stamp)
    }

    /// Removes a document; what somebody else has put in its place is put aside.
    pub(super) fn remove(&mut self, document: &str) -> Result<()> {
        let path = self.path(document);
        // Nothing is removed through a link.
        path.parent().map_or(Ok(false), files::is_folder)?;
        self.spare(document, &path)?;
        files::remove(&path)?;
        self.known.remove(document);
        Ok(())
    }

    fn spare(&mut self, document: &str, path: &Path) -> Result<()> {
        let present = Stamp::of(path)?;
        if present.is_none() || present == self.known(document) {
            return Ok(());
        }
        let aside = self.place_aside(document, present)?;
        std::fs::rename(path, &aside).map_err(|error| files::failed("put aside", path, error))?;
        tell_of(document, &aside);
        Ok(())
    }

    /// Keeps what somebody has written and the server has written over.
    pub(super) fn put_aside(&mut self, document: &str, stamp: Option<Stamp>, text: &[u8]) -> Result<()> {
        let aside = self.place_aside(document, stamp)?;
        let staged = self.root.join(PRIVATE).join(format!("staged-{}", self.next_serial()));
        files::replace(&staged, &aside, text)?;
        tell_of(document, &aside);
        Ok(())
    }

    /// A free name among what was put aside.
    fn place_aside(&mut self, document: &str, stamp: Option<Stamp>) -> Result<PathBuf> {
        let aside = self.root.join(PRIVATE).join("edits");
        files::make_folder(&aside)?;
        let name = document.rsplit('/').next().unwrap_or(document);
        let stamp = stamp.map(|stamp| stamp.modified).unwrap_or_default();
        Ok(aside.join(format!("{stamp}-{}-{name}", self.next_serial())))
    }

    fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    fn make_folders(&mut self, document: &str) -> Result<()> {
        let Some(folder) = Path::new(document).parent() else { return Ok(()) };
        // One that was made may have gone since, or be a link now, behind which nothing is written.
        if self.folders.contains(folder) && files::is_folder(&self.root.join(folder))? {
            return Ok(());
        }
        let mut whole = self.root.clone();
        for part in folder.components() {
            whole.push(part);
            files::make_folder(&whole)?;
        }
        self.folders.insert(folder.to_owned());
        Ok(())
    }

    /// Folders may have gone since they were made.
    pub(super) fn forget_folders(&mut self) {
        self.folders.clear();
    }
}

fn tell_of(document: &str, aside: &Path) {
    tracing::warn!(
        document,
        aside = %aside.display(),
        "a document was changed by hand and by the server at once: the server's is kept, the other put aside"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_else_has_written_is_put_aside() {
        let folder = tempfile::tempdir().unwrap();
        files::make_folder(&folder.path().join(PRIVATE)).unwrap();
        let mut shelf = Shelf::new(folder.path(), HashMap::new());
        let stamp = shelf.put("items/Task/a.json", b"1").unwrap();
        assert_eq!(Stamp::of(&shelf.path("items/Task/a.json")).unwrap(), Some(stamp));
        shelf.put("items/Task/a.json", b"2").unwrap();
        assert!(!folder.path().join(PRIVATE).join("edits").exists());

        std::fs::write(shelf.path("items/Task/a.json"), "by hand").unwrap();
        shelf.put("items/Task/a.json", b"3").unwrap();
        shelf.remove("items/Task/a.json").unwrap();
        std::fs::write(shelf.path("items/Task/a.json"), "again").unwrap();
        shelf.remove("items/Task/a.json").unwrap();
        let aside: Vec<_> =
            std::fs::read_dir(folder.path().join(PRIVATE).join("edits")).unwrap().flatten().collect();
        let mut texts: Vec<String> =
            aside.iter().map(|file| std::fs::read_to_string(file.path()).unwrap()).collect();
        texts.sort();
        assert_eq!(texts, ["again", "by hand"]);
        assert!(!shelf.path("items/Task/a.json").exists());
    }

    #[cfg(unix)]
    #[test]
    fn a_copy_that_keeps_its_time_is_another_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        std::fs::write(&path, "1").unwrap();
        let modified = std::fs::metadata(&path).unwrap().modified().unwrap();
        let before = Stamp::of(&path).unwrap();
        let set_time = || std::fs::File::options().write(true).open(&path).unwrap().set_modified(modified);
        // Clocks of file systems are coarse.
        while Stamp::of(&path).unwrap() == before {
            std::fs::write(&path, "2").unwrap();
            set_time().unwrap();
        }
        let after = Stamp::of(&path).unwrap().unwrap();
        assert_eq!((after.modified, after.size), before.map(|stamp| (stamp.modified, stamp.size)).unwrap());
    }

    #[test]
    fn texts_are_put_aside_under_names_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        files::make_folder(&folder.path().join(PRIVATE)).unwrap();
        let mut shelf = Shelf::new(folder.path(), HashMap::new());
        for text in ["a", "b"] {
            shelf.put_aside("items/Task/a.json", None, text.as_bytes()).unwrap();
        }
        assert_eq!(std::fs::read_dir(folder.path().join(PRIVATE).join("edits")).unwrap().count(), 2);
    }
}

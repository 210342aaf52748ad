//! What lies in the folder: the documents by path and stamp, and what is none.

use std::collections::BTreeSet;
use std::path::Path;

use realnet_core::{Error, Result};

use super::layout::{self, FOLDERS, Place};
use super::problem::Problem;
use super::shelf::Stamp;
use crate::files;

/// A document as a file.
pub(super) struct Found {
    /// The path in the folder.
    pub(super) document: String,
    pub(super) place: Place,
    pub(super) stamp: Stamp,
}

/// All documents but the change log.
#[derive(Default)]
pub(super) struct Scan {
    pub(super) found: Vec<Found>,
    /// Files that look like documents, and have no place.
    pub(super) foreign: Vec<Problem>,
    /// What is passed over.
    pub(super) others: BTreeSet<String>,
    /// Links in the places of folders, which are not looked into.
    pub(super) links: BTreeSet<String>,
}

impl Scan {
    /// The link in the place of a folder of a document, which is not missing then.
    pub(super) fn link_above(&self, document: &str) -> Option<&str> {
        let mut above = Path::new(document).ancestors().skip(1).filter_map(Path::to_str);
        above.find_map(|folder| self.links.get(folder)).map(String::as_str)
    }

    /// Tells of what is passed over and was not there the last time; answers how many that are.
    pub(super) fn tell_of_others(&self, told: &BTreeSet<String>) -> usize {
        let new = self.others.difference(told);
        new.inspect(|file| tracing::warn!(?file, "is no document, and is passed over")).count()
    }

    /// Whether something that is no document is at a path.
    pub(super) fn is_foreign(&self, path: &str) -> bool {
        self.links.contains(path) || self.foreign.iter().any(|problem| problem.document == path)
    }
}

/// Looks through the folder.
///
/// # Errors
/// Conflict when one of the folders of documents is a link, or none: what is read would not be where documents are written.
pub(super) fn scan(root: &Path, extension: &str) -> Result<Scan> {
    for top in FOLDERS {
        if files::look(&root.join(top))?.is_some_and(|found| !found.is_dir()) {
            return Err(Error::conflict(format!(
                "'{top}' is a link, or no folder: put the folder itself in its place"
            )));
        }
    }
    let mut scan = Scan::default();
    for top in FOLDERS.iter().filter(|top| **top != "changes") {
        look(root, top, extension, 0, &mut scan)?;
    }
    Ok(scan)
}

fn look(root: &Path, folder: &str, extension: &str, depth: usize, scan: &mut Scan) -> Result<()> {
    for (name, kind) in files::names(&root.join(folder))? {
        // Files that programs hide are their own.
        if name.starts_with('.') {
            continue;
        }
        let document = format!("{folder}/{name}");
        if kind.is_dir() && depth < 2 {
            look(root, &document, extension, depth + 1, scan)?;
        } else if Path::new(&name).extension().is_some_and(|ending| ending == extension) {
            match layout::place(&document, extension) {
                Ok(place) if kind.is_file() => {
                    // One that goes while this looks is not there.
                    if let Some(stamp) = Stamp::of(&root.join(&document))? {
                        scan.found.push(Found { document, place, stamp });
                    }
                }
                Ok(_) => scan.foreign.push(Problem::new(document, "is no plain file")),
                Err(why) => scan.foreign.push(Problem::new(document, why)),
            }
        } else if kind.is_symlink() && depth < 2 {
            scan.links.insert(document.clone());
            scan.others.insert(document);
        } else {
            scan.others.insert(document);
        }
    }
    Ok(())
}

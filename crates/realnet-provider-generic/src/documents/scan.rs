//! What lies in the folder: the documents by path and stamp, and what is none.

use std::path::Path;

use realnet_core::Result;

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
}

/// Looks through the folder.
pub(super) fn scan(root: &Path, extension: &str) -> Result<Scan> {
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
        } else {
            tracing::warn!(file = %document, "is no document, and is passed over");
        }
    }
    Ok(())
}

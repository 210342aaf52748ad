//! The files of an export that is a folder. Names that begin with a dot are passed over: a `.git`, say. Links are not followed.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use super::at;
use super::head::{Head, MAX_HEAD};
use super::layout::{self, HEAD, Place};
use crate::cli::Failure;

/// What some editors put before a text, to say in which order its bytes are.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// The head of the export in a folder, if there is one.
pub fn head(root: &Path) -> Result<Option<Head>, Failure> {
    let path = root.join(HEAD);
    if fs::symlink_metadata(&path).is_err() {
        return Ok(None);
    }
    let text = text(&path, MAX_HEAD).map_err(|problem| at(&path, problem))?;
    Head::read(&text).map(Some).map_err(|error| at(&path, error))
}

/// What a file says, which is no link and not too large, without a mark of the order of its bytes.
pub fn text(path: &Path, most: u64) -> Result<Vec<u8>, String> {
    let about = fs::symlink_metadata(path).map_err(|error| error.to_string())?;
    if !about.is_file() {
        return Err("is no file".to_owned());
    }
    let too_large = || format!("is larger than {} MiB", most / 1024 / 1024);
    if about.len() > most {
        return Err(too_large());
    }
    let mut text = Vec::new();
    let file = File::open(path).map_err(|error| error.to_string())?;
    file.take(most + 1).read_to_end(&mut text).map_err(|error| error.to_string())?;
    if text.len() as u64 > most {
        return Err(too_large());
    }
    if text.starts_with(BYTE_ORDER_MARK) {
        text.drain(..BYTE_ORDER_MARK.len());
    }
    Ok(text)
}

/// A file, by its path within the folder.
pub enum Found {
    /// It is a part of the export.
    Part(String, Place),
    /// It has no place there, for this reason.
    Foreign(String, &'static str),
}

/// All files of a folder, one after the other, in the order of their names.
pub struct Walk<'r> {
    root: &'r Path,
    /// Paths still to be looked at, the last one first.
    rest: Vec<String>,
}

/// Begins at the top.
pub fn walk(root: &Path) -> Result<Walk<'_>, Failure> {
    let mut walk = Walk { root, rest: Vec::new() };
    walk.open("")?;
    Ok(walk)
}

impl Walk<'_> {
    /// The next file.
    pub fn next(&mut self) -> Result<Option<Found>, Failure> {
        while let Some(path) = self.rest.pop() {
            let full = self.root.join(&path);
            let kind = fs::symlink_metadata(&full).map_err(|error| at(&full, error))?.file_type();
            if kind.is_dir() {
                if !layout::is_folder(&path) {
                    return Ok(Some(Found::Foreign(path, "is a folder that does not belong there")));
                }
                self.open(&path)?;
            } else if !kind.is_file() {
                return Ok(Some(Found::Foreign(path, "is no file")));
            } else {
                return Ok(Some(match layout::place(&path) {
                    Some(place) => Found::Part(path, place),
                    None => Found::Foreign(path, "does not belong there"),
                }));
            }
        }
        Ok(None)
    }

    fn open(&mut self, path: &str) -> Result<(), Failure> {
        let full = self.root.join(path);
        let mut names = Vec::new();
        for entry in fs::read_dir(&full).map_err(|error| at(&full, error))? {
            let name = entry.map_err(|error| at(&full, error))?.file_name();
            let name = name.to_string_lossy().into_owned();
            if !name.starts_with('.') {
                names.push(if path.is_empty() { name } else { format!("{path}/{name}") });
            }
        }
        names.sort_unstable_by(|one, other| other.cmp(one));
        self.rest.append(&mut names);
        Ok(())
    }
}

/// Removes the parts of an export that are not among `kept`.
pub fn remove_others(root: &Path, kept: &HashSet<String>) -> Result<(), Failure> {
    let mut walk = walk(root)?;
    while let Some(found) = walk.next()? {
        if let Found::Part(path, place) = found
            && place != Place::Head
            && !kept.contains(&path)
        {
            fs::remove_file(root.join(path))?;
        }
    }
    // Of contents that were given up.
    let parts = fs::read_dir(root.join("data")).into_iter().flatten().map_while(Result::ok);
    for part in parts.filter(|entry| entry.file_name().to_string_lossy().ends_with(".part")) {
        fs::remove_file(part.path())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_of_the_byte_order_is_no_part_of_a_text() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(HEAD);
        fs::write(&path, "\u{feff}{\"format\": 1}").unwrap();
        assert_eq!(text(&path, 100).unwrap(), b"{\"format\": 1}");
        assert_eq!(head(folder.path()).unwrap().map(|head| head.format), Some(1));
        assert!(text(&path, 10).unwrap_err().contains("is larger than"));
    }
}

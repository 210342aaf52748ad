//! The files of an export that is a folder. Names that begin with a dot are passed over: a `.git`, say; so is a
//! `README.md` at the top. Links are not followed.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use super::at;
use super::head::{Head, MAX_HEAD};
use super::layout::{self, HEAD, Place};
use crate::cli::Failure;

/// What some editors put before a text, to say in which order its bytes are.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();
/// What a folder in git says of itself.
const README: &str = "README.md";

/// The head of the export in a folder, if there is one.
pub fn head(root: &Path) -> Result<Option<Head>, Failure> {
    let path = root.join(HEAD);
    if fs::symlink_metadata(&path).is_err() {
        return Ok(None);
    }
    let text = text(&path, MAX_HEAD).map_err(|problem| at(&path, problem))?;
    Head::read(&text).map(Some).map_err(|error| at(&path, error))
}

/// Opens a file to read it, which is no link and no pipe: what was looked at is what is read.
pub fn open(path: &Path) -> Result<File, String> {
    let about = fs::symlink_metadata(path).map_err(|error| error.to_string())?;
    if !about.is_file() {
        return Err("is no file".to_owned());
    }
    let file = File::open(path).map_err(|error| error.to_string())?;
    let opened = file.metadata().map_err(|error| error.to_string())?;
    if is_same(&about, &opened) { Ok(file) } else { Err("has been replaced meanwhile".to_owned()) }
}

#[cfg(unix)]
fn is_same(one: &fs::Metadata, other: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(not(unix))]
fn is_same(one: &fs::Metadata, other: &fs::Metadata) -> bool {
    one.is_file() && other.is_file()
}

/// The bytes of a file, which is no link and not too large.
pub fn bytes(path: &Path, most: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    open(path)?.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > most {
        return Err(format!("is larger than {} MiB", most / 1024 / 1024));
    }
    Ok(bytes)
}

/// What a file says, without a mark of the order of its bytes.
pub fn text(path: &Path, most: u64) -> Result<Vec<u8>, String> {
    let mut text = bytes(path, most)?;
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
            if is_passed_over(path, &name) {
                continue;
            }
            let Some(name) = name.to_str() else {
                return Err(at(&full.join(&name), "has a name that is no UTF-8"));
            };
            names.push(if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") });
        }
        names.sort_unstable_by(|one, other| other.cmp(one));
        self.rest.append(&mut names);
        Ok(())
    }
}

/// Whether something in a folder is no concern of an export: what begins with a dot, and what is told to people at the top.
pub fn is_passed_over(folder: &str, name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".") || folder.is_empty() && name == README
}

/// Removes the parts of an export that are not among `kept`; answers how many.
pub fn remove_others(root: &Path, kept: &HashSet<String>) -> Result<u64, Failure> {
    let (mut walk, mut count) = (walk(root)?, 0);
    while let Some(found) = walk.next()? {
        if let Found::Part(path, place) = found
            && place != Place::Head
            && !kept.contains(&path)
        {
            let path = root.join(path);
            fs::remove_file(&path).map_err(|error| at(&path, error))?;
            count += 1;
        }
    }
    // Of contents that were given up.
    let parts = fs::read_dir(root.join("data")).into_iter().flatten().map_while(Result::ok);
    let is_part = |entry: &fs::DirEntry| {
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        !is_folder && entry.file_name().as_encoded_bytes().ends_with(b".part")
    };
    for part in parts.filter(is_part) {
        fs::remove_file(part.path()).map_err(|error| at(&part.path(), error))?;
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_neither_read_nor_removed() {
        let folder = tempfile::tempdir().unwrap();
        let (root, data) = (folder.path(), folder.path().join("data"));
        fs::create_dir_all(data.join("x.part")).unwrap();
        fs::write(data.join("y.part"), "given up").unwrap();
        fs::write(root.join(README), "of people").unwrap();
        std::os::unix::fs::symlink("/dev/zero", root.join(HEAD)).unwrap();
        for path in [root.join(HEAD), data.clone()] {
            assert_eq!(bytes(&path, 10).unwrap_err(), "is no file");
        }
        assert_eq!(remove_others(root, &HashSet::new()).unwrap(), 0);
        assert!(root.join(README).is_file() && data.join("x.part").is_dir());
        assert!(!data.join("y.part").exists());
    }

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

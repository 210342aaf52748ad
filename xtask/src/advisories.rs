//! The database of security advisories that cargo-deny reads. It is fetched from the network, or
//! taken from where somebody without a network has put it:
//!
//! 1. `REALNET_ADVISORY_DB`: a folder that holds unpacked databases;
//! 2. `REALNET_ADVISORY_ARCHIVE`: a tar.gz of such a folder;
//! 3. `advisory-db.tar.gz` in a folder `data` beside the checkout, or in one of its siblings.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::{place, shell};

/// The variable by which `deny.toml` finds the database.
const FOLDER: &str = "REALNET_ADVISORY_DB";

/// Runs `cargo deny check` with the database there is.
pub fn check() -> Result<(), String> {
    let cache = place::cache()?.join("advisory-dbs");
    if let Some(folder) = env::var_os(FOLDER).filter(|folder| !folder.is_empty()) {
        return deny(Path::new(&folder), true);
    }
    let named = env::var_os("REALNET_ADVISORY_ARCHIVE").filter(|name| !name.is_empty());
    let Some(archive) = named.map(PathBuf::from).or_else(|| archive_beside(&place::root())) else {
        fs::create_dir_all(&cache).map_err(|error| format!("{}: {error}", cache.display()))?;
        return deny(&cache, false).map_err(|error| {
            format!(
                "{error}\nIf the advisory database could not be fetched: put an archive of it in place \
                 with REALNET_ADVISORY_ARCHIVE=FILE.tar.gz, or a folder with {FOLDER}=FOLDER"
            )
        });
    };
    let folder = cache.with_file_name("advisory-dbs-archive");
    unpack(&archive, &folder)?;
    println!("advisories: {}, state of {}", archive.display(), age(&folder));
    deny(&folder, true)
}

fn deny(folder: &Path, offline: bool) -> Result<(), String> {
    let mut command = shell::cargo(&["deny"]);
    if offline {
        command.arg("--offline");
    }
    shell::run(command.args(["--locked", "check"]).env(FOLDER, folder))
}

/// An archive in a `data` folder beside the checkout, or in one of its siblings.
fn archive_beside(root: &Path) -> Option<PathBuf> {
    let beside = root.parent()?;
    let mut places = vec![beside.to_path_buf()];
    places.extend(fs::read_dir(beside).ok()?.flatten().map(|entry| entry.path()));
    places.sort();
    places.into_iter().map(|place| place.join("data").join("advisory-db.tar.gz")).find(|file| file.is_file())
}

/// Unpacks into an empty folder. The files get the present time, since cargo-deny judges the age of
/// a database by when it was fetched: for an archive the age is printed instead.
fn unpack(archive: &Path, folder: &Path) -> Result<(), String> {
    let trouble = |error: std::io::Error| format!("{}: {error}", folder.display());
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(trouble)?;
    }
    fs::create_dir_all(folder).map_err(trouble)?;
    let mut tar = Command::new("tar");
    tar.arg("-xzmf").arg(archive).arg("-C").arg(folder);
    shell::run(tar.args(["--no-same-owner"]).stdin(Stdio::null()))
}

/// The date of the newest advisory, from the database's own history.
fn age(folder: &Path) -> String {
    let date = fs::read_dir(folder).into_iter().flatten().flatten().find_map(|entry| {
        let output = Command::new("git")
            .arg("-C")
            .arg(entry.path())
            .args(["log", "-1", "--format=%cs"])
            .output()
            .ok()?;
        let date = String::from_utf8(output.stdout).ok()?;
        Some(date.trim().to_owned()).filter(|date| !date.is_empty())
    });
    date.unwrap_or_else(|| "an unknown date".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_beside_the_checkout_is_found() {
        let parent = tempfile::tempdir().unwrap();
        let root = parent.path().join("checkout");
        fs::create_dir_all(&root).unwrap();
        assert_eq!(archive_beside(&root), None);

        let data = parent.path().join("sibling").join("data");
        fs::create_dir_all(&data).unwrap();
        let file = data.join("advisory-db.tar.gz");
        fs::write(&file, "").unwrap();
        assert_eq!(archive_beside(&root), Some(file));
    }

    #[test]
    fn a_new_archive_replaces_the_old_content() {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join("advisory"), "text").unwrap();
        let archive = place.path().join("a.tar.gz");
        let made = Command::new("tar")
            .arg("-czf")
            .arg(&archive)
            .arg("-C")
            .arg(place.path())
            .arg("advisory")
            .status();
        assert!(made.unwrap().success());
        let folder = place.path().join("unpacked");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("withdrawn"), "old").unwrap();

        unpack(&archive, &folder).unwrap();
        assert!(folder.join("advisory").exists());
        assert!(!folder.join("withdrawn").exists());
    }
}

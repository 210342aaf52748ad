//! Where the server's programs are, and as whom they run: PostgreSQL refuses root, so a root
//! process runs them through `setpriv` as another account.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use super::error::EngineError;

/// The accounts tried, in order, when the caller is root.
const ACCOUNTS: [&str; 2] = ["postgres", "nobody"];

/// An installed PostgreSQL.
#[derive(Debug, Clone)]
pub struct Programs {
    folder: PathBuf,
}

impl Programs {
    /// Finds the newest installation under `/usr/lib/postgresql`, else one on `PATH`.
    ///
    /// # Errors
    /// [`EngineError::Missing`] when there is neither.
    pub fn find() -> Result<Self, EngineError> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        debian_folders(Path::new("/usr/lib/postgresql"))
            .into_iter()
            .chain(std::env::split_paths(&path))
            .find(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file())
            .map(|folder| Self { folder })
            .ok_or(EngineError::Missing)
    }

    /// The full path of one of its programs.
    pub(super) fn path(&self, program: &str) -> OsString {
        self.folder.join(program).into_os_string()
    }
}

/// `ROOT/VERSION/bin`, newest version first.
fn debian_folders(root: &Path) -> Vec<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir(root)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    versions.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    versions.into_iter().map(|(_, folder)| folder).collect()
}

/// Another account that a root process runs the server as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Account {
    /// Its user id.
    pub(super) user: u32,
    /// Its primary group id.
    pub(super) group: u32,
}

impl Account {
    /// The account to run as: none when the caller, the owner of `own_file`, is not root.
    pub(super) fn needed(own_file: &Path) -> Result<Option<Self>, EngineError> {
        let owner =
            fs::metadata(own_file).map_err(EngineError::io(format!("reading {}", own_file.display())))?;
        if std::os::unix::fs::MetadataExt::uid(&owner) != 0 {
            return Ok(None);
        }
        let users = fs::read_to_string("/etc/passwd").map_err(EngineError::io("reading /etc/passwd"))?;
        ACCOUNTS.iter().find_map(|name| Self::parse(&users, name)).map(Some).ok_or(EngineError::NoAccount {
            reason: "there is neither a user `postgres` nor `nobody` to run it as",
        })
    }

    /// Reads the ids of `name` out of a password file.
    fn parse(users: &str, name: &str) -> Option<Self> {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        let user = fields.next()?.parse().ok()?;
        let group = fields.next()?.parse().ok()?;
        Some(Self { user, group })
    }

    /// The words that go before a command so that it runs as this account.
    pub(super) fn prefix(self) -> Vec<OsString> {
        vec![
            "setpriv".into(),
            format!("--reuid={}", self.user).into(),
            format!("--regid={}", self.group).into(),
            "--clear-groups".into(),
            "--".into(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_comes_first() {
        let root = tempfile::tempdir().unwrap();
        for version in ["9", "15", "17", "not-a-version"] {
            fs::create_dir_all(root.path().join(version).join("bin")).unwrap();
        }
        let found = debian_folders(root.path());
        let expected: Vec<_> =
            ["17", "15", "9"].iter().map(|version| root.path().join(version).join("bin")).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn ids_are_read_from_the_password_file() {
        let users = "root:x:0:0:root:/root:/bin/sh\npostgres:x:101:104:,,,:/var/lib:/bin/sh\n";
        let expected = Account { user: 101, group: 104 };
        assert_eq!(Account::parse(users, "postgres"), Some(expected));
        assert_eq!(Account::parse(users, "postgre"), None);
    }
}

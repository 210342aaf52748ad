//! The file with the keys of an embedded store, beside the database: for its owner alone, and never half written.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use realnet_core::secret::Keyring;

use crate::cli::Failure;
use crate::config::DatabaseSection;

/// The file of the keys of one database. Who writes it holds the lock of the database.
pub struct KeyFile {
    path: PathBuf,
}

impl KeyFile {
    /// The file of the keys of a configured store, if it has one: beside a database, and among what is private of documents.
    pub fn of_store(database: &DatabaseSection) -> Option<Self> {
        match database {
            DatabaseSection::Sqlite { path } => Some(Self::of(path)),
            DatabaseSection::Documents { folder, .. } => {
                Some(Self { path: folder.join(".realnet").join("secret-key") })
            }
            DatabaseSection::Memory | DatabaseSection::Postgres(_) => None,
        }
    }

    /// The file that belongs to a database.
    fn of(database: &Path) -> Self {
        let mut path = database.as_os_str().to_owned();
        path.push(".secret-key");
        Self { path: path.into() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The keys; `None` when there is no such file.
    pub fn read(&self) -> Result<Option<Keyring>, Failure> {
        let text = match fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.problem(&error)),
        };
        self.warn_of_readers();
        let keyring = Keyring::parse(&text).map_err(|problem| self.problem(&problem))?;
        Ok(Some(keyring))
    }

    /// Puts keys in the place of those that are there, whole and durable or not at all.
    pub fn write(&self, keyring: &Keyring) -> Result<(), Failure> {
        self.replace(keyring).map_err(|error| self.problem(&error))
    }

    fn replace(&self, keyring: &Keyring) -> std::io::Result<()> {
        let mut next = self.path.clone().into_os_string();
        next.push(".new");
        let next = PathBuf::from(next);
        // One that was left half written by a start that was killed.
        match fs::remove_file(&next) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&next)?;
        writeln!(file, "{}", keyring.to_text())?;
        file.sync_all()?;
        fs::rename(&next, &self.path)?;
        // The name is as durable as the content only when its folder is.
        #[cfg(unix)]
        {
            let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
            File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
        }
        Ok(())
    }

    #[cfg(unix)]
    fn warn_of_readers(&self) {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(&self.path).map(|found| found.permissions().mode()).unwrap_or_default();
        if mode & 0o077 != 0 {
            tracing::warn!(file = %self.path.display(), "others may read the key file: chmod 600 closes it");
        }
    }

    #[cfg(not(unix))]
    fn warn_of_readers(&self) {}

    fn problem(&self, problem: &dyn std::fmt::Display) -> Failure {
        format!("the key file {}: {problem}", self.path.display()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_back_and_are_for_the_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = KeyFile::of(&folder.path().join("shop.db"));
        assert!(file.read().unwrap().is_none());
        assert!(file.path().ends_with("shop.db.secret-key"));
        // What a killed start has left is in nobody's way.
        fs::write(folder.path().join("shop.db.secret-key.new"), "half").unwrap();
        for keyring in [Keyring::generate().unwrap(), Keyring::generate().unwrap()] {
            file.write(&keyring).unwrap();
            assert_eq!(file.read().unwrap().unwrap().to_text(), keyring.to_text());
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(file.path()).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_file_of_something_else_is_refused_without_its_text() {
        let folder = tempfile::tempdir().unwrap();
        let file = KeyFile::of(&folder.path().join("shop.db"));
        fs::write(file.path(), "hunter2\n").unwrap();
        let problem = file.read().unwrap_err().to_string();
        assert!(problem.contains("shop.db.secret-key") && !problem.contains("hunter2"), "{problem}");
    }
}

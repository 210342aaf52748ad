//! The section of the storage: where the contents of files are kept, and how much of them.

use std::path::{Path, PathBuf};

use super::{DatabaseSection, Environment, Problems, S3Section, s3};

/// The largest content when nothing is said, in bytes.
const MAX_SIZE: u64 = 16 << 30;

/// The kinds of `REALNET_STORAGE_TYPE`.
const KINDS: &str = "local, s3, memory or none";

/// Where contents are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageSection {
    /// `REALNET_STORAGE_TYPE`.
    pub place: StoragePlace,
    /// Whether servers that share the database may go on without a storage that another of them has: nobody has chosen it.
    pub is_optional: bool,
    /// `REALNET_STORAGE_QUOTA`: the most bytes of all contents together.
    pub quota: Option<u64>,
    /// `REALNET_STORAGE_MAX_SIZE`: the most bytes of one.
    pub max_size: u64,
}

/// A kind of storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoragePlace {
    /// There is none.
    None,
    /// In this process, gone when it ends.
    Memory,
    /// In a folder of this machine.
    Local {
        /// The folder: `REALNET_STORAGE_PATH`.
        path: PathBuf,
    },
    /// In a bucket.
    S3(S3Section),
}

impl StoragePlace {
    /// Of a flag: a folder, `none`, `s3` for the bucket of the settings, or `s3://BUCKET/PREFIX` for another one with the same region,
    /// endpoint and keys.
    pub fn of_flag(text: &str, environment: &Environment) -> Result<Self, Problems> {
        let mut environment = environment.clone();
        if let Some(rest) = text.strip_prefix("s3://") {
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            environment.set("REALNET_STORAGE_S3_BUCKET", Some(bucket));
            environment.set("REALNET_STORAGE_S3_PREFIX", Some(prefix));
        } else if text != "s3" {
            let path = PathBuf::from(text);
            return Ok(if text == "none" { Self::None } else { Self::Local { path } });
        }
        let mut problems = Problems::default();
        let section = S3Section::read(&environment, &mut problems);
        problems.into_result(Self::S3(section))
    }

    /// The storage that belongs to a database when nothing else is said, if it is there.
    pub fn beside(database: &DatabaseSection) -> Self {
        match database {
            DatabaseSection::Sqlite { .. } | DatabaseSection::Documents { .. } => {
                Some(beside(database)).filter(|path| path.is_dir())
            }
            DatabaseSection::Memory | DatabaseSection::Postgres(_) => None,
        }
        .map_or(Self::None, |path| Self::Local { path })
    }

    /// The storage that a new database would have when nothing else is said.
    pub fn of_new(database: &DatabaseSection) -> Self {
        match database {
            DatabaseSection::Sqlite { .. } | DatabaseSection::Documents { .. } => {
                Self::Local { path: beside(database) }
            }
            DatabaseSection::Memory | DatabaseSection::Postgres(_) => Self::None,
        }
    }
}

impl std::fmt::Display for StoragePlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::None => f.write_str("no storage"),
            Self::Memory => f.write_str("memory"),
            Self::Local { path } => write!(f, "{}", path.display()),
            Self::S3(section) => write!(f, "{section}"),
        }
    }
}

impl StorageSection {
    pub(super) fn read(
        environment: &Environment,
        database: &DatabaseSection,
        problems: &mut Problems,
    ) -> Self {
        let most = (1, i64::MAX.unsigned_abs());
        let quota = environment.bounded("REALNET_STORAGE_QUOTA", 0, (0, most.1), problems);
        let place = place(environment, database, problems);
        if quota > 0 && matches!(place, StoragePlace::S3(_)) {
            let none = "is not offered by s3: servers that share a bucket would have to count together";
            problems.add("REALNET_STORAGE_QUOTA", none.to_owned());
        }
        Self {
            place,
            is_optional: matches!(database, DatabaseSection::Postgres(_))
                && !environment.has_any("REALNET_STORAGE_"),
            quota: Some(quota).filter(|quota| *quota > 0),
            max_size: environment.bounded("REALNET_STORAGE_MAX_SIZE", MAX_SIZE, most, problems),
        }
    }
}

impl StorageSection {
    /// What is said of a bucket where another storage is meant, in words.
    pub fn passed_over(&self, environment: &Environment) -> Option<String> {
        let is_idle = environment.has_any(s3::PREFIX) && !matches!(self.place, StoragePlace::S3(_));
        is_idle
            .then(|| format!("{}… mean nothing here: REALNET_STORAGE_TYPE says another storage", s3::PREFIX))
    }
}

fn place(environment: &Environment, database: &DatabaseSection, problems: &mut Problems) -> StoragePlace {
    // Who says anything about a bucket means it.
    let default = match database {
        _ if environment.has_any(s3::PREFIX) => "s3",
        DatabaseSection::Memory => "memory",
        _ => "local",
    };
    match environment.get("REALNET_STORAGE_TYPE").unwrap_or(default).to_ascii_lowercase().as_str() {
        "none" => StoragePlace::None,
        "memory" => StoragePlace::Memory,
        "local" => {
            let path =
                environment.get("REALNET_STORAGE_PATH").map_or_else(|| beside(database), PathBuf::from);
            let above = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            if path.exists() && !path.is_dir() {
                problems
                    .add("REALNET_STORAGE_PATH", format!("expected a folder, {} is none", path.display()));
            } else if let Some(above) = above.filter(|above| !above.is_dir()) {
                problems.add("REALNET_STORAGE_PATH", format!("the folder {} is not there", above.display()));
            }
            StoragePlace::Local { path }
        }
        "s3" => StoragePlace::S3(S3Section::read(environment, problems)),
        _ => {
            problems.add("REALNET_STORAGE_TYPE", format!("expected {KINDS}"));
            StoragePlace::None
        }
    }
}

/// The folder when none is named: beside the file of the database, or named as the database is.
fn beside(database: &DatabaseSection) -> PathBuf {
    match database {
        DatabaseSection::Memory => PathBuf::from("realnet.files"),
        DatabaseSection::Sqlite { path } => path.with_extension("files"),
        DatabaseSection::Documents { folder, .. } => folder.with_extension("files"),
        DatabaseSection::Postgres(section) => {
            // The name of a database may hold anything.
            let name: String = section
                .database
                .chars()
                .map(|letter| if letter.is_alphanumeric() || "-_".contains(letter) { letter } else { '_' })
                .collect();
            Path::new(&name).with_extension("files")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn read<const N: usize>(pairs: [(&str, &str); N]) -> Result<StorageSection, Problems> {
        Config::read(&Environment::from(pairs)).map(|config| config.storage)
    }

    #[test]
    fn contents_stand_beside_the_database() {
        let local = |path: &str| StoragePlace::Local { path: path.into() };
        let bare = read([]).unwrap();
        assert_eq!((&bare.place, bare.quota, bare.max_size), (&local("realnet.files"), None, MAX_SIZE));
        assert_eq!(read([("REALNET_DB_TYPE", "memory")]).unwrap().place, StoragePlace::Memory);
        let sqlite = [("REALNET_DB_TYPE", "sqlite"), ("REALNET_DB_NAME", "shop")];
        assert_eq!(read(sqlite).unwrap().place, local("shop.files"));
        let postgres = [("REALNET_DB_USER", "me"), ("REALNET_DB_NAME", "../shop/x")];
        let postgres = read(postgres).unwrap();
        assert_eq!((postgres.place, postgres.is_optional), (local("___shop_x.files"), true));
        let chosen = [("REALNET_DB_USER", "me"), ("REALNET_STORAGE_TYPE", "local")];
        assert!(!read(chosen).unwrap().is_optional && !bare.is_optional);
        let given = [
            ("REALNET_STORAGE_PATH", "here"),
            ("REALNET_STORAGE_QUOTA", "5"),
            ("REALNET_STORAGE_MAX_SIZE", "4"),
        ];
        let expected =
            StorageSection { place: local("here"), is_optional: false, quota: Some(5), max_size: 4 };
        assert_eq!(read(given), Ok(expected));
        assert_eq!(read([("REALNET_STORAGE_TYPE", "None")]).unwrap().place, StoragePlace::None);
    }

    #[test]
    fn a_bucket_that_is_not_meant_is_told() {
        let told = |kind: &str| {
            let pairs = [("REALNET_STORAGE_TYPE", kind), ("REALNET_STORAGE_S3_BUCKET", "files")];
            read(pairs).unwrap().passed_over(&Environment::from(pairs))
        };
        assert!(told("local").is_some_and(|words| words.contains("REALNET_STORAGE_S3_")));
        assert_eq!(told("s3"), None);
        assert_eq!(read([]).unwrap().passed_over(&Environment::from([])), None);
    }

    #[test]
    fn flags_name_folders_and_buckets() {
        let settings = Environment::from([
            ("REALNET_STORAGE_S3_BUCKET", "files"),
            ("REALNET_STORAGE_S3_PREFIX", "shop"),
            ("REALNET_STORAGE_S3_REGION", "eu-west-3"),
        ]);
        let bucket = |text: &str| match StoragePlace::of_flag(text, &settings) {
            Ok(StoragePlace::S3(section)) => (section.bucket, section.prefix, section.region),
            other => panic!("{text}: {other:?}"),
        };
        let of = |bucket: &str, prefix: &str| (bucket.to_owned(), prefix.to_owned(), "eu-west-3".to_owned());
        assert_eq!(bucket("s3"), of("files", "shop/"));
        assert_eq!(bucket("s3://other"), of("other", ""));
        assert_eq!(bucket("s3://other/a/b"), of("other", "a/b/"));
        assert_eq!(StoragePlace::of_flag("none", &settings), Ok(StoragePlace::None));
        assert_eq!(StoragePlace::of_flag("./s3", &settings), Ok(StoragePlace::Local { path: "./s3".into() }));
        for (text, settings) in [("s3", Environment::from([])), ("s3://", settings)] {
            let problems = StoragePlace::of_flag(text, &settings).unwrap_err().to_string();
            assert!(problems.contains("REALNET_STORAGE_S3_BUCKET"), "{problems}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (name, value) in [
            ("REALNET_STORAGE_TYPE", "tape"),
            ("REALNET_STORAGE_QUOTA", "-1"),
            ("REALNET_STORAGE_MAX_SIZE", "0"),
            ("REALNET_STORAGE_PATH", "/nowhere/at/all"),
            ("REALNET_STORAGE_PATH", "/dev/null"),
        ] {
            let problems = read([(name, value)]).unwrap_err().to_string();
            assert!(problems.contains(name), "{problems}");
        }
    }
}

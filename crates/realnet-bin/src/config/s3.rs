//! The settings of a bucket of S3, in which the contents of files are kept.

use std::fmt;

use realnet_provider_aws::{S3Keys, S3Options};
use url::Url;

use super::{Environment, Problems};

/// What the names of its settings begin with.
pub(super) const PREFIX: &str = "REALNET_STORAGE_S3_";

/// A bucket.
#[derive(Clone, PartialEq, Eq)]
pub struct S3Section {
    /// `REALNET_STORAGE_S3_BUCKET`.
    pub bucket: String,
    /// `REALNET_STORAGE_S3_KEY` and `REALNET_STORAGE_S3_SECRET`: without them credentials are looked for where AWS's tools do.
    pub keys: Option<(String, String)>,
    /// `REALNET_STORAGE_S3_REGION`.
    pub region: String,
    /// `REALNET_STORAGE_S3_ENDPOINT`: of another server than Amazon's.
    pub endpoint: Option<Url>,
    /// `REALNET_STORAGE_S3_PREFIX`: what all keys begin with.
    pub prefix: String,
}

impl S3Section {
    pub(super) fn read(environment: &Environment, problems: &mut Problems) -> Self {
        let text = |name: &str| environment.get(name).map(str::to_owned);
        let bucket = text("REALNET_STORAGE_S3_BUCKET");
        if bucket.is_none() {
            problems.add("REALNET_STORAGE_S3_BUCKET", "is needed for s3: the name of the bucket".to_owned());
        }
        let keys = match (text("REALNET_STORAGE_S3_KEY"), text("REALNET_STORAGE_S3_SECRET")) {
            (Some(key), Some(secret)) => Some((key, secret)),
            (None, None) => None,
            (key, _) => {
                let (set, other) = if key.is_some() { ("KEY", "SECRET") } else { ("SECRET", "KEY") };
                problems.add(&format!("{PREFIX}{other}"), format!("is needed beside {PREFIX}{set}"));
                None
            }
        };
        let endpoint = text("REALNET_STORAGE_S3_ENDPOINT").and_then(|text| {
            let url = Url::parse(&text).ok();
            if url.is_none() {
                let expected = "expected http://HOST:PORT or https://HOST".to_owned();
                problems.add("REALNET_STORAGE_S3_ENDPOINT", expected);
            }
            url
        });
        let prefix = text("REALNET_STORAGE_S3_PREFIX").unwrap_or_default();
        let prefix = if prefix.is_empty() || prefix.ends_with('/') { prefix } else { format!("{prefix}/") };
        let region = text("REALNET_STORAGE_S3_REGION").unwrap_or_else(|| "us-east-1".to_owned());
        let is_named = bucket.is_some();
        let section = Self { bucket: bucket.unwrap_or_default(), keys, region, endpoint, prefix };
        if is_named && let Err(error) = section.options().check() {
            for violation in error.violations() {
                problems
                    .add(&format!("{PREFIX}{}", violation.pointer.to_uppercase()), violation.detail.clone());
            }
        }
        section
    }

    /// How the bucket is reached.
    pub fn options(&self) -> S3Options {
        let Self { bucket, keys, region, endpoint, prefix } = self.clone();
        let mut options = S3Options::new(bucket);
        options.keys = keys.map(|(id, secret)| S3Keys { id, secret });
        options.region = region;
        options.endpoint = endpoint;
        options.prefix = prefix;
        options
    }
}

impl fmt::Display for S3Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bucket, region, endpoint, .. } = self;
        match endpoint.as_ref().and_then(Url::host_str) {
            Some(host) => write!(f, "the bucket {bucket} on {host}"),
            None => write!(f, "the bucket {bucket} in {region}"),
        }
    }
}

impl fmt::Debug for S3Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "S3Section({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, StoragePlace};

    fn read<const N: usize>(pairs: [(&str, &str); N]) -> Result<StoragePlace, Problems> {
        Config::read(&Environment::from(pairs)).map(|config| config.storage.place)
    }

    #[test]
    fn a_bucket_is_all_that_is_needed() {
        let expected = S3Section {
            bucket: "files".to_owned(),
            keys: None,
            region: "us-east-1".to_owned(),
            endpoint: None,
            prefix: String::new(),
        };
        let given = [("REALNET_STORAGE_TYPE", "S3"), ("REALNET_STORAGE_S3_BUCKET", "files")];
        assert_eq!(read(given), Ok(StoragePlace::S3(expected.clone())));
        assert_eq!(read([given[1]]), Ok(StoragePlace::S3(expected)), "who names a bucket means it");
    }

    #[test]
    fn all_of_it_is_read_and_the_secret_not_shown() {
        let given = [
            ("REALNET_STORAGE_S3_BUCKET", "files"),
            ("REALNET_STORAGE_S3_KEY", "id"),
            ("REALNET_STORAGE_S3_SECRET", "s3cret"),
            ("REALNET_STORAGE_S3_REGION", "eu-west-3"),
            ("REALNET_STORAGE_S3_ENDPOINT", "http://localhost:9000"),
            ("REALNET_STORAGE_S3_PREFIX", "shop"),
        ];
        let Ok(StoragePlace::S3(section)) = read(given) else { panic!() };
        assert_eq!(section.keys, Some(("id".to_owned(), "s3cret".to_owned())));
        assert_eq!((section.region.as_str(), section.prefix.as_str()), ("eu-west-3", "shop/"));
        assert_eq!(section.to_string(), "the bucket files on localhost");
        assert!(!format!("{section:?}").contains("s3cret"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let bucket = ("REALNET_STORAGE_S3_BUCKET", "files");
        for (given, named) in [
            ([("REALNET_STORAGE_TYPE", "s3"), ("REALNET_DEBUG", "false")], "REALNET_STORAGE_S3_BUCKET"),
            ([bucket, ("REALNET_STORAGE_S3_KEY", "s3cret")], "REALNET_STORAGE_S3_SECRET"),
            ([bucket, ("REALNET_STORAGE_S3_SECRET", "s3cret")], "REALNET_STORAGE_S3_KEY"),
            ([bucket, ("REALNET_STORAGE_S3_ENDPOINT", "s3cret")], "REALNET_STORAGE_S3_ENDPOINT"),
            ([bucket, ("REALNET_STORAGE_S3_ENDPOINT", "ftp://host")], "REALNET_STORAGE_S3_ENDPOINT"),
            ([("REALNET_STORAGE_S3_BUCKET", "a b"), ("REALNET_DEBUG", "true")], "REALNET_STORAGE_S3_BUCKET"),
            ([bucket, ("REALNET_STORAGE_S3_PREFIX", "../x")], "REALNET_STORAGE_S3_PREFIX"),
            ([bucket, ("REALNET_STORAGE_QUOTA", "5")], "REALNET_STORAGE_QUOTA"),
        ] {
            let problems = read(given).unwrap_err().to_string();
            assert!(problems.contains(named) && !problems.contains("s3cret"), "{problems}");
        }
    }
}

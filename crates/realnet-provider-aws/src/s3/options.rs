//! How a bucket is reached.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use realnet_core::{Error, Result, Violation};
use url::Url;

/// The region of who names none.
const REGION: &str = "us-east-1";
/// Variables of AWS's own tools, which name credentials and where they are.
const VARIABLES: &str = "AWS_";

/// A key of S3: an id and its secret, which `Debug` does not show.
#[derive(Clone, PartialEq, Eq)]
pub struct S3Keys {
    /// The id of the key.
    pub id: String,
    /// Its secret.
    pub secret: String,
}

impl fmt::Debug for S3Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "S3Keys({})", self.id)
    }
}

/// Which bucket is used, and how.
#[derive(Clone)]
pub struct S3Options {
    /// The bucket, which must be there.
    pub bucket: String,
    /// Its region; `us-east-1` at first.
    pub region: String,
    /// The server, for others than Amazon's: `http://` or `https://`. Buckets are named in the path, never in the host.
    pub endpoint: Option<Url>,
    /// The key. Without one, credentials are looked for where AWS's tools do: in variables, in a profile, with the token of a
    /// service account of Kubernetes, with the metadata service of a machine.
    pub keys: Option<S3Keys>,
    /// What the keys of all objects begin with, so that a bucket can be shared; empty, or ending in `/`.
    pub prefix: String,
    /// How long the server may be silent; 30 seconds at first.
    pub timeout: Duration,
    /// How often a request is made that fails for a reason that may pass; 6 times at first.
    pub attempts: u32,
    /// The variables in which credentials are looked for; those of the process at first (`AWS_…` and `HOME`).
    pub variables: HashMap<String, String>,
}

impl S3Options {
    /// A bucket of Amazon's, with credentials of the environment.
    pub fn new(bucket: impl Into<String>) -> Self {
        let variables = std::env::vars_os().filter_map(|(name, value)| {
            let (name, value) = (name.into_string().ok()?, value.into_string().ok()?);
            (name.starts_with(VARIABLES) || name == "HOME").then_some((name, value))
        });
        Self {
            bucket: bucket.into(),
            region: REGION.to_owned(),
            endpoint: None,
            keys: None,
            prefix: String::new(),
            timeout: Duration::from_secs(30),
            attempts: 6,
            variables: variables.collect(),
        }
    }

    /// That they make sense, as far as this can be told without asking.
    ///
    /// # Errors
    /// Invalid, with the names of the options.
    pub fn check(&self) -> Result<()> {
        let mut violations = Vec::new();
        let mut expect = |met: bool, option: &str, detail: &str| {
            if !met {
                violations.push(Violation::new(option, detail));
            }
        };
        let is_name = |letter: char| letter.is_ascii_alphanumeric() || "-._".contains(letter);
        let bucket = &self.bucket;
        let named =
            (3..=63).contains(&bucket.len()) && bucket.chars().all(is_name) && !bucket.starts_with('.');
        expect(named, "bucket", "expected the name of a bucket: 3 to 63 letters, digits, dots and hyphens");
        let region = !self.region.is_empty() && self.region.chars().all(is_name);
        expect(region, "region", "expected the name of a region, such as us-east-1");
        let fits = |url: &Url| {
            ["http", "https"].contains(&url.scheme())
                && url.has_host()
                && url.username().is_empty()
                && url.password().is_none()
                && url.query().is_none()
                && url.fragment().is_none()
        };
        let detail = "expected http://HOST:PORT or https://HOST, without a key in it";
        expect(self.endpoint.as_ref().is_none_or(fits), "endpoint", detail);
        let prefix = &self.prefix;
        let is_part =
            |part: &str| !part.is_empty() && part != "." && part != ".." && part.chars().all(is_name);
        let parts = prefix.strip_suffix('/').map(|parts| parts.split('/').all(is_part));
        let is_path = prefix.is_empty() || (parts == Some(true) && prefix.len() <= 200);
        expect(is_path, "prefix", "expected names that end in / each, of letters, digits, dots, hyphens");
        if violations.is_empty() { Ok(()) } else { Err(Error::invalid(violations)) }
    }
}

impl fmt::Debug for S3Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bucket, region, endpoint, keys, prefix, timeout, attempts, variables: _ } = self;
        f.debug_struct("S3Options")
            .field("bucket", bucket)
            .field("region", region)
            .field("endpoint", &endpoint.as_ref().map(Url::as_str))
            .field("keys", keys)
            .field("prefix", prefix)
            .field("timeout", timeout)
            .field("attempts", attempts)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(change: impl FnOnce(&mut S3Options)) -> Vec<String> {
        let mut options = S3Options::new("a-bucket");
        change(&mut options);
        let checked = options.check();
        checked.err().map_or_else(Vec::new, |error| {
            error.violations().iter().map(|violation| violation.pointer.clone()).collect()
        })
    }

    #[test]
    fn slips_are_named() {
        assert!(wrong(|_| {}).is_empty());
        for bucket in ["", "ab", "a/b", "../x", "ü-bucket"] {
            assert_eq!(wrong(|options| options.bucket = bucket.to_owned()), ["bucket"], "{bucket}");
        }
        for endpoint in ["ftp://a", "http://key:word@a", "https://a?x=1"] {
            assert_eq!(wrong(|options| options.endpoint = Url::parse(endpoint).ok()), ["endpoint"]);
        }
        for prefix in ["a", "/", "a//", "../", "a/../b/"] {
            assert_eq!(wrong(|options| options.prefix = prefix.to_owned()), ["prefix"], "{prefix}");
        }
        assert!(wrong(|options| options.prefix = "team/files/".to_owned()).is_empty());
        assert_eq!(wrong(|options| options.region = String::new()), ["region"]);
    }

    #[test]
    fn secrets_are_not_shown() {
        let mut options = S3Options::new("a-bucket");
        options.keys = Some(S3Keys { id: "AKIA".to_owned(), secret: "hunter2".to_owned() });
        options.variables.insert("AWS_SECRET_ACCESS_KEY".to_owned(), "hunter2".to_owned());
        let shown = format!("{options:?}");
        assert!(shown.contains("AKIA") && !shown.contains("hunter2"), "{shown}");
    }
}

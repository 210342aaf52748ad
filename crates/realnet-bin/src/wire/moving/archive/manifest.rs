//! What an archive says of itself.

use std::collections::BTreeMap;

use realnet_core::Uuid;
use realnet_core::clock::Timestamp;
use realnet_core::provider::{Census, Checksum, RecordClass};
use realnet_core::transfer::Summary;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The form of archives that this program writes, and the newest that it reads.
pub const FORMAT: u32 = 1;

/// The first entry: what this is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The form of the archive.
    pub format: u32,
    /// The program that has written it.
    pub made_by: String,
    /// The moment that it shows.
    pub made_at: Timestamp,
}

/// What an archive has of contents.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Contents {
    /// How many there are.
    pub count: u64,
    /// Their bytes together.
    pub bytes: u64,
    /// SHA-256 over a line of each: id, size and SHA-256.
    pub sha256: String,
    /// Contents that items name and that were not there.
    #[serde(default)]
    pub missing: Vec<Uuid>,
}

/// The last entry: what should have been read before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The form of the archive.
    pub format: u32,
    /// The moment that it shows.
    pub made_at: Timestamp,
    /// The sum that `realnet verify` prints of the store.
    pub sha256: String,
    /// How many records of each class there are.
    pub counts: BTreeMap<String, u64>,
    /// The contents of files.
    pub contents: Contents,
}

impl Manifest {
    /// The manifest of what was written or read.
    pub fn new(made_at: Timestamp, summary: &Summary, contents: Contents) -> Self {
        let counts = summary.counts.iter().map(|(class, count)| (class.as_str().to_owned(), count));
        let sha256 = summary.checksum.to_string();
        Self { format: FORMAT, made_at, sha256, counts: counts.collect(), contents }
    }

    /// What it counts.
    pub fn census(&self) -> Census {
        let counts = self.counts.iter();
        counts.filter_map(|(name, count)| Some((RecordClass::parse(name)?, *count))).collect()
    }
}

/// The sum of contents in the making.
#[derive(Default)]
pub struct ContentsDigest {
    hash: Sha256,
    count: u64,
    bytes: u64,
}

impl ContentsDigest {
    /// Adds a content.
    pub fn add(&mut self, id: Uuid, size: u64, checksum: Checksum) {
        self.hash.update(format!("{id} {size} {checksum}\n"));
        self.count += 1;
        self.bytes += size;
    }

    /// The sum, with what was missing.
    pub fn finish(self, missing: Vec<Uuid>) -> Contents {
        let sha256 = Checksum::new(self.hash.finalize().into()).to_string();
        Contents { count: self.count, bytes: self.bytes, sha256, missing }
    }
}

//! What a store holds as one number: SHA-256 over the canonical lines of its records.

use futures::StreamExt as _;
use sha2::{Digest as _, Sha256};

use super::Progress;
use crate::canonical;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::provider::{Census, Checksum, DumpProvider, StoreRecord};

/// What a store holds, in short. Two that are equal hold the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// SHA-256 over the canonical lines of all lasting records, in their order.
    pub checksum: Checksum,
    /// How many of them there are of each class.
    pub counts: Census,
}

/// A [`Summary`] in the making. Sessions and whatever else is [transient](StoreRecord::is_transient) does not count.
#[derive(Default)]
pub struct Digest {
    hash: Sha256,
    counts: Census,
    last: Vec<u8>,
    line: String,
}

impl Digest {
    /// Adds the next record; answers its canonical line, with the end of line.
    ///
    /// # Errors
    /// Internal when it does not come behind the last one: the order is part of what is hashed.
    pub fn add(&mut self, record: &StoreRecord) -> Result<&str> {
        let key = record.sort_key();
        if key <= self.last {
            return Err(Error::internal(format!("{record:?} comes twice, or in the wrong order")));
        }
        self.last = key;
        self.line.clear();
        canonical::write(&record.to_json()?, &mut self.line);
        self.line.push('\n');
        if !record.is_transient() {
            self.hash.update(&self.line);
            self.counts.add(record.class(), 1);
        }
        Ok(&self.line)
    }

    /// The summary of what was added.
    pub fn finish(self) -> Summary {
        Summary { checksum: Checksum::new(self.hash.finalize().into()), counts: self.counts }
    }
}

/// The summary of a store at `now`.
pub async fn digest(
    store: &dyn DumpProvider,
    now: Timestamp,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Summary> {
    let mut digest = Digest::default();
    let mut records = store.dump(now).await?;
    while let Some(record) = records.next().await {
        digest.add(&record?)?;
        progress(Progress::Compared(1));
    }
    Ok(digest.finish())
}

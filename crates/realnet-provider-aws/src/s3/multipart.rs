//! A large content on its way into the bucket: parts, some of which are sent at the same time. What is not completed is taken back.

use std::collections::BTreeMap;
use std::sync::Arc;

use realnet_core::{Error, ErrorKind, Result};
use tokio::runtime::Handle;
use tokio::task::{JoinError, JoinSet};

use super::Store;
use super::bucket::Part;
use super::fault::Fault;
use super::room::Gathered;

/// The size of the first parts; the least that S3 takes is 5 MiB, but for the last.
const SMALLEST: usize = 8 << 20;
/// After so many parts they are twice as large.
const STEP: usize = 2500;
/// The most parts that S3 takes.
const MOST: usize = 10_000;
/// How many bytes of an upload are sent at the same time, unless one part alone has more.
const FLYING: usize = 3 * SMALLEST;

/// The size of a part, of those that begin with 0: 300 GB altogether, and a whole number of blocks of any digest.
pub(super) const fn part_size(index: usize) -> usize {
    let doublings = index / STEP;
    SMALLEST << if doublings > 3 { 3 } else { doublings }
}

/// The size of the part that a place of an upload is in.
pub(super) fn part_size_at(offset: u64) -> usize {
    let (mut end, mut index) = (0, 0);
    loop {
        end += part_size(index) as u64;
        if end > offset || index == MOST {
            return part_size(index);
        }
        index += 1;
    }
}

/// A multipart upload that parts are sent to.
pub(super) struct Multipart {
    store: Arc<Store>,
    key: String,
    upload: String,
    /// The number of parts that have been sent or are.
    sent: usize,
    done: BTreeMap<usize, Part>,
    flying: JoinSet<(usize, Result<Part, Fault>)>,
    flying_bytes: usize,
    /// It is taken back when this value is dropped.
    is_ours: bool,
}

impl Multipart {
    /// Begins one, which goes when this value does.
    pub(super) async fn begin(store: &Arc<Store>, key: String) -> Result<Self> {
        let upload = store.bucket.begin_parts(&key).await?;
        let mut begun = Self::resume(store, key, upload, Vec::new());
        begun.is_ours = true;
        Ok(begun)
    }

    /// Goes on with one that has parts, which stays until it is completed.
    pub(super) fn resume(store: &Arc<Store>, key: String, upload: String, parts: Vec<Part>) -> Self {
        Self {
            store: Arc::clone(store),
            key,
            upload,
            sent: parts.len(),
            done: parts.into_iter().enumerate().collect(),
            flying: JoinSet::new(),
            flying_bytes: 0,
            is_ours: false,
        }
    }

    /// Its id.
    pub(super) fn upload(&self) -> &str {
        &self.upload
    }

    /// How many parts were sent.
    pub(super) const fn sent(&self) -> usize {
        self.sent
    }

    /// It stays when this value is dropped.
    pub(super) const fn keep(&mut self) {
        self.is_ours = false;
    }

    /// Sends the next part; waits as long as others take the way. An upload may always send one part, more while there is leave.
    /// Its room comes back when it is stored.
    pub(super) async fn send(&mut self, part: Gathered) -> Result<()> {
        let Gathered { bytes: body, room } = part;
        if self.sent == MOST {
            return Err(Error::new(ErrorKind::TooLarge, format!("a content has at most {MOST} parts in S3")));
        }
        let leave = loop {
            if self.flying.is_empty() {
                break None;
            }
            if self.flying_bytes + body.len() <= FLYING
                && let Ok(leave) = Arc::clone(&self.store.further).try_acquire_owned()
            {
                break Some(leave);
            }
            self.land().await?;
        };
        let (store, key, upload) = (Arc::clone(&self.store), self.key.clone(), self.upload.clone());
        let index = self.sent;
        self.sent += 1;
        self.flying_bytes += body.len();
        self.flying.spawn(async move {
            let part = store.bucket.put_part(&key, &upload, index + 1, body).await;
            drop((leave, room));
            (index, part)
        });
        Ok(())
    }

    /// Waits for one of those that are sent.
    async fn land(&mut self) -> Result<bool> {
        let Some(landed) = self.flying.join_next().await else { return Ok(false) };
        let (index, part) = landed.map_err(lost)?;
        let part = part?;
        self.flying_bytes = self.flying_bytes.saturating_sub(part.size as usize);
        self.done.insert(index, part);
        Ok(true)
    }

    /// Waits until all are stored, and names them in their order.
    pub(super) async fn settle(&mut self) -> Result<Vec<Part>> {
        while self.land().await? {}
        Ok(self.done.values().cloned().collect())
    }

    /// Makes an object of all parts, which has so many bytes.
    pub(super) async fn complete(mut self, size: u64) -> Result<()> {
        let parts = self.settle().await?;
        let bucket = &self.store.bucket;
        let completed = bucket.complete_parts(&self.key, &self.upload, &parts).await;
        // The object has a key of its own, so what is there under it is ours, whatever became of the answer.
        let there = bucket.head(&self.key).await?;
        match (there, completed) {
            (Some(head), _) if head.size == size => {
                self.is_ours = false;
                Ok(())
            }
            // Another server has sent one of the same number meanwhile: what is there is neither's.
            (_, Err(fault)) if fault.is_lost_part() => {
                let words = "parts of the upload were overwritten by another request: send it once more";
                Err(Error::new(ErrorKind::InvalidInput, words).with_source(fault))
            }
            (_, Err(fault)) => Err(fault.into()),
            (there, Ok(())) => {
                let there = there.map(|head| head.size);
                Err(Error::unavailable("the S3 storage has failed").with_internal(format!(
                    "a multipart upload of {size} bytes became an object of {there:?}"
                )))
            }
        }
    }

    /// Takes it back.
    pub(super) async fn abort(mut self) -> Result<()> {
        self.is_ours = false;
        self.flying.shutdown().await;
        Ok(self.store.bucket.abort_parts(&self.key, &self.upload).await?)
    }
}

impl Drop for Multipart {
    fn drop(&mut self) {
        if !self.is_ours {
            return;
        }
        let (store, key, upload) = (Arc::clone(&self.store), self.key.clone(), self.upload.clone());
        let mut flying = std::mem::take(&mut self.flying);
        // Without a runtime it is left to the sweep.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                flying.shutdown().await;
                if let Err(fault) = store.bucket.abort_parts(&key, &upload).await {
                    tracing::warn!(%fault, "parts of an upload that was given up are left to the sweep");
                }
            });
        }
    }
}

fn lost(error: JoinError) -> Error {
    Error::internal("the sending of a part did not end").with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_grow_so_that_large_contents_fit() {
        assert_eq!(
            [0, 2499, 2500, 7499, 7500, MOST - 1].map(|index| part_size(index) >> 20),
            [8, 8, 16, 32, 64, 64]
        );
        let all: u64 = (0..MOST).map(|index| part_size(index) as u64).sum();
        assert!(all > 300_000_000_000, "{all}");
        assert!((0..MOST).all(|index| part_size(index).is_multiple_of(64)));
        let small = (STEP * SMALLEST) as u64;
        let places = [0, small - 1, small, 2 * small, u64::MAX];
        assert_eq!(places.map(|offset| part_size_at(offset) >> 20), [8, 8, 16, 16, 64]);
    }
}

//! Contents in the memory of this process: what the suite of contents compares other stores with.

mod uploads;

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use parking_lot::Mutex;
use realnet_core::clock::{Clock, System, Timestamp};
use realnet_core::provider::{
    ByteRange, Content, ContentEntry, ContentId, ContentPage, ContentRead, DataCapabilities, DataProvider,
    DataStream, Expectation, Meter, Usage,
};
use realnet_core::{Error, Result};

use self::uploads::Upload;
use crate::quota::{Quota, Reservation};

/// The pieces in which a content is given.
const PIECE: usize = 256 * 1024;

/// A store of contents in the memory of this process, which is gone when the process ends. Clones share their content.
#[derive(Clone)]
pub struct MemoryData {
    state: Arc<Mutex<State>>,
    quota: Arc<Quota>,
    clock: Arc<dyn Clock>,
}

#[derive(Default)]
struct State {
    contents: BTreeMap<ContentId, Kept>,
    uploads: HashMap<ContentId, Upload>,
}

struct Kept {
    content: Content,
    bytes: Bytes,
    stored_at: Timestamp,
}

impl MemoryData {
    /// An empty store that takes as much as there is memory.
    pub fn new() -> Self {
        Self::with_quota(None)
    }

    /// An empty store with a bound of bytes.
    pub fn with_quota(quota: Option<u64>) -> Self {
        Self { state: Arc::default(), quota: Quota::new(quota, 0), clock: Arc::new(System) }
    }

    /// Keeps bytes under an id that is free.
    fn keep(&self, state: &mut State, content: Content, bytes: Vec<u8>) -> Result<Content> {
        if state.contents.contains_key(&content.id) {
            return Err(Error::conflict(format!("there is a content {} already", content.id)));
        }
        let kept = Kept { content, bytes: Bytes::from(bytes), stored_at: self.clock.now() };
        state.contents.insert(content.id, kept);
        Ok(content)
    }
}

impl Default for MemoryData {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for MemoryData {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MemoryData({} contents)", self.state.lock().contents.len())
    }
}

#[async_trait]
impl DataProvider for MemoryData {
    fn capabilities(&self) -> DataCapabilities {
        DataCapabilities { name: "memory", durable: false, shared: false, presigned: false, quota: true }
    }

    async fn put(&self, id: ContentId, mut data: DataStream, expected: Expectation) -> Result<Content> {
        let (mut meter, mut bytes) = (Meter::new(), Vec::new());
        let mut reservation = Reservation::new(&self.quota);
        while let Some(piece) = data.try_next().await? {
            expected.admit(meter.size() + piece.len() as u64)?;
            reservation.grow(piece.len() as u64)?;
            meter.update(&piece);
            bytes.extend_from_slice(&piece);
        }
        let content = Content { id, size: meter.size(), checksum: meter.checksum() };
        expected.check(content.size, content.checksum)?;
        self.keep(&mut self.state.lock(), content, bytes)?;
        reservation.keep();
        Ok(content)
    }

    async fn get(&self, id: ContentId, range: ByteRange) -> Result<Option<ContentRead>> {
        let state = self.state.lock();
        let Some(Kept { content, bytes, .. }) = state.contents.get(&id) else { return Ok(None) };
        let range = range.resolve(content.size)?;
        let mut rest = bytes.slice(range.start as usize..range.end as usize);
        let pieces =
            std::iter::from_fn(move || (!rest.is_empty()).then(|| Ok(rest.split_to(rest.len().min(PIECE)))));
        Ok(Some(ContentRead { content: *content, range, data: stream::iter(pieces).boxed() }))
    }

    async fn head(&self, id: ContentId) -> Result<Option<Content>> {
        Ok(self.state.lock().contents.get(&id).map(|kept| kept.content))
    }

    async fn delete(&self, id: ContentId) -> Result<bool> {
        let Some(kept) = self.state.lock().contents.remove(&id) else { return Ok(false) };
        self.quota.release(kept.content.size);
        Ok(true)
    }

    async fn list(&self, after: Option<ContentId>, limit: usize) -> Result<ContentPage> {
        let state = self.state.lock();
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let entry = |(id, kept): (&ContentId, &Kept)| ContentEntry {
            id: *id,
            size: kept.content.size,
            stored_at: kept.stored_at,
        };
        let mut contents = state.contents.range((from, Bound::Unbounded)).map(entry);
        let page: Vec<_> = contents.by_ref().take(limit.max(1)).collect();
        let next = contents.next().and(page.last()).map(|last| last.id);
        Ok(ContentPage { contents: page, next })
    }

    async fn usage(&self) -> Result<Usage> {
        Ok(self.quota.usage())
    }

    async fn check(&self) -> Result<()> {
        Ok(())
    }
}

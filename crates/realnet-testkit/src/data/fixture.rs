//! What the cases stand on: a store, bytes to put into it, and streams that come in pieces, break, or never end.

use std::sync::Arc;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use realnet_core::clock::IdSource as _;
use realnet_core::provider::{
    ByteRange, Checksum, Content, ContentEntry, ContentId, DataProvider, DataStream, Expectation,
};
use realnet_core::{Error, Result};

use super::{DataBackend, DataStore};
use crate::conformance::Source;

/// A store of one case. Clones share everything.
#[derive(Clone)]
pub struct DataWorld {
    /// The store.
    pub data: Arc<dyn DataProvider>,
    store: DataStore,
    source: Arc<Source>,
    backend: Arc<dyn DataBackend>,
}

impl std::fmt::Debug for DataWorld {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DataWorld of {:?}", self.store)
    }
}

impl DataWorld {
    /// Opens a new store of `backend`.
    pub async fn open(backend: Arc<dyn DataBackend>) -> Self {
        let store = backend.open(None).await;
        Self { data: Arc::clone(&store.data), store, source: Arc::default(), backend }
    }

    /// The same with a bound of bytes; `None` where the store does not offer that.
    pub async fn bounded(self, quota: u64) -> Option<Self> {
        if !self.data.capabilities().quota {
            return None;
        }
        let store = self.backend.open(Some(quota)).await;
        assert_eq!(store.data.usage().await.expect("the usage is known").quota, Some(quota));
        Some(Self { data: Arc::clone(&store.data), store, ..self })
    }

    /// Closes the store and opens it again; `None` when it does not outlive its process.
    pub async fn reopen(self) -> Option<Self> {
        let durable = self.data.capabilities().durable;
        let Self { data, store, source, backend } = self;
        drop(data);
        let store = backend.reopen(store).await;
        assert_eq!(store.is_some(), durable, "a store that says it is durable opens again, and no other");
        let store = store?;
        Some(Self { data: Arc::clone(&store.data), store, source, backend })
    }

    /// A new id. The suite's ids differ at their end only by counting, which is what stores may spread them by.
    pub fn next_id(&self) -> ContentId {
        ContentId::new(self.source.next_id())
    }

    /// Stores bytes under an id.
    pub async fn put_as(&self, id: ContentId, bytes: &[u8]) -> Result<Content> {
        self.data.put(id, whole(bytes), Expectation::default()).await
    }

    /// Stores bytes under a new id.
    pub async fn put(&self, bytes: &[u8]) -> Content {
        self.put_as(self.next_id(), bytes).await.expect("a content is stored")
    }

    /// All bytes of a content that must be there.
    pub async fn read(&self, id: ContentId) -> Vec<u8> {
        self.read_range(id, ByteRange::All).await.expect("a content can be read")
    }

    /// Some bytes of a content that must be there.
    pub async fn read_range(&self, id: ContentId, range: ByteRange) -> Result<Vec<u8>> {
        let read =
            self.data.get(id, range).await?.unwrap_or_else(|| panic!("content {id} is not in the store"));
        let bytes = collect(read.data).await?;
        assert_eq!(bytes.len() as u64, read.range.end - read.range.start, "as many bytes as were promised");
        Ok(bytes)
    }

    /// Adds bytes at the end of an upload.
    pub async fn append(&self, id: ContentId, offset: usize, bytes: &[u8]) -> Result<u64> {
        self.data.append_upload(id, offset as u64, whole(bytes), None).await
    }

    /// Where the end of an upload is.
    pub async fn offset(&self, id: ContentId) -> Option<u64> {
        self.data.upload_offset(id).await.expect("the offset of an upload can be asked for")
    }

    /// All contents, page by page; none may come twice.
    pub async fn list(&self, limit: usize) -> Vec<ContentEntry> {
        let (mut entries, mut after) = (Vec::<ContentEntry>::new(), None);
        loop {
            let page = self.data.list(after, limit).await.expect("contents can be listed");
            assert!(page.contents.len() <= limit, "a page has {} contents", page.contents.len());
            for entry in page.contents {
                assert!(entries.iter().all(|other| other.id != entry.id), "{entry:?} comes twice");
                entries.push(entry);
            }
            after = match page.next {
                Some(next) => Some(next),
                None => return entries,
            };
        }
    }

    /// That nothing of an id is there, and the id is free.
    pub async fn expect_nothing(&self, id: ContentId) {
        assert_eq!(self.data.head(id).await.expect("a content can be asked for"), None);
        assert!(self.data.get(id, ByteRange::All).await.expect("a content can be asked for").is_none());
        assert!(self.list(100).await.iter().all(|entry| entry.id != id));
        self.put_as(id, b"free").await.expect("the id is free");
        assert_eq!(self.read(id).await, b"free");
    }
}

/// So many bytes that look random and are always the same for the same seed.
pub fn sample(size: usize, seed: u64) -> Vec<u8> {
    let mut state = (seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut bytes: Vec<u8> = (0..size.div_ceil(8)).flat_map(|_| next().to_le_bytes()).collect();
    bytes.truncate(size);
    bytes
}

/// The checksum of bytes, computed apart from the core's own meter.
pub fn checksum(bytes: &[u8]) -> Checksum {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    Checksum::new(digest.as_ref().try_into().expect("SHA-256 has 32 bytes"))
}

/// Bytes in one piece.
pub fn whole(bytes: &[u8]) -> DataStream {
    pieces(bytes, &[usize::MAX])
}

/// Bytes in pieces of the sizes given, over and over.
pub fn pieces(bytes: &[u8], sizes: &[usize]) -> DataStream {
    let mut rest = bytes::Bytes::copy_from_slice(bytes);
    let mut sizes: Vec<usize> = sizes.to_vec();
    let pieces = std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        sizes.rotate_left(1);
        let size = sizes.last().copied().unwrap_or(usize::MAX);
        Some(Ok(rest.split_to(size.min(rest.len()))))
    });
    stream::iter(pieces).boxed()
}

/// Bytes in pieces, and then an error (Unavailable, "the client went away").
pub fn broken(bytes: &[u8]) -> DataStream {
    let end = stream::once(std::future::ready(Err(Error::unavailable("the client went away"))));
    pieces(bytes, &[10_007]).chain(end).boxed()
}

/// Pieces without end.
pub fn endless() -> DataStream {
    let piece = bytes::Bytes::from(sample(10_000, 99));
    stream::repeat_with(move || Ok(piece.clone())).boxed()
}

/// All bytes of a stream.
pub async fn collect(data: DataStream) -> Result<Vec<u8>> {
    data.try_fold(Vec::new(), |mut bytes, piece| async move {
        bytes.extend_from_slice(&piece);
        Ok(bytes)
    })
    .await
}

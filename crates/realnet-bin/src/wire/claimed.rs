//! A storage that several servers share, behind what is known of whose it is: it takes nothing before it is known to be that of this
//! database, since whose it is would sweep what a stranger put there; and nothing is removed from it by a database that may be a copy
//! of the one whose contents these are.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use async_trait::async_trait;
use bytes::Bytes;
use realnet_core::clock::Timestamp;
use realnet_core::provider::{
    ByteRange, Content, ContentId, ContentPage, ContentRead, DataCapabilities, DataProvider, DataStream,
    DownloadTerms, Expectation, SignedRequest, UploadProvider, UploadTerms, Usage,
};
use realnet_core::{Error, Result};

/// A storage with the knowledge whether it is ours.
pub(super) struct Claimed {
    storage: Arc<dyn DataProvider>,
    known: Mutex<Known>,
}

/// What is known of a storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Known {
    is_ours: bool,
    /// Until when contents may be removed.
    until: Option<Instant>,
}

impl Claimed {
    /// A storage that nobody has claimed yet.
    pub(super) fn new(storage: Arc<dyn DataProvider>) -> Self {
        Self { storage, known: Mutex::default() }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // It is whole even when somebody panicked beside it.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From here on it takes contents. `until`: when contents may be removed until a moment, and not only until the one known before.
    /// Answers whether it did not take any until now.
    pub(super) fn open(&self, until: Option<Instant>) -> bool {
        let mut known = self.known();
        known.until = known.until.max(until);
        !std::mem::replace(&mut known.is_ours, true)
    }

    /// From here on it takes none. Answers whether it did until now.
    pub(super) fn close(&self) -> bool {
        std::mem::take(&mut *self.known()).is_ours
    }

    /// Whether it takes contents.
    pub(super) fn is_open(&self) -> bool {
        self.known().is_ours
    }

    /// Whether contents may be removed.
    pub(super) fn gives_up(&self) -> bool {
        let known = *self.known();
        known.is_ours && known.until.is_some_and(|until| Instant::now() < until)
    }

    /// The storage, for what writes to it.
    fn writable(&self) -> Result<&dyn DataProvider> {
        if self.is_open() {
            return Ok(&*self.storage);
        }
        Err(Error::unavailable("the storage takes no contents for now"))
    }

    /// The storage, for what removes contents.
    fn removable(&self) -> Result<&dyn DataProvider> {
        if self.gives_up() {
            return Ok(&*self.storage);
        }
        Err(Error::unavailable("no contents are removed before it is certain whose they are"))
    }
}

#[async_trait]
impl DataProvider for Claimed {
    fn capabilities(&self) -> DataCapabilities {
        self.storage.capabilities()
    }

    async fn put(&self, id: ContentId, data: DataStream, expected: Expectation) -> Result<Content> {
        self.writable()?.put(id, data, expected).await
    }

    async fn get(&self, id: ContentId, range: ByteRange) -> Result<Option<ContentRead>> {
        self.storage.get(id, range).await
    }

    async fn head(&self, id: ContentId) -> Result<Option<Content>> {
        self.storage.head(id).await
    }

    async fn delete(&self, id: ContentId) -> Result<bool> {
        self.removable()?.delete(id).await
    }

    async fn copy(&self, from: ContentId, to: ContentId) -> Result<Option<Content>> {
        self.writable()?.copy(from, to).await
    }

    async fn list(&self, after: Option<ContentId>, limit: usize) -> Result<ContentPage> {
        self.storage.list(after, limit).await
    }

    async fn usage(&self) -> Result<Usage> {
        self.storage.usage().await
    }

    async fn check(&self) -> Result<()> {
        self.writable()?.check().await
    }

    async fn mark(&self) -> Result<Option<Bytes>> {
        self.storage.mark().await
    }

    async fn replace_mark(&self, current: Option<&[u8]>, next: Bytes) -> Result<bool> {
        self.storage.replace_mark(current, next).await
    }

    async fn presign_upload(&self, id: ContentId, terms: &UploadTerms) -> Result<SignedRequest> {
        self.writable()?.presign_upload(id, terms).await
    }

    async fn presign_download(&self, id: ContentId, terms: &DownloadTerms) -> Result<SignedRequest> {
        self.storage.presign_download(id, terms).await
    }
}

#[async_trait]
impl UploadProvider for Claimed {
    async fn begin_upload(&self, id: ContentId) -> Result<()> {
        self.writable()?.begin_upload(id).await
    }

    async fn append_upload(
        &self,
        id: ContentId,
        offset: u64,
        data: DataStream,
        limit: Option<u64>,
    ) -> Result<u64> {
        self.writable()?.append_upload(id, offset, data, limit).await
    }

    async fn upload_offset(&self, id: ContentId) -> Result<Option<u64>> {
        self.storage.upload_offset(id).await
    }

    async fn finish_upload(&self, id: ContentId, expected: Expectation) -> Result<Content> {
        self.writable()?.finish_upload(id, expected).await
    }

    async fn abort_upload(&self, id: ContentId) -> Result<bool> {
        self.removable()?.abort_upload(id).await
    }

    async fn expire_uploads(&self, unused_since: Timestamp) -> Result<u64> {
        self.removable()?.expire_uploads(unused_since).await
    }
}

#[cfg(test)]
mod tests {
    use futures::stream::{self, StreamExt as _};
    use realnet_core::ErrorKind;
    use realnet_core::clock::{Clock as _, IdSource as _, System};
    use realnet_provider_generic::MemoryData;

    use super::*;

    #[tokio::test]
    async fn nothing_is_written_before_it_is_ours() {
        let memory = Arc::new(MemoryData::with_quota(None));
        let claimed = Claimed::new(memory);
        let id = ContentId::new(System.next_id());
        let data = || -> DataStream { stream::iter([Ok(bytes::Bytes::from_static(b"abc"))]).boxed() };
        let refused = [
            claimed.put(id, data(), Expectation::default()).await.err(),
            claimed.copy(id, id).await.err(),
            claimed.begin_upload(id).await.err(),
            claimed.append_upload(id, 0, data(), None).await.err(),
            claimed.finish_upload(id, Expectation::default()).await.err(),
            claimed.check().await.err(),
            claimed.delete(id).await.err(),
            claimed.abort_upload(id).await.err(),
            claimed.expire_uploads(System.now()).await.err(),
        ];
        for error in refused {
            assert_eq!(error.map(|error| error.kind()), Some(ErrorKind::Unavailable));
        }
        assert!(claimed.get(id, ByteRange::All).await.unwrap().is_none());
        assert!(claimed.open(None) && !claimed.open(None));
        assert_eq!(claimed.put(id, data(), Expectation::default()).await.unwrap().size, 3);
    }

    #[tokio::test]
    async fn nothing_is_removed_before_it_is_certain() {
        let claimed = Claimed::new(Arc::new(MemoryData::new()));
        let id = ContentId::new(System.next_id());
        claimed.open(None);
        let data = stream::iter([Ok(bytes::Bytes::from_static(b"abc"))]).boxed();
        claimed.put(id, data, Expectation::default()).await.unwrap();
        let soon = Instant::now() + std::time::Duration::from_mins(1);
        for until in [None, Some(Instant::now())] {
            claimed.open(until);
            assert!(!claimed.gives_up());
            assert_eq!(claimed.delete(id).await.unwrap_err().kind(), ErrorKind::Unavailable);
            assert_eq!(claimed.abort_upload(id).await.unwrap_err().kind(), ErrorKind::Unavailable);
        }
        claimed.open(Some(soon));
        // A look that says nothing new takes nothing back.
        claimed.open(None);
        assert!(claimed.delete(id).await.unwrap());
        assert!(claimed.close() && !claimed.close() && !claimed.gives_up());
        claimed.open(None);
        assert!(!claimed.gives_up(), "what was known of before counts no more");
    }
}

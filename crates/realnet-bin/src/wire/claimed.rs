//! A storage that takes nothing before it is known to be that of this database: whose it is would sweep what a stranger put there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use realnet_core::clock::Timestamp;
use realnet_core::provider::{
    ByteRange, Content, ContentId, ContentPage, ContentRead, DataCapabilities, DataProvider, DataStream,
    DownloadTerms, Expectation, SignedRequest, UploadProvider, UploadTerms, Usage,
};
use realnet_core::{Error, Result};

/// A storage with the knowledge whether it is ours.
pub(super) struct Claimed {
    storage: Arc<dyn DataProvider>,
    is_ours: AtomicBool,
}

impl Claimed {
    /// A storage that nobody has claimed yet.
    pub(super) fn new(storage: Arc<dyn DataProvider>) -> Self {
        Self { storage, is_ours: AtomicBool::new(false) }
    }

    /// From here on it takes contents.
    pub(super) fn open(&self) {
        self.is_ours.store(true, Ordering::Relaxed);
    }

    /// The storage, for what writes to it.
    fn writable(&self) -> Result<&dyn DataProvider> {
        if self.is_ours.load(Ordering::Relaxed) {
            return Ok(&*self.storage);
        }
        Err(Error::unavailable("the storage takes no contents for now"))
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
        self.storage.delete(id).await
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
        self.storage.abort_upload(id).await
    }

    async fn expire_uploads(&self, unused_since: Timestamp) -> Result<u64> {
        self.writable()?.expire_uploads(unused_since).await
    }
}

#[cfg(test)]
mod tests {
    use futures::stream::{self, StreamExt as _};
    use realnet_core::ErrorKind;
    use realnet_core::clock::{IdSource as _, System};
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
        ];
        for error in refused {
            assert_eq!(error.map(|error| error.kind()), Some(ErrorKind::Unavailable));
        }
        assert!(claimed.get(id, ByteRange::All).await.unwrap().is_none());
        claimed.open();
        assert_eq!(claimed.put(id, data(), Expectation::default()).await.unwrap().size, 3);
    }
}

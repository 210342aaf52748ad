//! A storage that takes nothing on command.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use realnet_core::Result;
use realnet_core::clock::Timestamp;
use realnet_core::provider::{
    ByteRange, Content, ContentId, ContentPage, ContentRead, DataCapabilities, DataProvider, DataStream,
    Expectation, UploadProvider, Usage,
};
use realnet_provider_generic::MemoryData;

/// The storage in memory, unless it is stuck: then it never looks at what it is given.
#[derive(Clone)]
pub struct Stuck {
    pub data: MemoryData,
    sticks: Arc<AtomicBool>,
    waiting: Arc<AtomicUsize>,
}

/// A content that is not taken.
struct Waiting(Arc<AtomicUsize>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Stuck {
    pub fn new(data: MemoryData) -> Self {
        Self { data, sticks: Arc::default(), waiting: Arc::default() }
    }

    /// Begins to take nothing, or goes on.
    pub fn stick(&self, sticks: bool) {
        self.sticks.store(sticks, Ordering::SeqCst);
    }

    /// How many contents it was given, and has not looked at.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::SeqCst)
    }

    /// Holds a stream without an end, when it is stuck.
    async fn wait(&self, data: DataStream) -> DataStream {
        if self.sticks.load(Ordering::SeqCst) {
            self.waiting.fetch_add(1, Ordering::SeqCst);
            let _waiting = Waiting(Arc::clone(&self.waiting));
            std::future::pending::<()>().await;
        }
        data
    }
}

#[async_trait]
impl DataProvider for Stuck {
    fn capabilities(&self) -> DataCapabilities {
        self.data.capabilities()
    }

    async fn put(&self, id: ContentId, data: DataStream, expected: Expectation) -> Result<Content> {
        let data = self.wait(data).await;
        self.data.put(id, data, expected).await
    }

    async fn get(&self, id: ContentId, range: ByteRange) -> Result<Option<ContentRead>> {
        self.data.get(id, range).await
    }

    async fn head(&self, id: ContentId) -> Result<Option<Content>> {
        self.data.head(id).await
    }

    async fn delete(&self, id: ContentId) -> Result<bool> {
        self.data.delete(id).await
    }

    async fn list(&self, after: Option<ContentId>, limit: usize) -> Result<ContentPage> {
        self.data.list(after, limit).await
    }

    async fn usage(&self) -> Result<Usage> {
        self.data.usage().await
    }

    async fn check(&self) -> Result<()> {
        self.data.check().await
    }
}

#[async_trait]
impl UploadProvider for Stuck {
    async fn begin_upload(&self, id: ContentId) -> Result<()> {
        self.data.begin_upload(id).await
    }

    async fn append_upload(
        &self,
        id: ContentId,
        offset: u64,
        data: DataStream,
        limit: Option<u64>,
    ) -> Result<u64> {
        let data = self.wait(data).await;
        self.data.append_upload(id, offset, data, limit).await
    }

    async fn upload_offset(&self, id: ContentId) -> Result<Option<u64>> {
        self.data.upload_offset(id).await
    }

    async fn finish_upload(&self, id: ContentId, expected: Expectation) -> Result<Content> {
        self.data.finish_upload(id, expected).await
    }

    async fn abort_upload(&self, id: ContentId) -> Result<bool> {
        self.data.abort_upload(id).await
    }

    async fn expire_uploads(&self, unused_since: Timestamp) -> Result<u64> {
        self.data.expire_uploads(unused_since).await
    }
}

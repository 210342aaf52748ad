//! Contents in a bucket of S3, or of a server that speaks as S3 does.
//!
//! ```text
//! contents/ID          a content of one part: its bytes, with their checksum; of a large one: no bytes, but size, checksum, NONCE
//! data/ID/NONCE        the bytes of a large content, sent as a multipart upload
//! uploads/ID           an upload in several requests: what is known of it, and its last bytes
//! incoming/ID          what a client has sent by itself, with a signed request
//! mark                 whose all of it is
//! ```
//!
//! A content is there as soon as the object under `contents` is, which is put last, by one request that no other may precede
//! (`If-None-Match: *`): what is sent in parts gets a key of its own before, where nobody looks for it. What a crash leaves under
//! `data`, and parts of uploads that were never ended, are found by [`sweep`].

mod bucket;
mod content;
mod fault;
mod hash;
mod hold;
mod mark;
mod multipart;
mod options;
mod presign;
mod publish;
mod put;
mod read;
mod record;
mod room;
mod sweep;
mod uploads;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use realnet_core::clock::Timestamp;
use realnet_core::provider::{
    ByteRange, Content, ContentId, ContentPage, ContentRead, DataCapabilities, DataProvider, DataStream,
    DownloadTerms, Expectation, SignedRequest, UploadProvider, UploadTerms, Usage,
};
use realnet_core::{Error, ErrorKind, Result};
use tokio::sync::Semaphore;

use self::bucket::Bucket;
use self::hold::{Holders, Turns};
pub use self::options::{S3Keys, S3Options};
use self::room::Room;

/// How many parts all uploads together send beside the one that each may send.
const FURTHER_PARTS: usize = 8;

/// Contents in a bucket. Several processes may use the same. Clones are the same store.
#[derive(Clone)]
pub struct S3Data {
    store: Arc<Store>,
}

/// What all calls work with.
struct Store {
    bucket: Bucket,
    /// Who works on an upload.
    holders: Arc<Holders>,
    /// Who decides on a content.
    turns: Turns,
    /// Leave to send a further part at the same time, for all uploads together.
    further: Arc<Semaphore>,
    /// The memory of all uploads.
    room: Room,
}

impl S3Data {
    /// A store in a bucket that is there. Nothing is asked of it yet: [`DataProvider::check`] does.
    ///
    /// # Errors
    /// InvalidInput when the options make no sense, naming them; Internal when this machine has no certificates to trust.
    pub fn open(options: S3Options) -> Result<Self> {
        options.check()?;
        let store = Store {
            bucket: Bucket::open(options)?,
            holders: Arc::default(),
            turns: Turns::default(),
            further: Arc::new(Semaphore::new(FURTHER_PARTS)),
            room: Room::default(),
        };
        Ok(Self { store: Arc::new(store) })
    }
}

impl std::fmt::Debug for S3Data {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "S3Data({})", self.store.bucket)
    }
}

/// That an id is taken.
fn taken(id: ContentId) -> Error {
    Error::new(ErrorKind::Conflict, format!("there is an upload or a content {id} already"))
}

#[async_trait]
impl DataProvider for S3Data {
    fn capabilities(&self) -> DataCapabilities {
        DataCapabilities { name: "s3", durable: true, shared: true, presigned: true, quota: false }
    }

    async fn put(&self, id: ContentId, data: DataStream, expected: Expectation) -> Result<Content> {
        put::put(&self.store, id, data, expected).await
    }

    async fn get(&self, id: ContentId, range: ByteRange) -> Result<Option<ContentRead>> {
        read::get(&self.store, id, range).await
    }

    async fn head(&self, id: ContentId) -> Result<Option<Content>> {
        Ok(content::find(&self.store.bucket, id).await?.map(|found| found.content))
    }

    async fn delete(&self, id: ContentId) -> Result<bool> {
        content::delete(&self.store, id).await
    }

    async fn list(&self, after: Option<ContentId>, limit: usize) -> Result<ContentPage> {
        content::list(&self.store.bucket, after, limit.max(1)).await
    }

    async fn usage(&self) -> Result<Usage> {
        Ok(Usage::default())
    }

    async fn check(&self) -> Result<()> {
        self.store.bucket.check().await
    }

    async fn mark(&self) -> Result<Option<Bytes>> {
        mark::read(&self.store.bucket).await
    }

    async fn replace_mark(&self, current: Option<&[u8]>, next: Bytes) -> Result<bool> {
        mark::replace(&self.store.bucket, current, next).await
    }

    async fn presign_upload(&self, id: ContentId, terms: &UploadTerms) -> Result<SignedRequest> {
        presign::upload(&self.store.bucket, id, terms).await
    }

    async fn presign_download(&self, id: ContentId, terms: &DownloadTerms) -> Result<SignedRequest> {
        presign::download(&self.store.bucket, id, terms).await
    }
}

#[async_trait]
impl UploadProvider for S3Data {
    async fn begin_upload(&self, id: ContentId) -> Result<()> {
        uploads::begin(&self.store, id).await
    }

    async fn append_upload(
        &self,
        id: ContentId,
        offset: u64,
        data: DataStream,
        limit: Option<u64>,
    ) -> Result<u64> {
        uploads::append(&self.store, id, offset, data, limit).await
    }

    async fn upload_offset(&self, id: ContentId) -> Result<Option<u64>> {
        uploads::offset(&self.store, id).await
    }

    async fn finish_upload(&self, id: ContentId, expected: Expectation) -> Result<Content> {
        uploads::finish(&self.store, id, expected).await
    }

    async fn abort_upload(&self, id: ContentId) -> Result<bool> {
        uploads::abort(&self.store, id).await
    }

    async fn expire_uploads(&self, unused_since: Timestamp) -> Result<u64> {
        sweep::expire(&self.store, unused_since).await
    }
}

//! Uploads that come in several requests: begun, continued where they ended, and finished into a content.

use async_trait::async_trait;

use super::{Content, ContentId, DataStream, Expectation};
use crate::clock::Timestamp;
use crate::error::Result;

/// Keeps unfinished uploads, each under the id that its content will have. Who may write to one, how long it shall be and what
/// becomes of it is known to who began it; the store knows its bytes.
///
/// One caller writes at a time: whoever else appends, finishes or aborts meanwhile is refused with Conflict.
#[async_trait]
pub trait UploadProvider: Send + Sync {
    /// Begins an empty upload. Conflict when the id is taken by an upload or a content.
    async fn begin_upload(&self, id: ContentId) -> Result<()>;

    /// Adds bytes at the end of an upload, which must be at `offset`; answers where the end is then. These bytes are durable.
    /// When the stream fails, what has come before is kept: [`Self::upload_offset`] says how much that is.
    ///
    /// # Errors
    /// NotFound without such an upload. Conflict when its end is elsewhere. TooLarge when the upload would have more than
    /// `limit` bytes, or a quota is exceeded; as much as fits may have been kept. The stream's own.
    async fn append_upload(
        &self,
        id: ContentId,
        offset: u64,
        data: DataStream,
        limit: Option<u64>,
    ) -> Result<u64>;

    /// Where the end of an upload is; `None` when there is none, or when it has been finished.
    async fn upload_offset(&self, id: ContentId) -> Result<Option<u64>>;

    /// Makes a content of an upload. One that has been finished already answers its content again, so that who has lost the
    /// answer can ask once more. A refusal leaves the upload as it was.
    ///
    /// # Errors
    /// NotFound without such an upload. Those of [`Expectation::check`].
    async fn finish_upload(&self, id: ContentId, expected: Expectation) -> Result<Content>;

    /// Removes an upload; answers whether there was one. A finished one is a content and stays.
    async fn abort_upload(&self, id: ContentId) -> Result<bool>;

    /// Removes the uploads that nobody has written to since, by the store's clock; answers how many.
    async fn expire_uploads(&self, unused_since: Timestamp) -> Result<u64>;
}

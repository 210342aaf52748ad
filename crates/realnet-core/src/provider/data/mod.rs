//! Contents: the bytes of files, kept apart from items.
//!
//! A content is a run of bytes under an id that is made for it alone, when its upload begins, and never comes from a user. It
//! is written once and never changed: to replace the content of an item is to put a new content, to commit the item that
//! names it, and to delete the old one. So the item's commit is the moment of the change, whoever reads sees the old bytes or
//! the new ones, and what goes wrong between the steps leaves a content that no item names, which a sweep of
//! [`DataProvider::list`] finds. A content belongs to one item: copying an item copies its content.

mod content;
mod meter;
mod owned;
mod presigned;
mod range;
mod source;
mod uploads;
mod verified;

use async_trait::async_trait;
use bytes::Bytes;

pub use content::{Checksum, Content, ContentEntry, ContentId, ContentPage, ContentRead, DataStream, Usage};
pub use meter::{Expectation, Meter};
pub use owned::OwnedContents;
pub use presigned::{DownloadTerms, SignedRequest, UploadTerms};
pub use range::ByteRange;
pub use source::ContentSource;
pub use uploads::UploadProvider;
pub use verified::DataProviderExt;

use crate::error::{Error, ErrorKind, Result};

/// What a store of contents can do by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "independent abilities")]
pub struct DataCapabilities {
    /// Name of the store, for messages: `local`, `memory`, `s3`.
    pub name: &'static str,
    /// Survives the end of the process.
    pub durable: bool,
    /// May be used by several processes at once.
    pub shared: bool,
    /// Signs requests with which a client sends and fetches contents by itself.
    pub presigned: bool,
    /// Can be given a bound of bytes, and counts them.
    pub quota: bool,
}

impl DataCapabilities {
    /// The refusal of what this store can not do.
    pub fn refuse(&self, what: &str) -> Error {
        Error::new(ErrorKind::Unsupported, format!("the {} storage does not offer {what}", self.name))
    }
}

/// A store of contents. However large a content is, a call holds a small part of it in memory at a time.
#[async_trait]
pub trait DataProvider: UploadProvider {
    /// What the store can do.
    fn capabilities(&self) -> DataCapabilities;

    /// Stores a content. It is there, whole and durable, when the call answers; when it fails or is given up before that,
    /// nothing is left of it.
    ///
    /// # Errors
    /// Those of the stream, as they are. Those of [`Expectation::check`], as soon as it is clear. Conflict when the id is
    /// taken; of several who take the same, one wins. TooLarge when a quota is exceeded.
    async fn put(&self, id: ContentId, data: DataStream, expected: Expectation) -> Result<Content>;

    /// A content or part of it; `None` when there is none. The stream gives the bytes of the range, no more and no fewer, or
    /// ends with an error; a deletion does not change what is read already.
    ///
    /// # Errors
    /// Those of [`ByteRange::resolve`].
    async fn get(&self, id: ContentId, range: ByteRange) -> Result<Option<ContentRead>>;

    /// What is known of a content; `None` when there is none.
    async fn head(&self, id: ContentId) -> Result<Option<Content>>;

    /// Removes a content; answers whether there was one.
    async fn delete(&self, id: ContentId) -> Result<bool>;

    /// Stores the bytes of a content once more under another id, after comparing them with their checksum; `None` when
    /// there is no such content. Conflict when the id is taken.
    async fn copy(&self, from: ContentId, to: ContentId) -> Result<Option<Content>> {
        let Some(read) = self.get(from, ByteRange::All).await? else { return Ok(None) };
        let expected = Expectation::of(&read.content);
        self.put(to, verified::verified(read).data, expected).await.map(Some)
    }

    /// The contents behind one, in the store's own order, at most `limit` (which is at least 1). Each that is there all the
    /// time is in one page; the one to go on behind may be gone.
    async fn list(&self, after: Option<ContentId>, limit: usize) -> Result<ContentPage>;

    /// How much is stored.
    async fn usage(&self) -> Result<Usage>;

    /// Whether the store answers and takes contents; an error says why not.
    async fn check(&self) -> Result<()>;

    /// What stands on the store beside its contents, so that those who share it know whose it is; `None`: nothing yet.
    ///
    /// # Errors
    /// Unsupported where [`DataCapabilities::shared`] is false: who has such a store has it alone.
    async fn mark(&self) -> Result<Option<Bytes>> {
        Err(self.capabilities().refuse("a mark"))
    }

    /// Writes another mark, if `current` is still the one that stands there; answers whether it is. Of several who replace the same,
    /// one does. Marks are short and no two are alike: one that is written already counts as written by this call.
    ///
    /// # Errors
    /// Those of [`Self::mark`].
    async fn replace_mark(&self, _current: Option<&[u8]>, _next: Bytes) -> Result<bool> {
        Err(self.capabilities().refuse("a mark"))
    }

    /// A request with which a client sends the bytes of an upload by itself; [`UploadProvider::finish_upload`] ends it.
    ///
    /// # Errors
    /// Unsupported where [`DataCapabilities::presigned`] is false.
    async fn presign_upload(&self, _id: ContentId, _terms: &UploadTerms) -> Result<SignedRequest> {
        Err(self.capabilities().refuse("uploads by signed requests"))
    }

    /// A request with which a client fetches a content by itself.
    ///
    /// # Errors
    /// Unsupported where [`DataCapabilities::presigned`] is false.
    async fn presign_download(&self, _id: ContentId, _terms: &DownloadTerms) -> Result<SignedRequest> {
        Err(self.capabilities().refuse("downloads by signed requests"))
    }
}

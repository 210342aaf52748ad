//! Contents that are only read: of a store, or of one that another process has open.

use async_trait::async_trait;

use super::{ByteRange, ContentId, ContentRead, DataProvider};
use crate::error::Result;

/// Gives contents as a whole.
#[async_trait]
pub trait ContentSource: Send + Sync {
    /// A whole content, whose stream ends with an error when the bytes are not those that were stored; `None` when there is none.
    async fn content(&self, id: ContentId) -> Result<Option<ContentRead>>;
}

#[async_trait]
impl<P: DataProvider> ContentSource for P {
    async fn content(&self, id: ContentId) -> Result<Option<ContentRead>> {
        Ok(self.get(id, ByteRange::All).await?.map(ContentRead::verified))
    }
}

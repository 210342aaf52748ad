//! Contents compared with their checksums while they are read.

use async_trait::async_trait;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};

use super::{ByteRange, Content, ContentId, ContentRead, DataProvider, Meter};
use crate::error::{Error, Result};

/// What can be done with every store of contents.
#[async_trait]
pub trait DataProviderExt: DataProvider {
    /// A whole content, whose stream ends with an error (Internal, naming the content) when the bytes are not those that
    /// were stored. They have been given by then: who must not act on others waits for the end.
    async fn get_verified(&self, id: ContentId) -> Result<Option<ContentRead>> {
        Ok(self.get(id, ByteRange::All).await?.map(verified))
    }

    /// Reads a content to compare it with its checksum; `None` when there is none.
    ///
    /// # Errors
    /// Internal, naming the content, when it is damaged.
    async fn verify(&self, id: ContentId) -> Result<Option<Content>> {
        let Some(read) = self.get_verified(id).await? else { return Ok(None) };
        read.data.try_for_each(|_| std::future::ready(Ok(()))).await?;
        Ok(Some(read.content))
    }
}

impl<P: DataProvider + ?Sized> DataProviderExt for P {}

impl ContentRead {
    /// The read of a whole content, with a comparison behind its last byte.
    pub fn verified(self) -> Self {
        verified(self)
    }
}

/// A read of a whole content, with the comparison behind its last byte.
pub(super) fn verified(read: ContentRead) -> ContentRead {
    let content = read.content;
    let data = stream::try_unfold((read.data, Meter::new()), move |(mut data, mut meter)| async move {
        if let Some(bytes) = data.try_next().await? {
            meter.update(&bytes);
            return Ok(Some((bytes, (data, meter))));
        }
        let (size, checksum) = (meter.size(), meter.checksum());
        if (size, checksum) == (content.size, content.checksum) {
            return Ok(None);
        }
        let Content { id, size: stored, checksum: known } = content;
        Err(Error::internal(format!(
            "content {id} is damaged: it has {size} bytes with the checksum {checksum}, stored were {stored} with {known}"
        )))
    });
    ContentRead { data: data.boxed(), ..read }
}

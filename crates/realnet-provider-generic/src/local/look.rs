//! A look at the contents of a folder that a server may have open. A content is written once and never changed, so that who
//! reads needs no lock.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use realnet_core::Result;
use realnet_core::provider::{ByteRange, ContentId, ContentRead, ContentSource};

use super::tree::Tree;
use super::{open, read};

/// The contents of a folder, to be read only.
#[derive(Clone)]
pub struct LocalLook {
    tree: Arc<Tree>,
}

impl LocalLook {
    /// Sees that the folder holds contents. Blocks the thread for a moment.
    ///
    /// # Errors
    /// NotFound when there is none there; Conflict when it is of a newer format. Messages name the folder.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        Ok(Self { tree: Arc::new(open::look(folder.as_ref())?) })
    }
}

impl std::fmt::Debug for LocalLook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LocalLook(…)")
    }
}

#[async_trait]
impl ContentSource for LocalLook {
    async fn content(&self, id: ContentId) -> Result<Option<ContentRead>> {
        Ok(read::get(Arc::clone(&self.tree), id, ByteRange::All).await?.map(ContentRead::verified))
    }
}

//! Contents as files in a folder.
//!
//! ```text
//! realnet-data                 what the folder is; locked while it is open
//! contents/ef/cd/ID-SIZE-SHA   one file for each content, as it was uploaded
//! uploads/ID                   uploads that come in several requests, up to where they are
//! staging/…                    uploads under way; emptied at start
//! ```
//!
//! A content is written in the staging folder, made durable, and gets its name by one rename, which is made durable before it
//! is acknowledged: what a crash leaves is a whole content or none. Every path is made of ids of this program's own, and
//! nothing below the folder is followed that is a link. Files are read and written by threads for blocking work, in blocks.

mod flush;
mod held;
mod look;
mod name;
mod open;
mod pump;
mod put;
mod read;
mod tree;
mod uploads;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use realnet_core::clock::Timestamp;
use realnet_core::provider::{
    ByteRange, Content, ContentId, ContentPage, ContentRead, DataCapabilities, DataProvider, DataStream,
    Expectation, UploadProvider, Usage,
};
use realnet_core::{Error, Result};

use self::held::Holders;
pub use self::look::LocalLook;
use self::pump::blocking;
use self::tree::Tree;
use crate::files;
use crate::quota::Quota;

/// How a folder is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LocalOptions {
    /// The most bytes of contents and unfinished uploads together; `None`: as many as the disk takes.
    pub quota: Option<u64>,
}

/// Contents in a folder of this machine, which one process uses at a time. Clones are the same store.
#[derive(Clone)]
pub struct LocalData {
    shared: Arc<Shared>,
}

/// What all calls work with.
struct Shared {
    tree: Arc<Tree>,
    staging: PathBuf,
    uploads: PathBuf,
    quota: Arc<Quota>,
    holders: Arc<Holders>,
    /// Counts staged files.
    serial: AtomicU64,
    /// Locked as long as the store is open. The system releases it when the process ends, however it ends.
    _mark: File,
}

impl Shared {
    /// A new file in the staging folder.
    fn stage(&self, id: ContentId) -> Result<(File, PathBuf)> {
        let serial = self.serial.fetch_add(1, Ordering::Relaxed);
        let path = self.staging.join(format!("{id}-{serial}"));
        let file = files::create(&path)?;
        let file = file.ok_or_else(|| Error::internal(format!("{} is there already", path.display())))?;
        Ok((file, path))
    }

    /// The file of an upload.
    fn upload(&self, id: ContentId) -> PathBuf {
        self.uploads.join(id.to_string())
    }
}

impl LocalData {
    /// Opens a folder, which is made if it is not there. Blocks the thread; with a quota for as long as it takes to list all
    /// files.
    ///
    /// # Errors
    /// Conflict when another process has it, when it holds something else, or a newer format; Unavailable when it can not be
    /// read and written. Messages name the folder: they are for who runs the server.
    pub fn open(folder: impl AsRef<Path>, options: LocalOptions) -> Result<Self> {
        Ok(Self { shared: Arc::new(open::open(folder.as_ref(), options)?) })
    }

    /// Runs what blocks on a thread for that.
    async fn run<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Arc<Shared>) -> Result<T> + Send + 'static,
    {
        let shared = Arc::clone(&self.shared);
        blocking(move || work(&shared)).await
    }
}

impl std::fmt::Debug for LocalData {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LocalData({})", self.shared.staging.parent().unwrap_or(&self.shared.staging).display())
    }
}

#[async_trait]
impl DataProvider for LocalData {
    fn capabilities(&self) -> DataCapabilities {
        DataCapabilities { name: "local", durable: true, shared: false, presigned: false, quota: true }
    }

    async fn put(&self, id: ContentId, data: DataStream, expected: Expectation) -> Result<Content> {
        put::put(&self.shared, id, data, expected).await
    }

    async fn get(&self, id: ContentId, range: ByteRange) -> Result<Option<ContentRead>> {
        read::get(Arc::clone(&self.shared.tree), id, range).await
    }

    async fn head(&self, id: ContentId) -> Result<Option<Content>> {
        self.run(move |shared| Ok(shared.tree.find(id)?.map(|(content, _)| content))).await
    }

    async fn delete(&self, id: ContentId) -> Result<bool> {
        self.run(move |shared| {
            let Some((content, path)) = shared.tree.find(id)? else { return Ok(false) };
            let removed = files::remove(&path)?;
            // Of several who remove it, one gives its bytes back.
            shared.quota.release(if removed { content.size } else { 0 });
            Ok(removed)
        })
        .await
    }

    async fn list(&self, after: Option<ContentId>, limit: usize) -> Result<ContentPage> {
        self.run(move |shared| shared.tree.list(after, limit.max(1))).await
    }

    async fn usage(&self) -> Result<Usage> {
        Ok(self.shared.quota.usage())
    }

    async fn check(&self) -> Result<()> {
        self.run(|shared| {
            let (file, path) = shared.stage(ContentId::new(realnet_core::Uuid::nil()))?;
            let written = std::io::Write::write_all(&mut &file, b"?");
            files::remove(&path)?;
            written.map_err(|error| files::failed("written", &path, error))
        })
        .await
    }
}

#[async_trait]
impl UploadProvider for LocalData {
    async fn begin_upload(&self, id: ContentId) -> Result<()> {
        self.run(move |shared| uploads::begin(shared, id)).await
    }

    async fn append_upload(
        &self,
        id: ContentId,
        offset: u64,
        data: DataStream,
        limit: Option<u64>,
    ) -> Result<u64> {
        uploads::append(&self.shared, id, offset, data, limit).await
    }

    async fn upload_offset(&self, id: ContentId) -> Result<Option<u64>> {
        self.run(move |shared| uploads::offset(shared, id)).await
    }

    async fn finish_upload(&self, id: ContentId, expected: Expectation) -> Result<Content> {
        self.run(move |shared| uploads::finish(shared, id, expected)).await
    }

    async fn abort_upload(&self, id: ContentId) -> Result<bool> {
        self.run(move |shared| uploads::abort(shared, id)).await
    }

    async fn expire_uploads(&self, unused_since: Timestamp) -> Result<u64> {
        self.run(move |shared| uploads::expire(shared, unused_since)).await
    }
}

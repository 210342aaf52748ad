//! Unfinished uploads in memory. Who writes to one has its bytes; the others see where it was.

use async_trait::async_trait;
use futures::stream::TryStreamExt as _;
use realnet_core::clock::Timestamp;
use realnet_core::provider::{Content, ContentId, DataStream, Expectation, Meter, UploadProvider};
use realnet_core::{Error, Result};

use super::{MemoryData, State};

/// An upload.
pub(super) struct Upload {
    offset: u64,
    used_at: Timestamp,
    /// What there is of it; `None` while somebody writes.
    part: Option<Part>,
}

/// The bytes that have come.
#[derive(Default)]
struct Part {
    meter: Meter,
    bytes: Vec<u8>,
}

/// Leave to write to an upload; what has come is put back when it is dropped.
struct Writing<'a> {
    store: &'a MemoryData,
    id: ContentId,
    part: Part,
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        if let Some(upload) = self.store.state.lock().uploads.get_mut(&self.id) {
            upload.offset = self.part.meter.size();
            upload.used_at = self.store.clock.now();
            upload.part = Some(std::mem::take(&mut self.part));
        }
    }
}

fn unknown(id: ContentId) -> Error {
    Error::not_found(format!("upload {id}"))
}

/// An upload that nobody writes to.
fn idle(state: &mut State, id: ContentId) -> Result<Option<&mut Upload>> {
    match state.uploads.get_mut(&id) {
        Some(upload) if upload.part.is_none() => {
            Err(Error::conflict("another request is working on this upload: try again when it ends"))
        }
        found => Ok(found),
    }
}

#[async_trait]
impl UploadProvider for MemoryData {
    async fn begin_upload(&self, id: ContentId) -> Result<()> {
        let mut state = self.state.lock();
        if state.contents.contains_key(&id) || state.uploads.contains_key(&id) {
            return Err(Error::conflict(format!("there is an upload or a content {id} already")));
        }
        let upload = Upload { offset: 0, used_at: self.clock.now(), part: Some(Part::default()) };
        state.uploads.insert(id, upload);
        Ok(())
    }

    async fn append_upload(
        &self,
        id: ContentId,
        offset: u64,
        mut data: DataStream,
        limit: Option<u64>,
    ) -> Result<u64> {
        let expected = Expectation { limit, ..Expectation::default() };
        let part = {
            let mut state = self.state.lock();
            let upload = idle(&mut state, id)?.ok_or_else(|| unknown(id))?;
            if upload.offset != offset {
                return Err(Error::conflict(format!("the upload is at {}, not at {offset}", upload.offset)));
            }
            upload.part.take().unwrap_or_default()
        };
        let mut writing = Writing { store: self, id, part };
        while let Some(piece) = data.try_next().await? {
            let part = &mut writing.part;
            expected.admit(part.meter.size() + piece.len() as u64)?;
            self.quota.take(piece.len() as u64)?;
            part.meter.update(&piece);
            part.bytes.extend_from_slice(&piece);
        }
        Ok(writing.part.meter.size())
    }

    async fn upload_offset(&self, id: ContentId) -> Result<Option<u64>> {
        Ok(self.state.lock().uploads.get(&id).map(|upload| upload.offset))
    }

    async fn finish_upload(&self, id: ContentId, expected: Expectation) -> Result<Content> {
        let mut state = self.state.lock();
        let taken = state.contents.get(&id).map(|kept| kept.content);
        let Some(upload) = idle(&mut state, id)? else {
            let content = taken.ok_or_else(|| unknown(id))?;
            return expected.check(content.size, content.checksum).map(|()| content);
        };
        let Some(part) = &mut upload.part else { return Err(unknown(id)) };
        let content = Content { id, size: part.meter.size(), checksum: part.meter.clone().checksum() };
        expected.check(content.size, content.checksum)?;
        if taken.is_some() {
            return Err(Error::conflict(format!("there is a content {id} already")));
        }
        let bytes = std::mem::take(&mut part.bytes);
        self.keep(&mut state, content, bytes)?;
        state.uploads.remove(&id);
        Ok(content)
    }

    async fn abort_upload(&self, id: ContentId) -> Result<bool> {
        let mut state = self.state.lock();
        let found = idle(&mut state, id)?.map(|upload| upload.offset);
        state.uploads.remove(&id);
        self.quota.release(found.unwrap_or_default());
        Ok(found.is_some())
    }

    async fn expire_uploads(&self, unused_since: Timestamp) -> Result<u64> {
        let mut expired = 0;
        self.state.lock().uploads.retain(|_, upload| {
            let stays = upload.part.is_none() || upload.used_at >= unused_since;
            if !stays {
                self.quota.release(upload.offset);
                expired += 1;
            }
            stays
        });
        Ok(expired)
    }
}

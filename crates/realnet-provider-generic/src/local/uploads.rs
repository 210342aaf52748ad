//! Uploads that come in several requests: one file each, to whose end is written until it becomes a content.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use realnet_core::clock::Timestamp;
use realnet_core::provider::{Content, ContentId, DataStream, Expectation};
use realnet_core::{Error, ErrorKind, Result};

use super::Shared;
use super::held::Held;
use super::pump::{BLOCK, Fed, Sink, blocking, pump};
use crate::files;

/// Makes the file of an upload.
pub(super) fn begin(shared: &Shared, id: ContentId) -> Result<()> {
    let taken = || Error::conflict(format!("there is an upload or a content {id} already"));
    if shared.tree.find(id)?.is_some() {
        return Err(taken());
    }
    files::create(&shared.upload(id))?.ok_or_else(taken)?;
    files::sync_folder(&shared.uploads)
}

/// The length of an upload.
pub(super) fn offset(shared: &Shared, id: ContentId) -> Result<Option<u64>> {
    Ok(files::look(&shared.upload(id))?.filter(std::fs::Metadata::is_file).map(|found| found.len()))
}

/// Writes a stream to the end of an upload.
pub(super) async fn append(
    shared: &Arc<Shared>,
    id: ContentId,
    offset: u64,
    data: DataStream,
    limit: Option<u64>,
) -> Result<u64> {
    let expected = Expectation { limit, ..Expectation::default() };
    let appending = Arc::clone(shared);
    let opened = blocking(move || {
        let upload = Upload::open(appending, id, expected)?.ok_or_else(|| unknown(id))?;
        if upload.length == offset {
            return Ok(upload);
        }
        Err(Error::conflict(format!("the upload is at {}, not at {offset}", upload.length)))
    });
    let upload = opened.await?;
    // Of an upload that was begun before the store was opened nothing is known: it is read when it is whole.
    let knows_all = upload.held.meter.size() == upload.length;
    let meter = upload.held.meter.clone();
    let Fed { mut sink, mut meter, rest, end } = pump(data, upload, meter).await?;
    blocking(move || {
        sink.write(&rest)?;
        if knows_all {
            meter.update(&rest);
            sink.held.meter = meter;
        }
        end?;
        files::sync(&sink.file, &sink.path)?;
        Ok(sink.length)
    })
    .await
}

/// Makes a content of an upload, or finds the one that has been made of it.
pub(super) fn finish(shared: &Arc<Shared>, id: ContentId, expected: Expectation) -> Result<Content> {
    let Some(mut upload) = Upload::open(Arc::clone(shared), id, expected)? else {
        let (content, _) = shared.tree.find(id)?.ok_or_else(|| unknown(id))?;
        return expected.check(content.size, content.checksum).map(|()| content);
    };
    expected.admit_whole(upload.length)?;
    upload.catch_up()?;
    let content = Content { id, size: upload.length, checksum: upload.held.meter.clone().checksum() };
    expected.check(content.size, content.checksum)?;
    files::sync(&upload.file, &upload.path)?;
    shared.tree.publish(&upload.path, &content)?;
    upload.held.is_there = false;
    Ok(content)
}

/// Removes an upload.
pub(super) fn abort(shared: &Arc<Shared>, id: ContentId) -> Result<bool> {
    let _held = shared.holders.hold(id)?;
    remove(shared, id)
}

/// Removes an upload that is held.
fn remove(shared: &Shared, id: ContentId) -> Result<bool> {
    let path = shared.upload(id);
    let length = files::look(&path)?.map_or(0, |found| found.len());
    let removed = files::remove(&path)?;
    shared.quota.release(length);
    Ok(removed)
}

/// Removes the uploads that have not been written to since, but for those that somebody is working on.
pub(super) fn expire(shared: &Arc<Shared>, unused_since: Timestamp) -> Result<u64> {
    let mut expired = 0;
    for id in files::names(&shared.uploads)?.into_iter().filter_map(|(name, _)| ContentId::parse(&name)) {
        if is_unused(shared, id, unused_since)? {
            expired += u64::from(expire_one(shared, id, unused_since)?);
        }
    }
    Ok(expired)
}

fn is_unused(shared: &Shared, id: ContentId, since: Timestamp) -> Result<bool> {
    let path = shared.upload(id);
    let Some(found) = files::look(&path)? else { return Ok(false) };
    Ok(files::written_at(&path, &found)? < since)
}

/// Looks again when nobody else can write: somebody may just have done so, and been told that it is kept.
fn expire_one(shared: &Arc<Shared>, id: ContentId, unused_since: Timestamp) -> Result<bool> {
    match shared.holders.hold(id) {
        Ok(mut held) => {
            let removed = is_unused(shared, id, unused_since)? && remove(shared, id)?;
            held.is_there = offset(shared, id)?.is_some();
            Ok(removed)
        }
        Err(error) if error.kind() == ErrorKind::Conflict => Ok(false),
        Err(error) => Err(error),
    }
}

/// The bytes of all uploads.
pub(super) fn count(folder: &Path) -> Result<u64> {
    let mut bytes = 0_u64;
    for (name, _) in files::names(folder)? {
        bytes = bytes.saturating_add(files::look(&folder.join(name))?.map_or(0, |found| found.len()));
    }
    Ok(bytes)
}

fn unknown(id: ContentId) -> Error {
    Error::not_found(format!("upload {id}"))
}

/// An upload that is being worked on.
struct Upload {
    shared: Arc<Shared>,
    held: Held,
    file: File,
    path: PathBuf,
    length: u64,
    expected: Expectation,
}

impl Upload {
    /// Opens one for this caller alone; `None` when there is none.
    fn open(shared: Arc<Shared>, id: ContentId, expected: Expectation) -> Result<Option<Self>> {
        let mut held = shared.holders.hold(id)?;
        let path = shared.upload(id);
        let Some(file) = files::open(&path, true)? else { return Ok(None) };
        let length = file.metadata().map_err(|error| files::failed("looked at", &path, error))?.len();
        held.is_there = true;
        Ok(Some(Self { shared, held, file, path, length, expected }))
    }

    /// Reads what the meter does not know yet.
    fn catch_up(&mut self) -> Result<()> {
        let failed = |error| files::failed("read", &self.path, error);
        self.file.seek(SeekFrom::Start(self.held.meter.size())).map_err(failed)?;
        let mut block = vec![0; BLOCK];
        while self.held.meter.size() < self.length {
            let length = (self.length - self.held.meter.size()).min(BLOCK as u64) as usize;
            self.file.read_exact(&mut block[..length]).map_err(failed)?;
            self.held.meter.update(&block[..length]);
        }
        Ok(())
    }
}

impl Sink for Upload {
    fn write(&mut self, block: &[u8]) -> Result<()> {
        let size = block.len() as u64;
        self.expected.admit(self.length + size)?;
        self.shared.quota.take(size)?;
        if let Err(error) = self.file.write_all(block) {
            // A part of the block may have been written, which is as good as any: the length of the file says so.
            let written = self.file.metadata().map_or(self.length, |found| found.len());
            self.shared.quota.release(size.saturating_sub(written - self.length.min(written)));
            return Err(files::failed("written", &self.path, error));
        }
        self.length += size;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use realnet_core::Uuid;

    use super::super::{LocalOptions, open};
    use super::*;

    #[test]
    fn what_has_just_been_written_to_does_not_expire() {
        let folder = tempfile::tempdir().unwrap();
        let shared = Arc::new(open::open(folder.path(), LocalOptions::default()).unwrap());
        let [first, second] = [1, 2].map(|number| ContentId::new(Uuid::from_u128(number)));
        begin(&shared, first).unwrap();
        begin(&shared, second).unwrap();
        let (past, future) = (Timestamp::from_micros(0), Timestamp::from_micros(1 << 60));
        // It has passed for unused, and was written to before it was held.
        assert!(!expire_one(&shared, first, past).unwrap());
        assert_eq!(offset(&shared, first).unwrap(), Some(0));
        let held = shared.holders.hold(second).unwrap();
        assert_eq!(expire(&shared, future).unwrap(), 1, "the one that nobody works on");
        assert_eq!(offset(&shared, first).unwrap(), None);
        drop(held);
        assert_eq!(expire(&shared, past).unwrap(), 0);
        assert_eq!(expire(&shared, future).unwrap(), 1);
    }
}

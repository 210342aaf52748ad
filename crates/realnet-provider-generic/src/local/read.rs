//! A content on its way out: block by block, one of them ahead of who reads.

use std::fs::File;
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom};
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{self, StreamExt as _};
use realnet_core::provider::{ByteRange, ContentId, ContentRead, DataStream};
use realnet_core::{Error, Result};
use tokio::task::JoinHandle;

use super::pump::{BLOCK, blocking};
use super::tree::Tree;
use crate::files;

/// A content or part of it.
pub(super) async fn get(tree: Arc<Tree>, id: ContentId, range: ByteRange) -> Result<Option<ContentRead>> {
    blocking(move || {
        let Some((content, path)) = tree.find(id)? else { return Ok(None) };
        let range = range.resolve(content.size)?;
        // Removed since it was found.
        let Some(mut file) = files::open(&path, false)? else { return Ok(None) };
        let length = file.metadata().map_err(|error| files::failed("looked at", &path, error))?.len();
        if length != content.size {
            let internal = format!("{} is damaged: it has {length} bytes", path.display());
            return Err(Error::internal(internal));
        }
        file.seek(SeekFrom::Start(range.start)).map_err(|error| files::failed("read", &path, error))?;
        let reader = Reader { file, id, left: range.end - range.start };
        // The first block comes with the opening: small contents cost one visit to another thread.
        let (reader, first) = reader.block()?;
        let data = reader.stream(first);
        Ok(Some(ContentRead { content, range, data }))
    })
    .await
}

/// An open file, and how much of it is still to be read.
struct Reader {
    file: File,
    id: ContentId,
    left: u64,
}

/// The next block, or the reading of it.
enum Next {
    Ready(Reader, Bytes),
    Reading(JoinHandle<Result<(Reader, Bytes)>>),
}

impl Reader {
    /// Reads the next block; may block the thread. Without bytes only at the end.
    fn block(mut self) -> Result<(Self, Bytes)> {
        let length = self.left.min(BLOCK as u64);
        let mut block = vec![0; length as usize];
        self.file.read_exact(&mut block).map_err(|error| {
            let internal = format!("content {} could not be read: {error}", self.id);
            match error.kind() {
                ErrorKind::UnexpectedEof => Error::internal(format!("{internal}: it has become shorter")),
                _ => Error::unavailable("the storage has failed to read").with_internal(internal),
            }
        })?;
        self.left -= length;
        Ok((self, Bytes::from(block)))
    }

    /// The first block and all that follow.
    fn stream(self, first: Bytes) -> DataStream {
        stream::try_unfold(Next::Ready(self, first), |next| async move {
            let (reader, block) = match next {
                Next::Ready(reader, block) => (reader, block),
                Next::Reading(task) => match task.await {
                    Ok(read) => read?,
                    Err(error) => {
                        return Err(Error::internal("the reading of a file did not end").with_source(error));
                    }
                },
            };
            if block.is_empty() {
                return Ok(None);
            }
            let next = match reader.left {
                0 => Next::Ready(reader, Bytes::new()),
                _ => Next::Reading(tokio::task::spawn_blocking(move || reader.block())),
            };
            Ok(Some((block, next)))
        })
        .boxed()
    }
}

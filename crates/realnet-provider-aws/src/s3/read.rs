//! A content on its way out. When the connection breaks, what is missing is asked for again: who reads notices a delay.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use realnet_core::provider::{ByteRange, ContentId, ContentRead, DataStream};
use realnet_core::{Error, Result};
use rusoto_core::ByteStream;

use super::Store;
use super::content::{CONTENTS, Found, find};
use super::fault::Fault;
use crate::retry;

/// A content or part of it.
pub(super) async fn get(store: &Arc<Store>, id: ContentId, range: ByteRange) -> Result<Option<ContentRead>> {
    let bucket = &store.bucket;
    // The object of a small content has its bytes, so that one request is enough for all of them.
    let (found, opened) = if range == ByteRange::All {
        let Some((head, body)) = bucket.get(&bucket.key(CONTENTS, id), None, None).await? else {
            return Ok(None);
        };
        let found = Found::of(id, head.size, &head.metadata)?;
        let opened = (!found.apart).then_some((head.etag, body));
        (found, opened)
    } else {
        let Some(found) = find(bucket, id).await? else { return Ok(None) };
        (found, None)
    };
    let content = found.content;
    let range = range.resolve(content.size)?;
    let key = found.data_key(bucket);
    let (etag, body) = match opened {
        Some(opened) => opened,
        None if range.is_empty() => (String::new(), ByteStream::new(stream::empty())),
        None => match bucket.get(&key, Some(&range), None).await? {
            Some((head, body)) => (head.etag, body),
            // Removed since it was found, unless it is damaged.
            None => match find(bucket, id).await? {
                None => return Ok(None),
                Some(_) => {
                    return Err(Error::internal(format!("content {id} is damaged: its bytes are not there")));
                }
            },
        },
    };
    let reader =
        Reader { store: Arc::clone(store), key, etag, left: range.clone(), body: Some(body), failures: 0 };
    Ok(Some(ContentRead { content, range, data: reader.stream() }))
}

/// An object that is read, and what is still to be read of it.
pub(super) struct Reader {
    store: Arc<Store>,
    key: String,
    etag: String,
    left: Range<u64>,
    body: Option<ByteStream>,
    /// Since the last bytes came.
    failures: u32,
}

impl Reader {
    /// All of an object, which is no content yet.
    pub(super) fn of(store: &Arc<Store>, key: String, etag: String, size: u64) -> Self {
        Self { store: Arc::clone(store), key, etag, left: 0..size, body: None, failures: 0 }
    }

    /// The next bytes, without any at the end.
    async fn next(&mut self) -> Result<Bytes> {
        loop {
            if self.left.is_empty() {
                return Ok(Bytes::new());
            }
            let fault = match self.attempt().await? {
                Ok(piece) if piece.is_empty() => Fault::Network("the answer was too short".to_owned()),
                Ok(mut piece) => {
                    // Of a server that gives more than was asked for.
                    piece.truncate(usize::try_from(self.left.end - self.left.start).unwrap_or(usize::MAX));
                    self.left.start += piece.len() as u64;
                    self.failures = 0;
                    return Ok(piece);
                }
                Err(fault) => fault,
            };
            self.body = None;
            self.failures += 1;
            if self.failures >= self.store.bucket.patience.attempts {
                return Err(fault.into());
            }
            tracing::debug!(%fault, failures = self.failures, "what is missing of a content is asked for again");
            tokio::time::sleep(retry::wait(self.failures)).await;
        }
    }

    /// One try at the next bytes; the inner error may pass.
    async fn attempt(&mut self) -> Result<Result<Bytes, Fault>> {
        let body = match &mut self.body {
            Some(body) => body,
            none => {
                let opened = self.store.bucket.get(&self.key, Some(&self.left), Some(&self.etag)).await?;
                let gone = || Error::unavailable("the content was removed while it was read");
                none.insert(opened.ok_or_else(gone)?.1)
            }
        };
        loop {
            match body.try_next().await {
                Ok(Some(piece)) if piece.is_empty() => {}
                Ok(piece) => return Ok(Ok(piece.unwrap_or_default())),
                Err(error) => return Ok(Err(Fault::Network(error.to_string()))),
            }
        }
    }

    /// All that is left.
    pub(super) fn stream(self) -> DataStream {
        stream::try_unfold(self, |mut reader| async move {
            let piece = reader.next().await?;
            Ok((!piece.is_empty()).then_some((piece, reader)))
        })
        .boxed()
    }
}

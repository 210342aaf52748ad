//! What is kept of an upload between two requests: one object that has its last bytes, which are too few for a part, and before them
//! a line that names the parts. It is written whole and on the condition that nobody else has, so an upload is always at one point.

use std::sync::Arc;

use bytes::{BufMut as _, Bytes, BytesMut};
use futures::stream::TryStreamExt as _;
use realnet_core::clock::{IdSource as _, System};
use realnet_core::provider::{Checksum, ContentId};
use realnet_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

use super::Store;
use super::bucket::{Condition, Object, Part};
use super::hash::Hash;
use super::read::Reader;

/// The folder of uploads.
pub(super) const UPLOADS: &str = "uploads";
/// What is noted with the object: how long the upload is, and by which call it was written.
const LENGTH: &str = "length";
const SAVE: &str = "save";

/// The parts of an upload, once there are some.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Parts {
    /// The id of the multipart upload.
    pub(super) upload: String,
    /// What the key of its object ends in.
    pub(super) put: String,
    pub(super) stored: Vec<Part>,
}

/// The line before the bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Line {
    parts: Option<Parts>,
    /// Of all parts.
    hash: Hash,
}

/// An upload as it is kept.
#[derive(Debug, Clone, Default)]
pub(super) struct Record {
    pub(super) parts: Option<Parts>,
    /// The digest of all parts.
    pub(super) hash: Hash,
    /// The bytes behind the parts.
    pub(super) tail: Bytes,
    /// What the server calls the object; empty when there is none.
    etag: String,
}

impl Record {
    /// How long the upload is.
    pub(super) fn length(&self) -> u64 {
        self.hash.length() + self.tail.len() as u64
    }

    /// The checksum of all of it.
    pub(super) fn checksum(&self) -> Checksum {
        self.hash.clone().finish(&self.tail)
    }

    /// The upload of an id, if there is one.
    pub(super) async fn load(store: &Arc<Store>, id: ContentId) -> Result<Option<Self>> {
        let key = store.bucket.key(UPLOADS, id);
        let Some(head) = store.bucket.head(&key).await? else { return Ok(None) };
        let stream = Reader::of(store, key, head.etag.clone(), head.size).stream();
        let body: Vec<Bytes> = stream.try_collect().await?;
        let (line, tail) = parse(&body.concat())
            .ok_or_else(|| Error::internal(format!("what is kept of upload {id} can not be read")))?;
        Ok(Some(Self { parts: line.parts, hash: line.hash, tail, etag: head.etag }))
    }

    /// The length of the upload of an id, if there is one.
    pub(super) async fn look(store: &Store, id: ContentId) -> Result<Option<u64>> {
        let head = store.bucket.head(&store.bucket.key(UPLOADS, id)).await?;
        let length = |text: &String| text.parse().ok();
        head.map(|head| {
            head.metadata
                .get(LENGTH)
                .and_then(length)
                .ok_or_else(|| Error::internal(format!("what is noted with upload {id} can not be read")))
        })
        .transpose()
    }

    /// Keeps it. Conflict when somebody else has written to the upload since it was loaded.
    pub(super) async fn save(&mut self, store: &Store, id: ContentId) -> Result<()> {
        let bucket = &store.bucket;
        let key = bucket.key(UPLOADS, id);
        let body = self.body()?;
        let save = System.next_id().to_string();
        let metadata = [(LENGTH, self.length().to_string()), (SAVE, save.clone())];
        let condition = if self.etag.is_empty() { Condition::Absent } else { Condition::Is(&self.etag) };
        let object = Object { key: &key, body, checksum: None, metadata: &metadata, condition };
        if let Some(etag) = bucket.put(object).await? {
            self.etag = etag;
            return Ok(());
        }
        // The first of two tries may have been the one that has written it, and its answer lost.
        match bucket.head(&key).await? {
            Some(head) if head.metadata.get(SAVE) == Some(&save) => {
                self.etag = head.etag;
                Ok(())
            }
            _ => Err(Error::new(ErrorKind::Conflict, format!("another request has written to upload {id}"))),
        }
    }

    fn body(&self) -> Result<Bytes> {
        let line = Line { parts: self.parts.clone(), hash: self.hash.clone() };
        let line = serde_json::to_vec(&line)
            .map_err(|error| Error::internal("an upload can not be written down").with_source(error))?;
        let mut body = BytesMut::with_capacity(line.len() + 1 + self.tail.len());
        body.put_slice(&line);
        body.put_u8(b'\n');
        body.put_slice(&self.tail);
        Ok(body.freeze())
    }
}

fn parse(body: &[u8]) -> Option<(Line, Bytes)> {
    let end = body.iter().position(|byte| *byte == b'\n')?;
    let line: Line = serde_json::from_slice(&body[..end]).ok()?;
    let parts = line.parts.as_ref().map_or(0, |parts| parts.stored.iter().map(|part| part.size).sum());
    (parts == line.hash.length()).then(|| (line, Bytes::copy_from_slice(&body[end + 1..])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_again() {
        let mut hash = Hash::default();
        hash.update(&[1; 128]);
        let part = |size| Part { etag: "\"a\"".to_owned(), size };
        let parts = Parts { upload: "u".to_owned(), put: "p".to_owned(), stored: vec![part(64), part(64)] };
        let record = Record {
            parts: Some(parts.clone()),
            hash: hash.clone(),
            tail: Bytes::from_static(b"{\n}\0\n"),
            etag: String::new(),
        };
        assert_eq!(record.length(), 133);
        let body = record.body().unwrap();
        let (line, tail) = parse(&body).unwrap();
        assert_eq!((line.parts, line.hash, tail), (Some(parts), hash, record.tail));
        for damaged in [&body[..20], b"", b"\n", b"{}\nabc"] {
            assert!(parse(damaged).is_none());
        }
        let short = String::from_utf8_lossy(&body).replacen("64", "63", 1);
        assert!(parse(short.as_bytes()).is_none(), "parts and digest say the same");
    }
}

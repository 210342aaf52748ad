//! Whether a bucket offers what the store is made of, tried with objects that are removed again.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use realnet_core::clock::{IdSource as _, System};
use realnet_core::{Error, ErrorKind, Result};

use super::{Bucket, Condition, Object};
use crate::s3::fault::Fault;

/// What is sent.
const BODY: &[u8] = b"?";

impl Bucket {
    /// Sees that the bucket is there, that objects can be written, read and removed, as a whole and in parts, and that conditions
    /// are kept.
    pub(in crate::s3) async fn check(&self) -> Result<()> {
        let at = |fault: Fault| Error::from(fault).with_internal(format!("bucket {self}"));
        self.head_bucket().await.map_err(at)?;
        let key = format!("{}check/{}", self.prefix, System.next_id());
        let object = |condition| Object {
            key: &key,
            body: Bytes::from_static(BODY),
            checksum: None,
            metadata: &[],
            condition,
        };
        self.put(object(Condition::None)).await.map_err(at)?;
        let again = self.put(object(Condition::Absent)).await;
        let read = self.get(&key, None, None).await;
        self.delete(&key).await.map_err(at)?;
        if again.map_err(at)?.is_some() {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "the S3 storage does not keep to conditions (If-None-Match) when it writes, which is needed",
            ));
        }
        if read.map_err(at)?.is_none() {
            return Err(Error::unavailable("the S3 storage does not give what it was given"));
        }
        // Who watches a server asks all the time: what was seen to work is not tried again.
        if !self.takes_parts.load(Ordering::Relaxed) {
            self.check_parts(&format!("{key}-parts")).await.map_err(at)?;
            self.takes_parts.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Makes an object in the way of large ones, and removes it.
    async fn check_parts(&self, key: &str) -> Result<(), Fault> {
        let upload = self.begin_parts(key).await?;
        let sent = self.send_parts(key, &upload).await;
        let removed = match &sent {
            Ok(()) => self.delete(key).await,
            Err(_) => self.abort_parts(key, &upload).await,
        };
        // The first failure is told, not what follows from it.
        sent.and(removed)
    }

    async fn send_parts(&self, key: &str, upload: &str) -> Result<(), Fault> {
        let part = self.put_part(key, upload, 1, Bytes::from_static(BODY)).await?;
        self.complete_parts(key, upload, &[part]).await
    }
}

//! The mark of a bucket: one object, replaced on the condition that it is still the one that was read.

use bytes::Bytes;
use futures::stream::TryStreamExt as _;
use realnet_core::Result;

use super::bucket::{Bucket, Condition, Object};
use super::fault::Fault;

/// The object, below the prefix.
const KEY: &str = "mark";
/// The longest mark that is read.
const LONGEST: usize = 4096;

/// The mark and what the server calls it; `None` when there is none.
async fn find(bucket: &Bucket) -> Result<Option<(Bytes, String)>> {
    let Some((head, mut body)) = bucket.get(&key(bucket), None, None).await? else { return Ok(None) };
    let broken = |error: std::io::Error| Fault::Network(error.to_string());
    let mut text = Vec::new();
    while let Some(piece) = body.try_next().await.map_err(broken)?
        && text.len() < LONGEST
    {
        text.extend_from_slice(&piece);
    }
    Ok(Some((Bytes::from(text), head.etag)))
}

fn key(bucket: &Bucket) -> String {
    format!("{}{KEY}", bucket.prefix())
}

/// The mark.
pub(super) async fn read(bucket: &Bucket) -> Result<Option<Bytes>> {
    Ok(find(bucket).await?.map(|(mark, _)| mark))
}

/// Writes another one in place of the present one.
pub(super) async fn replace(bucket: &Bucket, current: Option<&[u8]>, next: Bytes) -> Result<bool> {
    let present = find(bucket).await?;
    let condition = match (&present, current) {
        (Some((mark, _)), _) if *mark == next => return Ok(true),
        (None, None) => Condition::Absent,
        (Some((mark, etag)), Some(current)) if *mark == current => Condition::Is(etag),
        _ => return Ok(false),
    };
    let key = key(bucket);
    let object = Object { key: &key, body: next.clone(), checksum: None, metadata: &[], condition };
    if bucket.put(object).await?.is_some() {
        return Ok(true);
    }
    // The first of two tries may have been the one that has written it, and its answer lost.
    Ok(read(bucket).await?.is_some_and(|mark| mark == next))
}

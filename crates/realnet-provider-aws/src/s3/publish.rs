//! The moment at which a content is there: one object, put on the condition that there is none.

use bytes::Bytes;
use realnet_core::Result;
use realnet_core::provider::Content;

use super::bucket::{Condition, Object};
use super::content::{CHECKSUM, CONTENTS, PUT, SIZE, data_key, find};
use super::{Store, taken};

/// Makes a content of its bytes, which are few. `put` is made for this call.
pub(super) async fn small(store: &Store, content: Content, put: &str, body: Bytes) -> Result<Content> {
    let noted = [(CHECKSUM, content.checksum.to_string()), (PUT, put.to_owned())];
    publish(store, content, put, body, &noted).await
}

/// Makes a content of an object that has its bytes. When the id is taken, that object is removed.
pub(super) async fn large(store: &Store, content: Content, put: &str) -> Result<Content> {
    let noted =
        [(CHECKSUM, content.checksum.to_string()), (PUT, put.to_owned()), (SIZE, content.size.to_string())];
    let published = publish(store, content, put, Bytes::new(), &noted).await;
    if published.as_ref().is_err_and(|error| error.kind() == realnet_core::ErrorKind::Conflict) {
        store.bucket.delete(&data_key(&store.bucket, content.id, put)).await?;
    }
    published
}

async fn publish(
    store: &Store,
    content: Content,
    put: &str,
    body: Bytes,
    metadata: &[(&str, String)],
) -> Result<Content> {
    let bucket = &store.bucket;
    let _turn = store.turns.wait(content.id).await;
    let key = bucket.key(CONTENTS, content.id);
    let checksum = (body.len() as u64 == content.size).then_some(content.checksum);
    let object = Object { key: &key, body, checksum, metadata, condition: Condition::Absent };
    if bucket.put(object).await?.is_some() {
        return Ok(content);
    }
    // The first of two tries may have been the one that has put it, and its answer lost.
    let there = find(bucket, content.id).await?;
    if there.is_some_and(|there| there.put == put) { Ok(content) } else { Err(taken(content.id)) }
}

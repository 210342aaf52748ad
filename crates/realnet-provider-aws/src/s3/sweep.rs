//! What was begun and never ended: uploads that nobody goes on with, and what crashes have left where nobody looks.

use std::collections::HashSet;
use std::sync::Arc;

use realnet_core::clock::Timestamp;
use realnet_core::provider::ContentId;
use realnet_core::{ErrorKind, Result};

use super::Store;
use super::bucket::Listed;
use super::content::{CONTENTS, DATA, id_in};
use super::record::UPLOADS;
use super::uploads::{INCOMING, abort};

/// The most objects that are looked at together.
const PAGE: usize = 1000;
/// So many seconds longer what is sent in parts is left alone: nothing but its beginning is known of it, and a content of 16 GiB, from
/// as slow a sender as is waited for, takes twelve days.
const UNDER_WAY: i64 = 14 * 24 * 3600;

/// Removes the uploads that nobody has written to since, but for those that somebody is working on, and what is left over of
/// others; answers how many uploads there were.
pub(super) async fn expire(store: &Arc<Store>, unused_since: Timestamp) -> Result<u64> {
    let bucket = &store.bucket;
    let (mut unused, mut used) = (HashSet::new(), HashSet::new());
    for folder in [UPLOADS, INCOMING].map(|folder| bucket.folder(folder)) {
        for object in bucket.list_all(&folder).await? {
            if let Some(id) = id_in(&folder, &object.key) {
                if object.at < unused_since {
                    unused.insert(id)
                } else {
                    used.insert(id)
                };
            }
        }
    }
    let mut expired = 0;
    for id in unused {
        if used.contains(&id) {
            continue;
        }
        match abort(store, id).await {
            Ok(removed) => expired += u64::from(removed),
            Err(error) if error.kind() == ErrorKind::Conflict => drop(used.insert(id)),
            Err(error) => return Err(error),
        }
    }
    let begun_since = unused_since.plus_seconds(-UNDER_WAY);
    parts(store, begun_since, &used).await?;
    bytes(store, begun_since, &used).await?;
    Ok(expired)
}

/// Takes back multipart uploads that no upload names any more.
async fn parts(store: &Store, unused_since: Timestamp, used: &HashSet<ContentId>) -> Result<()> {
    let folder = store.bucket.folder(DATA);
    for begun in store.bucket.list_multiparts(&folder).await? {
        let id = id_of_data(&folder, &begun.key);
        let Some(upload) = begun.upload.filter(|_| begun.at < unused_since) else { continue };
        if id.is_some_and(|id| !used.contains(&id)) {
            store.bucket.abort_parts(&begun.key, &upload).await?;
        }
    }
    Ok(())
}

/// Removes the bytes of large contents that are none: of those that were never published, or were removed by half.
async fn bytes(store: &Store, unused_since: Timestamp, used: &HashSet<ContentId>) -> Result<()> {
    let folder = store.bucket.folder(DATA);
    let mut after = None;
    loop {
        let (page, more) = store.bucket.list(&folder, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.key.clone());
        let old: Vec<(ContentId, Listed)> = page
            .into_iter()
            .filter(|object| object.at < unused_since)
            .filter_map(|object| Some((id_of_data(&folder, &object.key)?, object)))
            .filter(|(id, _)| !used.contains(id))
            .collect();
        let known = published(store, &old).await?;
        for (_, object) in old.iter().filter(|(id, _)| !known.contains(id)) {
            store.bucket.delete(&object.key).await?;
        }
        if !more {
            return Ok(());
        }
    }
}

/// Which of these ids, in their order, are those of large contents: both lists are in the order of ids.
async fn published(store: &Store, some: &[(ContentId, Listed)]) -> Result<HashSet<ContentId>> {
    let mut known = HashSet::new();
    let (Some((first, _)), Some((last, _))) = (some.first(), some.last()) else { return Ok(known) };
    let folder = store.bucket.folder(CONTENTS);
    let mut after = store.bucket.key(CONTENTS, *first);
    // The first one, too, lies behind what it begins with.
    after.pop();
    loop {
        let (page, more) = store.bucket.list(&folder, Some(after), PAGE).await?;
        let Some(end) = page.last().map(|end| end.key.clone()) else { return Ok(known) };
        // The object of a large content has no bytes.
        known.extend(
            page.iter().filter(|object| object.size == 0).filter_map(|object| id_in(&folder, &object.key)),
        );
        if !more || end > store.bucket.key(CONTENTS, *last) {
            return Ok(known);
        }
        after = end;
    }
}

/// The id in a key of bytes of their own.
fn id_of_data(folder: &str, key: &str) -> Option<ContentId> {
    let (rest, _) = key.rsplit_once('/')?;
    id_in(folder, rest)
}

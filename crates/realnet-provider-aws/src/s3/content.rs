//! Contents as objects: found, listed and removed.

use std::collections::HashMap;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use realnet_core::provider::{Checksum, Content, ContentEntry, ContentId, ContentPage};
use realnet_core::{Error, Result};

use super::Store;
use super::bucket::{Bucket, Head, Listed};

/// The folder of contents.
pub(super) const CONTENTS: &str = "contents";
/// The folder of the bytes of large ones.
pub(super) const DATA: &str = "data";

/// What is noted with the object of a content: its checksum, who has put it, and of a large one its size.
pub(super) const CHECKSUM: &str = "sha256";
pub(super) const PUT: &str = "put";
pub(super) const SIZE: &str = "size";

/// How many contents are looked at at the same time.
const TOGETHER: usize = 16;

/// A content that is there.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) content: Content,
    /// Made for the call that has put it, so that this one knows its own object.
    pub(super) put: String,
    /// Its bytes have an object of their own.
    pub(super) apart: bool,
}

impl Found {
    /// Reads what is noted with an object.
    pub(super) fn of(id: ContentId, size: u64, metadata: &HashMap<String, String>) -> Result<Self> {
        let noted = |name: &str| metadata.get(name);
        let apart = noted(SIZE);
        let size = apart.map_or(Some(size), |text| text.parse().ok());
        let checksum = noted(CHECKSUM).and_then(|text| Checksum::parse(text));
        match (size, checksum, noted(PUT)) {
            (Some(size), Some(checksum), Some(put)) => {
                let content = Content { id, size, checksum };
                Ok(Self { content, put: put.clone(), apart: apart.is_some() })
            }
            _ => Err(Error::internal(format!(
                "the object of content {id} is damaged: it lacks what is noted with each"
            ))),
        }
    }

    fn of_head(id: ContentId, head: &Head) -> Result<Self> {
        Self::of(id, head.size, &head.metadata)
    }

    /// The key of the object that has its bytes.
    pub(super) fn data_key(&self, bucket: &Bucket) -> String {
        if self.apart {
            data_key(bucket, self.content.id, &self.put)
        } else {
            bucket.key(CONTENTS, self.content.id)
        }
    }
}

/// The key of the bytes of a large content.
pub(super) fn data_key(bucket: &Bucket, id: ContentId, put: &str) -> String {
    format!("{}/{put}", bucket.key(DATA, id))
}

/// A content, without its bytes.
pub(super) async fn find(bucket: &Bucket, id: ContentId) -> Result<Option<Found>> {
    let head = bucket.head(&bucket.key(CONTENTS, id)).await?;
    head.map(|head| Found::of_head(id, &head)).transpose()
}

/// Removes a content. Of several in this process who do, one has removed it.
pub(super) async fn delete(store: &Store, id: ContentId) -> Result<bool> {
    let bucket = &store.bucket;
    let _turn = store.turns.wait(id).await;
    let Some(found) = find(bucket, id).await? else { return Ok(false) };
    bucket.delete(&bucket.key(CONTENTS, id)).await?;
    if found.apart {
        // Nobody finds it any more; what can not be removed now, is swept.
        if let Err(fault) = bucket.delete(&found.data_key(bucket)).await {
            tracing::warn!(%fault, "the bytes of a removed content are left to the sweep");
        }
    }
    Ok(true)
}

/// The contents behind one.
pub(super) async fn list(bucket: &Bucket, after: Option<ContentId>, limit: usize) -> Result<ContentPage> {
    let folder = bucket.folder(CONTENTS);
    let mut after = after.map(|id| bucket.key(CONTENTS, id));
    loop {
        let (objects, more) = bucket.list(&folder, after, limit).await?;
        let last = objects.last().map(|last| last.key.clone());
        let named = objects.into_iter().filter_map(|object| Some((id_in(&folder, &object.key)?, object)));
        let looked = stream::iter(named.map(|(id, object)| entry(bucket, id, object))).buffered(TOGETHER);
        let contents: Vec<ContentEntry> =
            looked.try_filter_map(|entry| std::future::ready(Ok(entry))).try_collect().await?;
        let next = contents.last().map(|last| last.id).filter(|_| more);
        if !more || next.is_some() || last.is_none() {
            return Ok(ContentPage { contents, next });
        }
        // A page of nothing but what others have put there.
        after = last;
    }
}

/// What a list says of a content. An object without bytes may stand for a large one, so it is looked at.
async fn entry(bucket: &Bucket, id: ContentId, object: Listed) -> Result<Option<ContentEntry>> {
    let size = match object.size {
        0 => match find(bucket, id).await? {
            Some(found) => found.content.size,
            // Removed since it was listed.
            None => return Ok(None),
        },
        size => size,
    };
    Ok(Some(ContentEntry { id, size, stored_at: object.at }))
}

/// The id that a key begins with, behind its folder.
pub(super) fn id_in(folder: &str, key: &str) -> Option<ContentId> {
    ContentId::parse(key.strip_prefix(folder)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use realnet_core::Uuid;

    #[test]
    fn what_is_noted_says_what_a_content_is() {
        let id = ContentId::new(Uuid::from_u128(1));
        let checksum = Checksum::new([7; 32]);
        let mut noted: HashMap<String, String> = [(CHECKSUM, checksum.to_string()), (PUT, "p".to_owned())]
            .map(|(name, value)| (name.to_owned(), value))
            .into();
        let small = Found::of(id, 12, &noted).unwrap();
        assert_eq!((small.content, small.apart), (Content { id, size: 12, checksum }, false));
        noted.insert(SIZE.to_owned(), "5000000000".to_owned());
        let large = Found::of(id, 0, &noted).unwrap();
        assert_eq!((large.content.size, large.apart), (5_000_000_000, true));
        noted.remove(CHECKSUM);
        // So that whoever reads many contents names it, and goes on with the others.
        let said = Found::of(id, 0, &noted).unwrap_err().report();
        assert!(said.contains(&format!("content {id} is damaged: it lacks")), "{said}");
    }

    #[test]
    fn keys_of_others_are_passed_over() {
        let id = "0192d4d8-0000-7000-8000-000000000001";
        assert!(id_in("a/contents/", &format!("a/contents/{id}")).is_some());
        for key in
            ["a/contents/", "a/contents/readme.txt", &format!("contents/{id}"), &format!("a/contents/{id}/x")]
        {
            assert!(id_in("a/contents/", key).is_none(), "{key}");
        }
    }
}

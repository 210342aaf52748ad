//! Lists of a bucket, page by page.

use realnet_core::clock::Timestamp;
use rusoto_s3::{
    ListMultipartUploadsRequest, ListObjectsV2Error, ListObjectsV2Request, MultipartUpload, Object, S3 as _,
};

use super::Bucket;
use crate::s3::fault::{Fault, typed};

/// The most objects of a page.
const PAGE: usize = 1000;

/// An object or a multipart upload in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) key: String,
    /// Its size; of a multipart upload 0.
    pub(crate) size: u64,
    /// When it was written or begun, by the store's clock.
    pub(crate) at: Timestamp,
    /// The id of a multipart upload.
    pub(crate) upload: Option<String>,
}

impl Bucket {
    /// Objects whose keys begin with a prefix, behind a key, in the order of their keys; and whether there are more.
    pub(crate) async fn list(
        &self,
        prefix: &str,
        after: Option<String>,
        limit: usize,
    ) -> Result<(Vec<Listed>, bool), Fault> {
        let asked = ListObjectsV2Request {
            bucket: self.name.clone(),
            prefix: Some(prefix.to_owned()),
            start_after: after,
            max_keys: Some(limit.min(PAGE) as i64),
            ..Default::default()
        };
        let known = |error: &ListObjectsV2Error| match error {
            ListObjectsV2Error::NoSuchBucket(_) => (404, "NoSuchBucket"),
        };
        let page = self.s3.list_objects_v2(asked).await.map_err(typed(known))?;
        let more = page.is_truncated.unwrap_or_default();
        let objects: Option<Vec<Listed>> =
            page.contents.unwrap_or_default().into_iter().map(listed).collect();
        Ok((objects.ok_or_else(nonsense)?, more))
    }

    /// All objects whose keys begin with a prefix.
    pub(crate) async fn list_all(&self, prefix: &str) -> Result<Vec<Listed>, Fault> {
        let mut all = Vec::new();
        loop {
            let after = all.last().map(|last: &Listed| last.key.clone());
            let (page, more) = self.list(prefix, after, PAGE).await?;
            let is_end = page.is_empty() || !more;
            all.extend(page);
            if is_end {
                return Ok(all);
            }
        }
    }

    /// All multipart uploads that are not ended, whose keys begin with a prefix.
    pub(crate) async fn list_multiparts(&self, prefix: &str) -> Result<Vec<Listed>, Fault> {
        let (mut all, mut key_marker, mut upload_id_marker) = (Vec::new(), None, None);
        loop {
            let asked = ListMultipartUploadsRequest {
                bucket: self.name.clone(),
                prefix: Some(prefix.to_owned()),
                key_marker,
                upload_id_marker,
                ..Default::default()
            };
            let page = self.s3.list_multipart_uploads(asked).await;
            let page = page.map_err(typed(|error| match *error {}))?;
            let uploads: Option<Vec<Listed>> =
                page.uploads.unwrap_or_default().into_iter().map(begun).collect();
            let uploads = uploads.ok_or_else(nonsense)?;
            let is_end = uploads.is_empty() || !page.is_truncated.unwrap_or_default();
            all.extend(uploads);
            if is_end {
                return Ok(all);
            }
            (key_marker, upload_id_marker) = (page.next_key_marker, page.next_upload_id_marker);
        }
    }
}

fn listed(object: Object) -> Option<Listed> {
    let at = Timestamp::parse(&object.last_modified?)?;
    Some(Listed { key: object.key?, size: u64::try_from(object.size?).ok()?, at, upload: None })
}

fn begun(upload: MultipartUpload) -> Option<Listed> {
    let at = Timestamp::parse(&upload.initiated?)?;
    Some(Listed { key: upload.key?, size: 0, at, upload: Some(upload.upload_id?) })
}

fn nonsense() -> Fault {
    Fault::Nonsense("a list without keys, sizes or times".to_owned())
}

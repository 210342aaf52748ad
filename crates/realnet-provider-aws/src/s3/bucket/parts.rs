//! Multipart uploads of a bucket: begun, sent part by part, ended or taken back.

use bytes::Bytes;
use rusoto_s3::{
    AbortMultipartUploadError, AbortMultipartUploadRequest, CompleteMultipartUploadRequest,
    CompletedMultipartUpload, CompletedPart, CreateMultipartUploadRequest, S3 as _,
};
use serde::{Deserialize, Serialize};

use super::{Bucket, Integrity, etag};
use crate::s3::fault::{Fault, typed};

/// A part that is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Part {
    /// What the server calls its bytes.
    pub(crate) etag: String,
    /// How many these are.
    pub(crate) size: u64,
}

impl Bucket {
    /// Begins a multipart upload; answers its id.
    pub(crate) async fn begin_parts(&self, key: &str) -> Result<String, Fault> {
        let asked = CreateMultipartUploadRequest {
            bucket: self.name.clone(),
            key: key.to_owned(),
            ..Default::default()
        };
        let begun = self.s3.create_multipart_upload(asked).await.map_err(typed(|error| match *error {}))?;
        begun.upload_id.ok_or_else(|| Fault::Nonsense("a multipart upload without an id".to_owned()))
    }

    /// Sends a part; numbers begin with 1.
    pub(crate) async fn put_part(
        &self,
        key: &str,
        upload: &str,
        number: usize,
        body: Bytes,
    ) -> Result<Part, Fault> {
        let mut request = self.request("PUT", key);
        request.add_param("partNumber", &number.to_string());
        request.add_param("uploadId", upload);
        let size = body.len() as u64;
        let response = self.send(request, body, Integrity::Md5).await?;
        Ok(Part { etag: etag(&response), size })
    }

    /// Makes an object of the parts.
    pub(crate) async fn complete_parts(&self, key: &str, upload: &str, parts: &[Part]) -> Result<(), Fault> {
        let named = |(index, part): (usize, &Part)| CompletedPart {
            e_tag: Some(part.etag.clone()),
            part_number: Some(index as i64 + 1),
        };
        let parts = Some(parts.iter().enumerate().map(named).collect());
        let asked = CompleteMultipartUploadRequest {
            bucket: self.name.clone(),
            key: key.to_owned(),
            upload_id: upload.to_owned(),
            multipart_upload: Some(CompletedMultipartUpload { parts }),
            ..Default::default()
        };
        let ended = self.s3.complete_multipart_upload(asked).await;
        ended.map(drop).map_err(typed(|error| match *error {}))
    }

    /// Takes a multipart upload back, if there is one.
    pub(crate) async fn abort_parts(&self, key: &str, upload: &str) -> Result<(), Fault> {
        let asked = AbortMultipartUploadRequest {
            bucket: self.name.clone(),
            key: key.to_owned(),
            upload_id: upload.to_owned(),
            ..Default::default()
        };
        let known = |error: &AbortMultipartUploadError| match error {
            AbortMultipartUploadError::NoSuchUpload(_) => (404, "NoSuchUpload"),
        };
        match self.s3.abort_multipart_upload(asked).await.map_err(typed(known)) {
            Ok(_) => Ok(()),
            Err(fault) if fault.is_absent() => Ok(()),
            Err(fault) => Err(fault),
        }
    }
}

//! One bucket: the requests that the store is made of, each repeated when it fails for a reason that may pass.

mod check;
mod integrity;
mod list;
mod parts;

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt;
use std::ops::Range;
use std::sync::atomic::AtomicBool;

use bytes::Bytes;
use futures::stream;
use realnet_core::provider::{Checksum, ContentId};
use realnet_core::{Error, Result};
use rusoto_core::request::HttpResponse;
use rusoto_core::signature::SignedRequest;
use rusoto_core::{ByteStream, Client, Region, RusotoError};
use rusoto_s3::{
    DeleteObjectRequest, GetObjectError, GetObjectRequest, HeadBucketError, HeadBucketRequest,
    HeadObjectError, HeadObjectRequest, S3, S3Client,
};

use self::integrity::Integrity;
pub(super) use self::list::Listed;
pub(super) use self::parts::Part;
use super::fault::{Fault, typed};
use super::options::S3Options;
use crate::credentials::Credentials;
use crate::dispatch::{Dispatcher, Patience, client};

/// A bucket, or the part of one whose keys begin with a prefix.
pub(super) struct Bucket {
    name: String,
    prefix: String,
    region: Region,
    client: Client,
    s3: S3Client,
    pub(super) credentials: Credentials,
    pub(super) patience: Patience,
    /// A check has seen that parts are taken.
    takes_parts: AtomicBool,
}

/// What is known of an object.
pub(super) struct Head {
    pub(super) size: u64,
    pub(super) etag: String,
    pub(super) metadata: HashMap<String, String>,
}

/// What must hold for an object to be written.
#[derive(Clone, Copy)]
pub(super) enum Condition<'a> {
    /// Nothing.
    None,
    /// There is no object of that key.
    Absent,
    /// The object is the one with this tag.
    Is(&'a str),
}

/// An object to be written.
pub(super) struct Object<'a> {
    pub(super) key: &'a str,
    pub(super) body: Bytes,
    /// The checksum of the body, where it is known.
    pub(super) checksum: Option<Checksum>,
    pub(super) metadata: &'a [(&'a str, String)],
    pub(super) condition: Condition<'a>,
}

impl Bucket {
    pub(super) fn open(options: S3Options) -> Result<Self> {
        let patience = Patience { timeout: options.timeout, attempts: options.attempts.max(1) };
        let failed = |error: reqwest::Error| Error::internal("no HTTP client").with_source(error);
        let http = client(patience, false).map_err(failed)?;
        let direct = client(patience, true).map_err(failed)?;
        let credentials = Credentials::new(&options, http.clone(), direct);
        let dispatcher = Dispatcher::new(http, patience);
        let region = region(&options);
        let client = Client::new_with(credentials.clone(), dispatcher);
        let s3 = S3Client::new_with_client(client.clone(), region.clone());
        let S3Options { bucket, prefix, .. } = options;
        let takes_parts = AtomicBool::new(false);
        Ok(Self { name: bucket, prefix, region, client, s3, credentials, patience, takes_parts })
    }

    /// The key of the object of a content in a folder of the store.
    pub(super) fn key(&self, folder: &str, id: ContentId) -> String {
        format!("{}{folder}/{id}", self.prefix)
    }

    /// What all keys of the store begin with.
    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// What a folder of the store begins with.
    pub(super) fn folder(&self, folder: &str) -> String {
        format!("{}{folder}/", self.prefix)
    }

    /// An object without its bytes; `None` when there is none.
    pub(super) async fn head(&self, key: &str) -> Result<Option<Head>, Fault> {
        let asked =
            HeadObjectRequest { bucket: self.name.clone(), key: key.to_owned(), ..Default::default() };
        let known = |error: &HeadObjectError| match error {
            HeadObjectError::NoSuchKey(_) => (404, "NoSuchKey"),
        };
        match self.s3.head_object(asked).await.map_err(typed(known)) {
            Ok(found) => Ok(Some(Head {
                size: size(found.content_length),
                etag: found.e_tag.unwrap_or_default(),
                metadata: found.metadata.unwrap_or_default(),
            })),
            Err(fault) if fault.is_absent() => {
                // Such an answer has no words: what is not there may be the bucket.
                self.head_bucket().await.map(|()| None)
            }
            Err(fault) => Err(fault),
        }
    }

    /// An object and its bytes, or some of them; `None` when there is none, or it is not the one with the tag.
    pub(super) async fn get(
        &self,
        key: &str,
        range: Option<&Range<u64>>,
        etag: Option<&str>,
    ) -> Result<Option<(Head, ByteStream)>, Fault> {
        let asked = GetObjectRequest {
            bucket: self.name.clone(),
            key: key.to_owned(),
            range: range.map(|range| format!("bytes={}-{}", range.start, range.end.saturating_sub(1))),
            if_match: etag.map(str::to_owned),
            ..Default::default()
        };
        let known = |error: &GetObjectError| match error {
            GetObjectError::NoSuchKey(_) => (404, "NoSuchKey"),
            GetObjectError::InvalidObjectState(_) => (403, "InvalidObjectState"),
        };
        match self.s3.get_object(asked).await.map_err(typed(known)) {
            Ok(found) => {
                let head = Head {
                    size: size(found.content_length),
                    etag: found.e_tag.unwrap_or_default(),
                    metadata: found.metadata.unwrap_or_default(),
                };
                let body = found.body.unwrap_or_else(|| ByteStream::new(stream::empty()));
                Ok(Some((head, body)))
            }
            Err(fault) if fault.is_absent() || fault.is_condition() => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// Writes an object; answers its tag, or `None` when the condition does not hold. It may have been this very request that made
    /// it not hold: when an answer is lost, a request is repeated.
    pub(super) async fn put(&self, object: Object<'_>) -> Result<Option<String>, Fault> {
        let mut request = self.request("PUT", object.key);
        for (name, value) in object.metadata {
            request.add_header(format!("x-amz-meta-{name}"), value);
        }
        match object.condition {
            Condition::None => {}
            Condition::Absent => request.add_header("if-none-match", "*"),
            Condition::Is(etag) => request.add_header("if-match", etag),
        }
        match self.send(request, object.body, Integrity::Sha256(object.checksum)).await {
            Ok(response) => Ok(Some(etag(&response))),
            Err(fault) if fault.is_condition() => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// Removes an object, if there is one.
    pub(super) async fn delete(&self, key: &str) -> Result<(), Fault> {
        let asked =
            DeleteObjectRequest { bucket: self.name.clone(), key: key.to_owned(), ..Default::default() };
        let deleted = self.s3.delete_object(asked).await.map_err(typed(|error| match *error {}));
        match deleted {
            Ok(_) => Ok(()),
            Err(fault) if fault.is_absent() => Ok(()),
            Err(fault) => Err(fault),
        }
    }

    async fn head_bucket(&self) -> Result<(), Fault> {
        let asked = HeadBucketRequest { bucket: self.name.clone(), ..Default::default() };
        let known = |error: &HeadBucketError| match error {
            HeadBucketError::NoSuchBucket(_) => (404, "NoSuchBucket"),
        };
        self.s3.head_bucket(asked).await.map_err(typed(known)).map_err(|fault| match fault {
            Fault::Refused { status: 404, message, .. } => {
                Fault::Refused { status: 404, code: "NoSuchBucket".to_owned(), message }
            }
            other => other,
        })
    }

    /// A request for an object, to be sent by [`Self::send`] or signed for somebody else.
    pub(super) fn request(&self, method: &str, key: &str) -> SignedRequest {
        SignedRequest::new(method, "s3", &self.region, &format!("/{}/{key}", self.name))
    }

    /// Where the bucket is, for forms; and its name.
    pub(super) fn place(&self) -> (String, &str, &Region) {
        let request = self.request("POST", "");
        let url = format!("{}://{}{}", request.scheme(), request.hostname(), request.canonical_path());
        (url, &self.name, &self.region)
    }

    /// Sends a body with its digest, which the server compares it with.
    async fn send(
        &self,
        mut request: SignedRequest,
        body: Bytes,
        integrity: Integrity,
    ) -> Result<HttpResponse, Fault> {
        let (name, digest) = integrity.header(&body).await?;
        request.add_header(name, &digest);
        let length = body.len();
        request.set_payload_stream(ByteStream::new_with_size(stream::iter([Ok(body)]), length));
        let answered = self.client.sign_and_dispatch(request).await.map_err(RusotoError::<Infallible>::from);
        let mut response = answered.map_err(typed(|error| match *error {}))?;
        if response.status.is_success() {
            return Ok(response);
        }
        Err(Fault::of(&response.buffer().await?))
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.place().0)
    }
}

/// The region that requests are signed for, and where its server is.
fn region(options: &S3Options) -> Region {
    let name = options.region.clone();
    let endpoint = match &options.endpoint {
        Some(url) => url.as_str().trim_end_matches('/').to_owned(),
        None if name.starts_with("cn-") => format!("https://s3.{name}.amazonaws.com.cn"),
        None => format!("https://s3.{name}.amazonaws.com"),
    };
    Region::Custom { name, endpoint }
}

fn size(length: Option<i64>) -> u64 {
    length.and_then(|length| u64::try_from(length).ok()).unwrap_or_default()
}

fn etag(response: &HttpResponse) -> String {
    response.headers.get("etag").cloned().unwrap_or_default()
}

//! Contents of files: sent in pieces that can be gone on with, fetched as streams.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::stream::{self, BoxStream, Stream, StreamExt as _};
use reqwest::{Body, Method, Response, StatusCode};
use serde_json::Value;

use crate::answer::Pace;
use crate::client::Client;
use crate::error::{Error, Result};

/// The version of the protocol of uploads (tus).
const TUS: (&str, &str) = ("tus-resumable", "1.0.0");
/// How long a call that carries a file may take: whoever wants less gives it up.
const LONG: Duration = Duration::from_hours(24 * 7);

/// How far an upload is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadProgress {
    /// How many bytes the server has.
    pub offset: u64,
    /// How many there will be.
    pub length: u64,
    /// The id of the item that was made of it; with the last byte.
    pub item: Option<String>,
}

/// A content on its way.
pub struct Download {
    /// Where in the content the bytes begin: 0 when the server gives all of it.
    pub start: u64,
    /// The length of the whole content.
    pub size: u64,
    /// Its checksum, SHA-256 in hexadecimal.
    pub checksum: String,
    /// The bytes.
    pub data: BoxStream<'static, Result<Bytes>>,
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Download({}.. of {} bytes, {})", self.start, self.size, self.checksum)
    }
}

impl Client {
    /// Begins an upload of so many bytes; answers its id. What is said of the file is that of a form: `filename`, `filetype`,
    /// `parent_id`, `resource` (the endpoint, `files` when absent), `checksum`, properties and attributes.
    pub async fn begin_upload(&self, length: u64, said: &[(&str, &str)]) -> Result<String> {
        let pairs: Vec<String> =
            said.iter().map(|(name, value)| format!("{name} {}", STANDARD.encode(value))).collect();
        let mut request =
            self.request(Method::POST, &["uploads"])?.header(TUS.0, TUS.1).header("upload-length", length);
        if !pairs.is_empty() {
            request = request.header("upload-metadata", pairs.join(","));
        }
        let response = self.send(request).await?;
        let location = header(&response, "location").and_then(|path| path.rsplit('/').next());
        location.map(str::to_owned).ok_or_else(|| Error::BadAnswer("an upload has no address".to_owned()))
    }

    /// How far an upload is.
    pub async fn upload_progress(&self, upload: &str) -> Result<UploadProgress> {
        let request = self.request(Method::HEAD, &["uploads", upload])?.header(TUS.0, TUS.1);
        progress(&self.send(request).await?)
    }

    /// Sends further bytes of an upload, which is at `offset`; with the last one the item is made. What goes wrong on the way can be
    /// gone on with: [`Self::upload_progress`] tells where.
    pub async fn append_upload<S, E>(&self, upload: &str, offset: u64, data: S) -> Result<UploadProgress>
    where
        S: Stream<Item = std::result::Result<Bytes, E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
    {
        let request = self
            .request(Method::PATCH, &["uploads", upload])?
            .header(TUS.0, TUS.1)
            .header("upload-offset", offset)
            .header("content-type", "application/offset+octet-stream")
            .timeout(LONG)
            .body(Body::wrap_stream(data));
        progress(&self.send(request).await?)
    }

    /// Gives an upload up.
    pub async fn abort_upload(&self, upload: &str) -> Result<()> {
        let request = self.request(Method::DELETE, &["uploads", upload])?.header(TUS.0, TUS.1);
        self.send(request).await.map(drop)
    }

    /// Replaces the content of an item by bytes that have this checksum, SHA-256; answers the item. `content_type`: the media type, where
    /// the bytes do not tell it.
    pub async fn put_content<S, E>(
        &self,
        (resource, id): (&str, &str),
        (size, checksum): (u64, &[u8; 32]),
        content_type: Option<&str>,
        data: S,
    ) -> Result<Value>
    where
        S: Stream<Item = std::result::Result<Bytes, E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
    {
        let mut request = self
            .request(Method::PUT, &[resource, id, "data"])?
            .header("content-length", size)
            .header("content-digest", format!("sha-256=:{}:", STANDARD.encode(checksum)))
            .timeout(LONG)
            .body(Body::wrap_stream(data));
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        self.document(request).await
    }

    /// What is known of the content of an item: its length and its checksum.
    pub async fn content(&self, resource: &str, id: &str) -> Result<(u64, String)> {
        let response = match self.send(self.request(Method::HEAD, &[resource, id, "data"])?).await {
            // A refusal of HEAD has no words: asked with GET, the server says what is wrong.
            Err(error) if error.status().is_some() => {
                let asked = self.request(Method::GET, &[resource, id, "data"])?.header("range", "bytes=0-0");
                self.send(asked).await.and(Err(error))?
            }
            answered => answered?,
        };
        let size = header(&response, "content-length").and_then(|length| length.parse().ok());
        Ok((size.ok_or_else(no_length)?, checksum(&response)?))
    }

    /// The content of an item; from a byte on, if it is still the one with this checksum.
    pub async fn download(&self, resource: &str, id: &str, from: Option<(u64, &str)>) -> Result<Download> {
        let mut request = self.request(Method::GET, &[resource, id, "data"])?.timeout(LONG);
        if let Some((start, checksum)) = from.filter(|(start, _)| *start > 0) {
            request = request
                .header("range", format!("bytes={start}-"))
                .header("if-range", format!("\"{checksum}\""));
        }
        let response = self.send_within(request, Some(self.patience)).await?;
        let checksum = checksum(&response)?;
        let (start, size) = match (response.status(), from) {
            (StatusCode::PARTIAL_CONTENT, Some((start, _))) => {
                let whole = header(&response, "content-range")
                    .and_then(|range| range.rsplit('/').next()?.parse().ok());
                (start, whole.ok_or_else(no_length)?)
            }
            _ => (0, response.content_length().ok_or_else(no_length)?),
        };
        let pieces = (response, Pace::new(self.patience));
        let data = stream::try_unfold(pieces, |(mut response, mut pace)| async move {
            let broken = |error: reqwest::Error| Error::BadAnswer(error.without_url().to_string());
            let Some(piece) = pace.wait(response.chunk()).await?.map_err(broken)? else { return Ok(None) };
            pace.took(piece.len());
            Ok::<_, Error>(Some((piece, (response, pace))))
        });
        Ok(Download { start, size, checksum, data: data.boxed() })
    }
}

fn header<'r>(response: &'r Response, name: &str) -> Option<&'r str> {
    response.headers().get(name).and_then(|value| value.to_str().ok())
}

fn no_length() -> Error {
    Error::BadAnswer("a content has no length".to_owned())
}

fn checksum(response: &Response) -> Result<String> {
    let tag = header(response, "etag").and_then(checksum_of);
    tag.ok_or_else(|| Error::BadAnswer("a content has no checksum".to_owned()))
}

/// The checksum that a tag is. Files are named by it, so it is nothing else.
fn checksum_of(tag: &str) -> Option<String> {
    let text = tag.trim_matches('"');
    (text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| text.to_owned())
}

fn progress(response: &Response) -> Result<UploadProgress> {
    let number = |name| header(response, name).and_then(|text| text.parse().ok());
    let item = header(response, "content-location").and_then(|path| path.rsplit('/').next());
    match (number("upload-offset"), number("upload-length")) {
        (Some(offset), Some(length)) => Ok(UploadProgress { offset, length, item: item.map(str::to_owned) }),
        _ => Err(Error::BadAnswer("an upload does not tell how far it is".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::checksum_of;

    #[test]
    fn a_tag_that_is_no_checksum_is_none() {
        let checksum = "0123456789abcdef".repeat(4);
        assert_eq!(checksum_of(&format!("\"{checksum}\"")), Some(checksum.clone()));
        let elsewhere = format!("../{}", &checksum[3..]);
        for bad in ["", "\"\"", &checksum[1..], &elsewhere, &format!("W/{checksum}"), &format!("{checksum}0")]
        {
            assert_eq!(checksum_of(bad), None, "{bad}");
        }
    }
}

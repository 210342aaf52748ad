//! Requests for clients, who send and fetch bytes by themselves.
//!
//! Who has told the checksum gets a `PUT` that is bound to it; anybody else a form (`POST`), whose policy binds the type and the size.
//! What comes is no content: `finish_upload` takes and compares it, whatever was promised.

use std::fmt::Write as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use realnet_core::clock::{Clock as _, System, Timestamp};
use realnet_core::provider::{ContentId, DownloadTerms, SignedRequest, UploadTerms};
use realnet_core::{Error, ErrorKind, Result};
use ring::hmac;
use rusoto_core::Region;
use rusoto_credential::AwsCredentials;
use serde_json::json;
use url::Url;

use super::bucket::Bucket;
use super::content::find;
use super::uploads::INCOMING;

/// The longest life of a signature, of version 4.
const LONGEST: i64 = 7 * 24 * 3600;
/// The most bytes of one request.
const LARGEST: u64 = 5 << 30;

/// A request that sends an upload.
pub(super) async fn upload(bucket: &Bucket, id: ContentId, terms: &UploadTerms) -> Result<SignedRequest> {
    let leave = Leave::until(bucket, terms.expires_at).await?;
    let key = bucket.key(INCOMING, id);
    let expected = &terms.expected;
    let most = expected.size.or(expected.limit).unwrap_or(LARGEST);
    if expected.size.is_some_and(|size| size > LARGEST) {
        let message = format!("a signed upload has at most {LARGEST} bytes: send it in several requests");
        return Err(Error::new(ErrorKind::TooLarge, message));
    }
    let Some(checksum) = expected.checksum else {
        let sizes = (expected.size.unwrap_or(0), most.min(LARGEST));
        let (url, name, region) = bucket.place();
        let fields = form(name, region, &key, &terms.content_type, sizes, &leave);
        return leave.given("POST", &url, Vec::new(), fields);
    };
    let mut request = bucket.request("PUT", &key);
    let (name, checksum) = ("x-amz-checksum-sha256", STANDARD.encode(checksum.as_bytes()));
    request.add_header(name, &checksum);
    let url = request.generate_presigned_url(&leave.credentials, &leave.life, false);
    let headers = vec![("content-type".to_owned(), terms.content_type.clone()), (name.to_owned(), checksum)];
    leave.given("PUT", &url, headers, Vec::new())
}

/// A request that fetches a content.
pub(super) async fn download(bucket: &Bucket, id: ContentId, terms: &DownloadTerms) -> Result<SignedRequest> {
    let found = find(bucket, id).await?.ok_or_else(|| Error::not_found(format!("content {id}")))?;
    let leave = Leave::until(bucket, terms.expires_at).await?;
    let mut request = bucket.request("GET", &found.data_key(bucket));
    request.add_param("response-content-type", &terms.content_type);
    request.add_param("response-content-disposition", &terms.disposition);
    let url = request.generate_presigned_url(&leave.credentials, &leave.life, false);
    leave.given("GET", &url, Vec::new(), Vec::new())
}

/// Who signs, and for how long that counts.
struct Leave {
    credentials: AwsCredentials,
    now: Timestamp,
    life: Duration,
}

impl Leave {
    /// Not longer than was asked for, than signatures live, and than the credentials do.
    async fn until(bucket: &Bucket, end: Timestamp) -> Result<Self> {
        let credentials = bucket.credentials.get().await?;
        let now = System.now();
        let own = credentials.expires_at().as_ref().map_or(i64::MAX, DateTime::timestamp_micros);
        let end = end.as_micros().min(own);
        let seconds = (end.saturating_sub(now.as_micros()) / 1_000_000).min(LONGEST);
        match u64::try_from(seconds) {
            Ok(seconds) if seconds > 0 => Ok(Self { credentials, now, life: Duration::from_secs(seconds) }),
            _ => Err(Error::new(ErrorKind::InvalidInput, "a signed request must end in the future")),
        }
    }

    fn end(&self) -> Timestamp {
        self.now.plus_seconds(self.life.as_secs() as i64)
    }

    fn given(
        &self,
        method: &'static str,
        url: &str,
        headers: Vec<(String, String)>,
        fields: Vec<(String, String)>,
    ) -> Result<SignedRequest> {
        let url =
            Url::parse(url).map_err(|error| Error::internal("a signed URL is none").with_source(error))?;
        Ok(SignedRequest { method, url, headers, fields, expires_at: self.end() })
    }
}

/// The fields of a form, whose policy is signed.
fn form(
    bucket: &str,
    region: &Region,
    key: &str,
    content_type: &str,
    (least, most): (u64, u64),
    leave: &Leave,
) -> Vec<(String, String)> {
    let moment = |at: Timestamp| DateTime::<Utc>::from_timestamp_micros(at.as_micros()).unwrap_or_default();
    let (now, end) = (moment(leave.now), moment(leave.end()).format("%Y-%m-%dT%H:%M:%S.000Z"));
    let day = now.format("%Y%m%d").to_string();
    let credentials = &leave.credentials;
    let scope = [day.as_str(), region.name(), "s3", "aws4_request"];
    let mut fields = vec![
        ("key", key.to_owned()),
        ("Content-Type", content_type.to_owned()),
        ("x-amz-algorithm", "AWS4-HMAC-SHA256".to_owned()),
        ("x-amz-credential", format!("{}/{}", credentials.aws_access_key_id(), scope.join("/"))),
        ("x-amz-date", now.format("%Y%m%dT%H%M%SZ").to_string()),
    ];
    if let Some(token) = credentials.token() {
        fields.push(("x-amz-security-token", token.clone()));
    }
    let mut conditions: Vec<_> = fields.iter().map(|(name, value)| json!({ *name: value })).collect();
    conditions.push(json!({ "bucket": bucket }));
    conditions.push(json!(["content-length-range", least, most]));
    let policy = json!({ "expiration": end.to_string(), "conditions": conditions });
    let policy = STANDARD.encode(policy.to_string());
    let signature = signature(credentials.aws_secret_access_key(), &scope, &policy);
    fields.extend([("policy", policy), ("x-amz-signature", signature)]);
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Signature version 4: the key is derived step by step from the parts of its scope.
fn signature(secret: &str, scope: &[&str], text: &str) -> String {
    let sign = |key: &[u8], text: &str| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes());
    let mut key = format!("AWS4{secret}").into_bytes();
    for part in scope {
        key = sign(&key, part).as_ref().to_vec();
    }
    hex(sign(&key, text).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // A text takes all that is written.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_those_of_the_specification() {
        // "Deriving a signing key", the example of the AWS General Reference: key of iam in us-east-1 on 2012-02-15.
        let scope = ["20120215", "us-east-1", "iam", "aws4_request"];
        let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
        let sign =
            |key: &[u8], text: &str| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes());
        let key: [u8; 32] = [
            0xf4, 0x78, 0x0e, 0x2d, 0x9f, 0x65, 0xfa, 0x89, 0x5f, 0x9c, 0x67, 0xb3, 0x2c, 0xe1, 0xba, 0xf0,
            0xb0, 0xd8, 0xa4, 0x35, 0x05, 0xa0, 0x00, 0xa1, 0xa9, 0xe0, 0x90, 0xd4, 0x14, 0xdb, 0x40, 0x4d,
        ];
        let expected = hex(sign(&key, "text").as_ref());
        assert_eq!(signature(secret, &scope, "text"), expected);
    }
}

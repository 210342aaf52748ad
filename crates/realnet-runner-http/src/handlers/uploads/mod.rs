//! `/api/uploads`: files that come in several requests, by the tus protocol 1.0 (creation, creation-with-upload, expiration,
//! termination). With the last byte an item is made, which `Content-Location` names.

mod abort;
mod append;
mod begin;
mod look;
mod options;

pub(crate) use abort::abort;
pub(crate) use append::append;
pub(crate) use begin::begin;
pub(crate) use look::look;
pub(crate) use options::options;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_LOCATION, CONTENT_TYPE, HeaderName, HeaderValue};
use realnet_core::resource::UploadState;
use realnet_core::{Error, ErrorKind};

use crate::call::Call;
use crate::problem::Problem;

/// The version of the protocol.
const VERSION: HeaderValue = HeaderValue::from_static("1.0.0");
const TUS_RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
const TUS_VERSION: HeaderName = HeaderName::from_static("tus-version");
const TUS_EXTENSION: HeaderName = HeaderName::from_static("tus-extension");
const TUS_MAX_SIZE: HeaderName = HeaderName::from_static("tus-max-size");
const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");
const UPLOAD_METADATA: HeaderName = HeaderName::from_static("upload-metadata");
const UPLOAD_EXPIRES: HeaderName = HeaderName::from_static("upload-expires");
/// The media type of bytes that go on.
const OFFSET_BYTES: &str = "application/offset+octet-stream";

/// Refuses clients that speak another version. Those that say none are taken for what they are: other programs.
fn check_version(call: &Call) -> Result<(), Problem> {
    if call.headers().get(TUS_RESUMABLE).is_none_or(|version| *version == VERSION) {
        return Ok(());
    }
    let error = Error::new(ErrorKind::PreconditionFailed, "expected Tus-Resumable: 1.0.0");
    Err(Problem::from(error).with(TUS_VERSION, VERSION))
}

/// A header that is a number.
fn number(call: &Call, name: &HeaderName) -> Result<Option<u64>, Problem> {
    let Some(value) = call.headers().get(name) else { return Ok(None) };
    let digits = value.to_str().ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    match digits.and_then(|text| text.parse().ok()) {
        Some(number) => Ok(Some(number)),
        None => Err(Error::malformed_at(name.as_str(), "expected a number of bytes").into()),
    }
}

/// Whether the body is bytes that go on.
fn has_bytes(call: &Call) -> bool {
    call.headers().get(CONTENT_TYPE).is_some_and(|value| value == OFFSET_BYTES)
}

/// How far an upload is.
fn answer(status: StatusCode, state: &UploadState) -> HttpResponse {
    let mut response = crate::answer::uncacheable(HttpResponse::new(status));
    let headers = response.headers_mut();
    headers.insert(TUS_RESUMABLE, VERSION);
    headers.insert(UPLOAD_OFFSET, HeaderValue::from(state.offset));
    headers.insert(UPLOAD_LENGTH, HeaderValue::from(state.length));
    if let Some((endpoint, item)) = &state.item {
        let endpoint = percent_encoding::utf8_percent_encode(endpoint, percent_encoding::NON_ALPHANUMERIC);
        if let Ok(value) = HeaderValue::from_str(&format!("/api/{endpoint}/{item}")) {
            headers.insert(CONTENT_LOCATION, value);
        }
    } else {
        let seconds = u64::try_from(state.expires.as_micros() / 1_000_000).unwrap_or_default();
        let date = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        let date = actix_web::http::header::HttpDate::from(date).to_string();
        if let Ok(value) = HeaderValue::from_str(&date) {
            headers.insert(UPLOAD_EXPIRES, value);
        }
    }
    response
}

//! Contents as answers: streamed, in parts, and so that no browser takes them for pages of this server.

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::HttpResponse;
use actix_web::body::{BodySize, BoxBody, MessageBody, SizedStream};
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_RANGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
    ETAG, HeaderName, HeaderValue, VARY,
};
use bytes::Bytes;
use futures::TryStreamExt as _;
use realnet_core::provider::DataStream;
use realnet_core::resource::{DataReply, Delivery};

use super::disposition;
use crate::call::Call;
use crate::problem::Problem;
use crate::request::upload::digest_text;
use crate::router::Outcome;

/// What a browser may do with a content that it shows: nothing but that. Its scripts do not run, and it has no origin.
const ALONE: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'self'; sandbox");

/// The checksum of all of the content, RFC 9530.
const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");

/// Pages of other origins do not embed what cookies of this one give. Those that CORS lets in ask by it, and are not bound.
const EMBEDDING: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// The mark of an answer that is not in memory: however long it is said to be, so many bytes of it are read from a store as it is
/// sent, and few of them are in memory at a time.
pub(crate) struct Streamed(pub(crate) u64);

/// The content of an item. `must_save`: the browser is not to show it.
pub(crate) fn of_data(call: &Call, reply: DataReply, must_save: bool) -> Outcome {
    let DataReply { content, content_type, name, delivery } = reply;
    let size = content.size;
    let mut response = match delivery {
        Delivery::Known => HttpResponse::new(StatusCode::NOT_MODIFIED),
        Delivery::Head => announced(size),
        Delivery::Whole(data) => streamed(call, StatusCode::OK, size, data),
        Delivery::Part(range, data) => {
            let length = range.end - range.start;
            let mut response = streamed(call, StatusCode::PARTIAL_CONTENT, length, data);
            let last = range.end.saturating_sub(1);
            set(&mut response, CONTENT_RANGE, &format!("bytes {}-{last}/{size}", range.start));
            response
        }
        Delivery::OutOfRange => return Err(out_of_range(size)),
    };
    set(&mut response, ETAG, &format!("\"{}\"", content.checksum));
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(VARY, HeaderValue::from_static("Authorization, Cookie"));
    if response.status() == StatusCode::NOT_MODIFIED {
        return Ok(response);
    }
    let content_type = disposition::shown_type(&content_type);
    let is_shown = !must_save && disposition::is_inert(&content_type);
    let headers = response.headers_mut();
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(CONTENT_SECURITY_POLICY, ALONE);
    headers.insert(EMBEDDING, HeaderValue::from_static("same-origin"));
    set(&mut response, CONTENT_DISPOSITION, &disposition::header(&name, is_shown));
    set(&mut response, REPR_DIGEST, &digest_text(content.checksum));
    set(&mut response, CONTENT_TYPE, &content_type);
    Ok(response)
}

fn set(response: &mut HttpResponse, name: HeaderName, text: &str) {
    // All of these are made of visible ASCII.
    if let Ok(value) = HeaderValue::from_str(text) {
        response.headers_mut().insert(name, value);
    }
}

fn out_of_range(size: u64) -> Problem {
    let detail = format!("the range lies outside of the content, which has {size} bytes");
    let problem = Problem::new(StatusCode::RANGE_NOT_SATISFIABLE, "range-not-satisfiable", detail);
    match HeaderValue::from_str(&format!("bytes */{size}")) {
        Ok(value) => problem.with(CONTENT_RANGE, value),
        Err(_) => problem,
    }
}

/// A body that is read from the store as the client takes it. One that fails ends the connection, so that the client sees
/// that something is missing.
fn streamed(call: &Call, status: StatusCode, size: u64, data: DataStream) -> HttpResponse {
    let id = call.id.clone();
    let told = data.inspect_err(move |error| {
        tracing::error!(request = &*id, error = %error.report(), "a content could not be read to its end");
    });
    let mut response = HttpResponse::new(status).set_body(BoxBody::new(SizedStream::new(size, told)));
    response.extensions_mut().insert(Streamed(size));
    response
}

/// The answer to who asks about a content: nothing of that is read.
fn announced(size: u64) -> HttpResponse {
    let mut response = HttpResponse::new(StatusCode::OK).set_body(BoxBody::new(Announced(size)));
    response.extensions_mut().insert(Streamed(0));
    response
}

/// The length of a body that is not sent.
struct Announced(u64);

impl MessageBody for Announced {
    type Error = std::convert::Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.0)
    }

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Poll::Ready(None)
    }
}

//! From what an operation gave to an HTTP answer: each body is written once, into the buffer that is sent.

pub(crate) mod compress;
mod data;
mod disposition;
pub(crate) mod held;
mod link;
mod page;
mod reply;
pub(crate) mod shares;

use actix_web::HttpResponse;
use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue, VARY};
use serde::Serialize;

pub(crate) use data::of_data;
pub(crate) use link::next;
pub(crate) use page::of_page;
pub(crate) use reply::{fresh_or_item, of_reply};

use crate::problem::Problem;

/// JSON that may be kept by the client that asked, and must be asked for again each time.
pub(crate) fn json(status: StatusCode, body: Vec<u8>) -> HttpResponse {
    let mut response = HttpResponse::new(status).set_body(BoxBody::new(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    say_who_may_keep(headers);
    response
}

/// Nothing new: the client goes on with what it has, and under the same conditions.
pub(crate) fn not_modified() -> HttpResponse {
    let mut response = HttpResponse::new(StatusCode::NOT_MODIFIED);
    say_who_may_keep(response.headers_mut());
    response
}

fn say_who_may_keep(headers: &mut HeaderMap) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(VARY, HeaderValue::from_static("Authorization, Cookie, Accept-Encoding"));
}

/// A document as JSON.
pub(crate) fn document<T: Serialize + ?Sized>(
    status: StatusCode,
    document: &T,
) -> Result<HttpResponse, Problem> {
    let body = serde_json::to_vec(document)
        .map_err(|error| Problem::internal(format!("an answer can not be written: {error}")))?;
    Ok(json(status, body))
}

/// An answer that nobody may keep.
pub(crate) fn uncacheable(mut response: HttpResponse) -> HttpResponse {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// No content.
pub(crate) fn empty() -> HttpResponse {
    HttpResponse::new(StatusCode::NO_CONTENT)
}

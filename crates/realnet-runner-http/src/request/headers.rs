//! Headers that say one thing: given twice, two programs on the way may each believe another of them. And what no request may have.

use actix_web::dev::RequestHead;
use actix_web::http::Version;
use actix_web::http::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HOST, HeaderName, IF_MATCH, IF_NONE_MATCH,
    IF_UNMODIFIED_SINCE,
};
use realnet_core::Error;

use super::idempotency::IDEMPOTENCY_KEY;
use crate::cookies::X_CSRF_TOKEN;
use crate::problem::Problem;

/// What stands at most once. Lists of tags may be split over lines by the standard, but no client does.
const SINGLE: [HeaderName; 8] = [
    AUTHORIZATION,
    HOST,
    CONTENT_TYPE,
    CONTENT_ENCODING,
    IF_MATCH,
    IF_NONE_MATCH,
    IDEMPOTENCY_KEY,
    X_CSRF_TOKEN,
];

/// Refuses headers that contradict each other, a request that does not say whom it is for (RFC 9112, section 3.2), and the condition
/// that nothing here is tested against: two changes may fall within its second.
pub(crate) fn check(head: &RequestHead) -> Result<(), Problem> {
    let headers = head.headers();
    if head.version == Version::HTTP_11 && !headers.contains_key(HOST) {
        return Err(Error::malformed_at("Host", "an HTTP/1.1 request names its host").into());
    }
    if headers.contains_key(IF_UNMODIFIED_SINCE) {
        let detail = "the condition is not understood here: If-Match names the version that is to be changed";
        return Err(Error::malformed_at("If-Unmodified-Since", detail).into());
    }
    // Hardly any request has a header twice.
    if headers.len() == headers.len_keys() {
        return Ok(());
    }
    match SINGLE.iter().find(|name| headers.get_all(*name).count() > 1) {
        Some(name) => Err(Error::malformed_at(name.as_str(), "the header stands more than once").into()),
        None => Ok(()),
    }
}

//! The id of a request: what the client sent if it is sane, else a new UUIDv7.

use std::sync::Arc;

use actix_web::http::header::{HeaderMap, HeaderName};
use realnet_core::clock::IdSource;

/// Carries the id in requests and answers.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id that is taken from a client.
const MAX_LENGTH: usize = 128;

/// The id of the request.
pub(crate) fn of(headers: &HeaderMap, ids: &dyn IdSource) -> Arc<str> {
    let sent = headers.get(X_REQUEST_ID).and_then(|value| value.to_str().ok()).filter(|text| is_sane(text));
    if let Some(text) = sent {
        return Arc::from(text);
    }
    let mut buffer = [0; 36];
    Arc::from(&*ids.next_id().hyphenated().encode_lower(&mut buffer))
}

/// Ids go to logs and headers: nothing in them may look like anything else.
fn is_sane(text: &str) -> bool {
    (1..=MAX_LENGTH).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::is_sane;

    #[test]
    fn only_plain_ids_are_taken_over() {
        assert!(is_sane("018f-req_1.2:3"));
        for bad in ["", "a b", "a\"b", "ä", &"x".repeat(129)] {
            assert!(!is_sane(bad), "{bad:?}");
        }
    }
}

//! `Prefer: return=minimal` (RFC 7240): a write answers without the item.

use actix_web::http::header::{HeaderMap, HeaderName};

const PREFER: HeaderName = HeaderName::from_static("prefer");

/// Says which preference was honoured.
pub(crate) const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// Whether the client can do without the item that it wrote.
pub(crate) fn is_minimal(headers: &HeaderMap) -> bool {
    headers
        .get_all(PREFER)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split([',', ';']))
        .any(|preference| preference.trim().eq_ignore_ascii_case("return=minimal"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    #[test]
    fn other_preferences_do_not_matter() {
        let mut headers = HeaderMap::new();
        assert!(!is_minimal(&headers));
        headers.insert(PREFER, HeaderValue::from_static("respond-async, Return=minimal; x=1"));
        assert!(is_minimal(&headers));
        headers.insert(PREFER, HeaderValue::from_static("return=representation"));
        assert!(!is_minimal(&headers));
    }
}

//! Pages of other origins: which of them browsers let in. None, unless it is said.

use std::str::FromStr;

use actix_web::HttpResponse;
use actix_web::http::Method;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderValue, ORIGIN, VARY,
};
use realnet_core::{Error, Result};

/// What pages may send beside what every page may.
const ALLOWED_HEADERS: &str = "Authorization, Content-Type, Content-Encoding, Content-Digest, If-Match, If-None-Match, If-Range, \
                               Idempotency-Key, Prefer, Range, Repr-Digest, Tus-Resumable, Upload-Length, Upload-Metadata, Upload-Offset, \
                               Content-Disposition, X-CSRF-Token, X-Request-Id";

/// What pages may read beside what every page may.
const EXPOSED_HEADERS: &str = "ETag, Link, Location, Content-Range, Content-Disposition, Content-Location, Repr-Digest, Tus-Resumable, Tus-Version, Tus-Extension, Tus-Max-Size, \
                               Upload-Offset, Upload-Length, Upload-Expires, Retry-After, RateLimit, RateLimit-Policy, \
                               Idempotency-Replayed, Preference-Applied, RealNet-Notice, X-Request-Id";

/// How long a browser need not ask again, in seconds.
const MAX_AGE: &str = "600";

/// Origins whose pages may use the API.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CorsOrigins {
    /// Those that are named: their pages may use cookies, too.
    named: Vec<String>,
    /// Whether all may: without cookies.
    all: bool,
}

impl FromStr for CorsOrigins {
    type Err = Error;

    /// Origins such as `https://app.example.org`, separated by commas, or `*`.
    fn from_str(text: &str) -> Result<Self> {
        let mut origins = Self::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            match part {
                "*" => origins.all = true,
                part => origins.named.push(origin(part)?),
            }
        }
        if origins.all && !origins.named.is_empty() {
            return Err(Error::malformed("expected either * or a list of origins"));
        }
        Ok(origins)
    }
}

/// Scheme, host and port, as browsers write them: in lower case, and without the port that the scheme has anyway.
fn origin(text: &str) -> Result<String> {
    let refused =
        || Error::malformed("expected origins such as https://app.example.org: scheme, host, port, no path");
    let text = text.to_ascii_lowercase();
    let (scheme, host) = text.split_once("://").ok_or_else(refused)?;
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    if !["http", "https"].contains(&scheme) || host.is_empty() || !host.bytes().all(is_host) {
        return Err(refused());
    }
    let (name, port) = match host.rsplit_once(':') {
        // The colons of an address of IPv6 stand in brackets.
        Some((name, port)) if !port.ends_with(']') => {
            (name, Some(port.parse::<u16>().map_err(|_| refused())?))
        }
        _ => (host, None),
    };
    let is_bracketed = name.starts_with('[') && name.ends_with(']');
    if name.is_empty() || name.contains(['[', ']', ':']) != is_bracketed {
        return Err(refused());
    }
    Ok(match port.filter(|port| *port != if scheme == "https" { 443 } else { 80 }) {
        Some(port) => format!("{scheme}://{name}:{port}"),
        None => format!("{scheme}://{name}"),
    })
}

impl CorsOrigins {
    /// Whether pages of no other origin are let in.
    pub fn is_closed(&self) -> bool {
        !self.all && self.named.is_empty()
    }

    /// The answer to a browser that asks beforehand.
    pub(crate) fn preflight(
        &self,
        method: &Method,
        headers: &HeaderMap,
        allow: &HeaderValue,
    ) -> Option<HttpResponse> {
        if self.is_closed()
            || *method != Method::OPTIONS
            || !headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
        {
            return None;
        }
        let mut response = HttpResponse::new(StatusCode::NO_CONTENT);
        if self.allowed(headers).is_some() {
            let headers = response.headers_mut();
            headers.insert(ACCESS_CONTROL_ALLOW_METHODS, allow.clone());
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(ALLOWED_HEADERS));
            headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(MAX_AGE));
        }
        Some(response)
    }

    /// Says in an answer whose pages may read it.
    pub(crate) fn mark(&self, request: &HeaderMap, answer: &mut HeaderMap) {
        if self.is_closed() {
            return;
        }
        if !self.all {
            // Answers differ by origin: a cache must not give one the answer of another.
            answer.append(VARY, HeaderValue::from_static("Origin"));
        }
        let Some(origin) = self.allowed(request) else { return };
        answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        answer.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED_HEADERS));
        if !self.all {
            answer.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
    }

    /// What is said of the origin that asks; `None` when it is not let in.
    fn allowed(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let origin = headers.get(ORIGIN)?;
        if self.all {
            return Some(HeaderValue::from_static("*"));
        }
        let is_named = self.named.iter().any(|named| named.as_bytes() == origin.as_bytes());
        is_named.then(|| origin.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_whole_and_exact() {
        let origins: CorsOrigins = "https://app.example.org, http://localhost:5173".parse().unwrap();
        let ask = |origin: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(ORIGIN, HeaderValue::from_static(origin));
            origins.allowed(&headers).is_some()
        };
        assert!(ask("https://app.example.org") && ask("http://localhost:5173"));
        for other in
            ["null", "https://app.example.org.evil.test", "http://app.example.org", "https://example.org"]
        {
            assert!(!ask(other), "{other}");
        }
        for (written, sent) in [
            ("https://a.example:443", "https://a.example"),
            ("http://a.example:80", "http://a.example"),
            ("HTTPS://A.example:0443", "https://a.example"),
            ("https://a.example:80", "https://a.example:80"),
            ("http://[::1]:5173", "http://[::1]:5173"),
            ("https://[2001:db8::1]:443", "https://[2001:db8::1]"),
        ] {
            assert_eq!(written.parse::<CorsOrigins>().unwrap().named, [sent], "{written}");
        }
        for bad in [
            "app.example.org",
            "https://",
            "https://a/b",
            "https://a, *",
            "ftp://a",
            "https://a?b",
            "null",
            "https://a:x",
            "https://a:70000",
            "https://:443",
            "https://a:1:2",
        ] {
            assert!(bad.parse::<CorsOrigins>().is_err(), "{bad}");
        }
        assert!("".parse::<CorsOrigins>().unwrap().is_closed());
    }
}

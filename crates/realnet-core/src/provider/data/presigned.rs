//! Requests that a store signs, with which a client sends or fetches bytes by itself, past this server.

use std::fmt;

use url::Url;

use super::Expectation;
use crate::clock::Timestamp;

/// What a signed upload is bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadTerms {
    /// The media type that the client will name.
    pub content_type: String,
    /// What the content must be, as far as the store can hold the client to it.
    pub expected: Expectation,
    /// Until when the request may be made.
    pub expires_at: Timestamp,
}

/// What a signed download answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DownloadTerms {
    /// The media type to answer with.
    pub content_type: String,
    /// The `Content-Disposition` to answer with.
    pub disposition: String,
    /// Until when the request may be made.
    pub expires_at: Timestamp,
}

/// A request that its bearer may make once or often until it expires. It is a secret: `Debug` shows where it leads, no more.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedRequest {
    /// The method: `GET`, `PUT` or `POST`.
    pub method: &'static str,
    /// Where to.
    pub url: Url,
    /// Headers that must be sent as they are.
    pub headers: Vec<(String, String)>,
    /// Fields of a form that come before the file; empty unless the method is `POST`.
    pub fields: Vec<(String, String)>,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl fmt::Debug for SignedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.url.host_str().unwrap_or_default();
        write!(f, "SignedRequest({} {host}{}, …)", self.method, self.url.path())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_not_shown() {
        let request = SignedRequest {
            method: "PUT",
            url: Url::parse("https://key:word@store.example/bucket/id?signature=secret").unwrap(),
            headers: vec![("x-token".to_owned(), "secret".to_owned())],
            fields: vec![("policy".to_owned(), "secret".to_owned())],
            expires_at: Timestamp::default(),
        };
        assert_eq!(format!("{request:?}"), "SignedRequest(PUT store.example/bucket/id, …)");
    }
}

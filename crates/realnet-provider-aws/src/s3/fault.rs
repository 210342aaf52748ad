//! What a bucket answers when it refuses or fails, and the words that core has for it. Names of buckets, keys and servers are for
//! the log; strangers are told what kind of thing is wrong.

use std::fmt;

use realnet_core::Error;
use rusoto_core::RusotoError;
use rusoto_core::request::{BufferedHttpResponse, HttpDispatchError};

use crate::dispatch::element;

/// The longest text of a server's that is kept.
const LONGEST: usize = 300;

/// Why a request to a bucket failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// The server has refused it.
    Refused {
        /// The status of HTTP.
        status: u16,
        /// S3's name for the reason; empty where there is none, as in answers to HEAD.
        code: String,
        /// Its words.
        message: String,
    },
    /// The server was not reached, or its answer did not come.
    Network(String),
    /// There are no credentials.
    Credentials(String),
    /// The answer makes no sense.
    Nonsense(String),
}

impl Fault {
    /// Reads the answer of a server that refuses.
    pub(super) fn of(response: &BufferedHttpResponse) -> Self {
        let text = |name| element(&response.body, name).unwrap_or_default();
        let message: String = text("Message").chars().take(LONGEST).collect();
        Self::Refused { status: response.status.as_u16(), code: text("Code"), message }
    }

    /// What S3 calls it.
    pub(super) fn code(&self) -> &str {
        match self {
            Self::Refused { code, .. } => code,
            _ => "",
        }
    }

    /// The status of HTTP.
    pub(super) const fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Whether there is no such object or upload, in a bucket that is there.
    pub(super) fn is_absent(&self) -> bool {
        self.status() == Some(404) && !self.is_no_bucket()
    }

    /// Whether there is no such bucket.
    pub(super) fn is_no_bucket(&self) -> bool {
        self.code() == "NoSuchBucket"
    }

    /// Whether a condition of the request did not hold.
    pub(super) fn is_condition(&self) -> bool {
        self.status() == Some(412)
    }

    /// Whether a part that is to be completed is not the one that was sent.
    pub(super) fn is_lost_part(&self) -> bool {
        matches!(self.code(), "InvalidPart" | "InvalidPartOrder")
    }

    /// What strangers are told.
    fn words(&self) -> &'static str {
        match self {
            Self::Network(_) => "the S3 storage does not answer",
            Self::Credentials(_) => "there are no credentials for the S3 storage",
            Self::Nonsense(_) => "the S3 storage does not answer as S3 does",
            Self::Refused { .. } if self.is_no_bucket() => "the bucket of the S3 storage is not there",
            Self::Refused { status: 401 | 403, .. } => {
                "the S3 storage refuses the credentials or what is asked"
            }
            Self::Refused { status: 301 | 307, .. } => "the bucket of the S3 storage is in another region",
            Self::Refused { status: 501, .. } => "the S3 storage does not offer what is needed",
            Self::Refused { .. } if self.code() == "AuthorizationHeaderMalformed" => {
                "the bucket of the S3 storage is in another region"
            }
            Self::Refused { .. } => "the S3 storage has failed",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { status, code, message } if code.is_empty() => {
                write!(f, "answered with {status}{}{message}", if message.is_empty() { "" } else { ": " })
            }
            Self::Refused { status, code, message } => write!(f, "answered with {status} {code}: {message}"),
            Self::Network(text) | Self::Credentials(text) | Self::Nonsense(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Fault {}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::unavailable(fault.words()).with_source(fault)
    }
}

impl From<HttpDispatchError> for Fault {
    fn from(error: HttpDispatchError) -> Self {
        Self::Network(error.to_string())
    }
}

/// The errors that the S3 client knows by name are told from their type; all others it hands over as they came.
pub(super) fn typed<E: std::error::Error + 'static>(
    known: impl FnOnce(&E) -> (u16, &'static str),
) -> impl FnOnce(RusotoError<E>) -> Fault {
    move |error| match error {
        RusotoError::Service(error) => {
            let (status, code) = known(&error);
            Fault::Refused { status, code: code.to_owned(), message: error.to_string() }
        }
        RusotoError::HttpDispatch(error) => error.into(),
        RusotoError::Credentials(error) => Fault::Credentials(error.message),
        RusotoError::Unknown(response) => Fault::of(&response),
        RusotoError::Validation(text) | RusotoError::ParseError(text) => Fault::Nonsense(text),
        RusotoError::Blocking => Fault::Nonsense("the client was called where it must not be".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http_of_rusoto::{HeaderMap, StatusCode};
    use realnet_core::ErrorKind;

    use super::*;

    fn refused(status: u16, body: &'static str) -> Fault {
        let status = StatusCode::from_u16(status).unwrap();
        Fault::of(&BufferedHttpResponse { status, body: Bytes::from(body), headers: HeaderMap::default() })
    }

    #[test]
    fn answers_are_read() {
        let fault = refused(
            404,
            "<?xml version=\"1.0\"?><Error><Code>NoSuchBucket</Code><Message>gone</Message><BucketName>secret-name</BucketName></Error>",
        );
        assert!(fault.is_no_bucket() && !fault.is_absent());
        let error = Error::from(fault);
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert_eq!(error.message(), "the bucket of the S3 storage is not there");
        assert!(error.report().contains("NoSuchBucket") && !error.report().contains("secret-name"));
        assert!(refused(400, "<Error><Code>InvalidPart</Code></Error>").is_lost_part());
        assert!(refused(404, "").is_absent() && refused(412, "<Code>x").is_condition());
        let denied = Error::from(refused(403, "<Error><Code>SignatureDoesNotMatch</Code></Error>"));
        assert!(denied.message().contains("refuses the credentials"));
    }
}

//! The one error of the core: what went wrong, in words for a stranger and in words for the log.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

/// Result of every fallible call of the core.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of failure it is; a protocol maps kinds to its own status once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request can not be understood (HTTP 400).
    Malformed,
    /// The request is understood, but its values break rules (HTTP 422).
    InvalidInput,
    /// Who is calling could not be established (HTTP 401).
    Unauthenticated,
    /// The caller may see the object, but not do this (HTTP 403).
    Forbidden,
    /// The object does not exist, or not for this caller (HTTP 404).
    NotFound,
    /// The operation is not offered on this object (HTTP 405).
    NotAllowed,
    /// The state of the store forbids it: duplicate, cycle, reference in use (HTTP 409).
    Conflict,
    /// A condition named by the caller does not hold, such as a version (HTTP 412).
    PreconditionFailed,
    /// What was asked for has expired (HTTP 410).
    Gone,
    /// A body, value or count is over its limit (HTTP 413).
    TooLarge,
    /// The part of a content that was asked for lies outside of it (HTTP 416).
    RangeNotSatisfiable,
    /// The representation is not one that is understood (HTTP 415).
    UnsupportedMediaType,
    /// Too many requests (HTTP 429).
    RateLimited,
    /// Known, but not built into or not supported by this server or backend (HTTP 501).
    Unsupported,
    /// A backend is away; trying again may help (HTTP 503).
    Unavailable,
    /// The operation took longer than it may (HTTP 504).
    Timeout,
    /// A fault of ours (HTTP 500).
    Internal,
}

/// One broken rule, with a JSON pointer (RFC 6901) to the value that breaks it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Violation {
    /// Where: a JSON pointer into the body, or a parameter's name.
    pub pointer: String,
    /// What is wrong and what is expected.
    pub detail: String,
}

impl Violation {
    /// A violation at `pointer`.
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into() }
    }

    /// Both in one sentence; the pointer to the whole body is empty and left out.
    fn sentence(&self) -> String {
        if self.pointer.is_empty() {
            self.detail.clone()
        } else {
            format!("{}: {}", self.pointer, self.detail)
        }
    }
}

/// An error with a message fit for a stranger, and context and source for the log.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    violations: Vec<Violation>,
    retry_after: Option<Duration>,
    operation_index: Option<usize>,
    internal: Option<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of `kind` whose `message` may be shown to anybody.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            violations: Vec::new(),
            retry_after: None,
            operation_index: None,
            internal: None,
            source: None,
        }))
    }

    /// The request can not be understood.
    pub fn malformed(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Malformed, message)
    }

    /// Values break rules; the message counts them, the violations name them.
    pub fn invalid(violations: Vec<Violation>) -> Self {
        let message = match violations.as_slice() {
            [one] => one.sentence(),
            many => format!("{} values are not valid", many.len()),
        };
        Self::new(ErrorKind::InvalidInput, message).with_violations(violations)
    }

    /// A value at `pointer` is malformed.
    pub fn malformed_at(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        let violation = Violation::new(pointer, detail);
        Self::malformed(violation.sentence()).with_violations(vec![violation])
    }

    /// Nothing of that kind and name, or nothing that the caller may see.
    pub fn not_found(what: impl fmt::Display) -> Self {
        Self::new(ErrorKind::NotFound, format!("{what} was not found"))
    }

    /// The caller may not do this.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Forbidden, message)
    }

    /// The state of the store forbids it.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Conflict, message)
    }

    /// A fault of ours: `internal` goes to the log only.
    pub fn internal(internal: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, "an internal error occurred").with_internal(internal)
    }

    /// A backend is away.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unavailable, message).with_retry_after(Duration::from_secs(1))
    }

    /// Adds the broken rules.
    pub fn with_violations(mut self, violations: Vec<Violation>) -> Self {
        self.0.violations = violations;
        self
    }

    /// Adds words for the log, never shown to a caller.
    pub fn with_internal(mut self, internal: impl Into<String>) -> Self {
        self.0.internal = Some(internal.into());
        self
    }

    /// Adds the error underneath, for the log.
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Says after how long another try makes sense.
    pub fn with_retry_after(mut self, after: Duration) -> Self {
        self.0.retry_after = Some(after);
        self
    }

    /// Names the operation of a change set (zero based) that failed.
    pub fn at_operation(mut self, index: usize) -> Self {
        self.0.operation_index = Some(index);
        self
    }

    /// The kind.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The message for the caller.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The broken rules, if any.
    pub fn violations(&self) -> &[Violation] {
        &self.0.violations
    }

    /// After how long another try makes sense.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The operation of a change set (zero based) that failed.
    pub fn operation_index(&self) -> Option<usize> {
        self.0.operation_index
    }

    /// Whether the same call may succeed when tried again.
    pub fn is_retryable(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Unavailable | ErrorKind::RateLimited | ErrorKind::Timeout)
    }

    /// Everything, for the log: kind, message, internal words and the chain of sources.
    pub fn report(&self) -> String {
        let mut text = format!("{:?}: {}", self.0.kind, self.0.message);
        if let Some(internal) = &self.0.internal {
            text.push_str(" | ");
            text.push_str(internal);
        }
        let mut source = StdError::source(self);
        while let Some(error) = source {
            text.push_str(" | caused by: ");
            text.push_str(&error.to_string());
            source = error.source();
        }
        text
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.report())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_ref().map(|source| &**source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pointer_to_the_whole_body_is_not_shown() {
        assert_eq!(Error::malformed_at("", "expected an object").message(), "expected an object");
        assert_eq!(Error::malformed_at("/a", "expected text").message(), "/a: expected text");
        assert_eq!(Error::invalid(vec![Violation::new("", "is wrong")]).message(), "is wrong");
    }
}

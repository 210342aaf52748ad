//! Errors on their way out: the one place that maps them to status codes and RFC 9457 problem documents.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE,
};
use realnet_core::{Error, ErrorKind, Violation};
use serde_json::{Value, json};

/// A failure as it will be answered. Boxed, so that results stay small where nothing fails.
#[derive(Debug)]
pub(crate) struct Problem(Box<Inner>);

struct Inner {
    status: StatusCode,
    /// The last part of the problem's type.
    name: &'static str,
    detail: String,
    violations: Vec<Violation>,
    operation: Option<usize>,
    /// What else the document says.
    members: Vec<(&'static str, String)>,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// What only the log gets to see.
    report: Option<String>,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { status, name, detail, violations, operation, headers, report, members: _ } = self;
        write!(f, "{status} {name} {detail:?} {violations:?} {operation:?} {headers:?} {report:?}")
    }
}

impl Problem {
    /// A problem of the protocol itself.
    pub(crate) fn new(status: StatusCode, name: &'static str, detail: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            status,
            name,
            detail: detail.into(),
            violations: Vec::new(),
            operation: None,
            members: Vec::new(),
            headers: Vec::new(),
            report: None,
        }))
    }

    /// The caller is not known.
    pub(crate) fn unauthenticated(detail: &str) -> Self {
        Error::new(ErrorKind::Unauthenticated, detail).into()
    }

    /// The method is not offered here; `allow` names those that are.
    pub(crate) fn method_not_allowed(allow: &HeaderValue) -> Self {
        let detail = format!("offered here: {}", allow.to_str().unwrap_or_default());
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", detail).with(ALLOW, allow.clone())
    }

    /// The request did not arrive in time.
    pub(crate) fn request_timeout() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "request-timeout", "the body did not arrive in time")
    }

    /// A fault of ours; `report` goes to the log.
    pub(crate) fn internal(report: impl Into<String>) -> Self {
        Error::internal(report).into()
    }

    /// Leaves out the index of the operation, where the client gave only one.
    pub(crate) fn without_operation(mut self) -> Self {
        self.0.operation = None;
        self
    }

    /// An error of the one operation that the client gave.
    pub(crate) fn without_step(error: Error) -> Self {
        Self::from(error).without_operation()
    }

    /// Gives it a narrower type.
    pub(crate) fn named(mut self, name: &'static str) -> Self {
        self.0.name = name;
        self
    }

    /// Adds a member to the document; what it says stays out of `Debug`.
    pub(crate) fn saying(mut self, name: &'static str, value: String) -> Self {
        self.0.members.push((name, value));
        self
    }

    /// Adds a header.
    pub(crate) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// The status it will be answered with.
    pub(crate) fn status(&self) -> StatusCode {
        self.0.status
    }

    /// What only the log gets to see, for faults of the server.
    pub(crate) fn report(&self) -> Option<&str> {
        self.0.report.as_deref()
    }

    /// The problem document.
    pub(crate) fn document(&self, request_id: &str) -> Value {
        let mut document = json!({
            "type": format!("urn:realnet:problem:{}", self.0.name),
            "title": self.0.status.canonical_reason().unwrap_or("Error"),
            "status": self.0.status.as_u16(),
            "detail": self.0.detail,
            "instance": request_id,
        });
        if !self.0.violations.is_empty() {
            document["errors"] = json!(self.0.violations);
        }
        if let Some(index) = self.0.operation {
            document["operation"] = json!(index);
        }
        for (name, value) in &self.0.members {
            document[*name] = json!(value);
        }
        document
    }

    /// The answer.
    pub(crate) fn into_response(self, request_id: &str) -> HttpResponse {
        let body = self.document(request_id).to_string();
        let mut response = HttpResponse::new(self.0.status).set_body(actix_web::body::BoxBody::new(body));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        for (name, value) in self.0.headers {
            headers.insert(name, value);
        }
        response
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let (status, name) = of_kind(error.kind());
        let mut problem = Self::new(status, name, error.message());
        problem.0.violations = error.violations().to_vec();
        problem.0.operation = error.operation_index();
        if status.is_server_error() {
            problem.0.report = Some(error.report());
        }
        match error.kind() {
            ErrorKind::Unauthenticated => {
                problem.with(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"realnet\""))
            }
            ErrorKind::NotAllowed => problem.with(ALLOW, HeaderValue::from_static("OPTIONS")),
            ErrorKind::RateLimited | ErrorKind::Unavailable => {
                let after = error.retry_after().map_or(1, |after| after.as_secs().max(1));
                problem.with(RETRY_AFTER, HeaderValue::from(after))
            }
            _ => problem,
        }
    }
}

fn of_kind(kind: ErrorKind) -> (StatusCode, &'static str) {
    match kind {
        ErrorKind::Malformed => (StatusCode::BAD_REQUEST, "malformed"),
        ErrorKind::InvalidInput => (StatusCode::UNPROCESSABLE_ENTITY, "invalid-input"),
        ErrorKind::Unauthenticated => (StatusCode::UNAUTHORIZED, "unauthenticated"),
        ErrorKind::Forbidden => (StatusCode::FORBIDDEN, "forbidden"),
        ErrorKind::NotFound => (StatusCode::NOT_FOUND, "not-found"),
        ErrorKind::NotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed"),
        ErrorKind::Conflict => (StatusCode::CONFLICT, "conflict"),
        ErrorKind::PreconditionFailed => (StatusCode::PRECONDITION_FAILED, "precondition-failed"),
        ErrorKind::Gone => (StatusCode::GONE, "gone"),
        ErrorKind::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too-large"),
        ErrorKind::RangeNotSatisfiable => (StatusCode::RANGE_NOT_SATISFIABLE, "range-not-satisfiable"),
        ErrorKind::UnsupportedMediaType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type"),
        ErrorKind::RateLimited => (StatusCode::TOO_MANY_REQUESTS, "rate-limited"),
        ErrorKind::Unsupported => (StatusCode::NOT_IMPLEMENTED, "unsupported"),
        ErrorKind::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        ErrorKind::Timeout => (StatusCode::GATEWAY_TIMEOUT, "timeout"),
        // `Internal`, and kinds that the core may add: unknown ones must not leak.
        _ => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_fault_of_ours_says_nothing_of_its_cause() {
        let problem = Problem::from(Error::internal("password of the database is hunter2"));
        let document = problem.document("r1").to_string();
        assert!(!document.contains("hunter2"), "{document}");
        assert!(problem.report().is_some_and(|report| report.contains("hunter2")));
    }

    #[test]
    fn pointers_index_and_headers_are_carried_over() {
        let error =
            Error::invalid(vec![Violation::new("/attributes/tier", "expected free or pro")]).at_operation(2);
        let problem = Problem::from(error);
        let document = problem.document("r1");
        assert_eq!(document["status"], 422);
        assert_eq!(document["operation"], 2);
        assert_eq!(document["instance"], "r1");
        assert_eq!(document["errors"][0]["pointer"], "/attributes/tier");

        let busy = Error::new(ErrorKind::RateLimited, "slow down").with_retry_after(Duration::from_secs(7));
        let response = Problem::from(busy).into_response("r1");
        assert_eq!(response.status(), 429);
        assert_eq!(response.headers().get(RETRY_AFTER).unwrap(), "7");
    }
}

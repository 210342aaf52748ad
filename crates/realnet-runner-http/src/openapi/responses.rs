//! Failures that operations share: RFC 9457 problem documents.

use serde_json::{Map, Value, json};

/// Statuses of failures, with what they mean.
const FAILURES: [(&str, &str); 18] = [
    ("400", "The request can not be understood"),
    ("401", "The caller is not known, or the token is not valid"),
    ("403", "The caller may see it, but not do this"),
    ("404", "There is nothing, or nothing that the caller may see"),
    ("405", "The method is not offered here"),
    ("408", "The request did not arrive in time"),
    ("409", "The state of the store forbids it"),
    ("410", "What was asked for has expired"),
    ("412", "The item has another version"),
    ("413", "The body is too large"),
    ("415", "The media type or content coding is not understood"),
    ("416", "The range lies outside of the content; `Content-Range` tells its length"),
    ("422", "Values break rules; `errors` points at each"),
    ("429", "Too many requests; `Retry-After` says when to try again"),
    ("501", "Known, but not part of this server"),
    ("503", "The store is away; `Retry-After` says when to try again"),
    ("504", "The operation took longer than it may"),
    ("default", "Any other failure"),
];

/// All shared answers.
pub(super) fn build() -> Value {
    let content =
        json!({"application/problem+json": {"schema": {"$ref": "#/components/schemas/realnet.Problem"}}});
    let map: Map<String, Value> = FAILURES
        .iter()
        .map(|(status, meaning)| ((*status).to_owned(), json!({"description": meaning, "content": content})))
        .collect();
    Value::Object(map)
}

//! `POST /api/types`: creates a type from a document, as it stands in an initialization file.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, LOCATION};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use realnet_core::resource::{Operation, Reply, TypeOperation};

use super::TYPES;
use super::tagged::tagged;
use crate::answer;
use crate::call::Call;
use crate::request::query;
use crate::router::Outcome;
use crate::who::Member;

/// Creates a type, or several atomically.
pub(crate) async fn create(call: Call, Member(caller): Member) -> Outcome {
    call.refuse_conditions()?;
    query::refuse_rest(&call.parameters()?)?;
    call.refuse_idempotency(
        "types are known by name: a repeated creation is refused by itself, so no key is kept for it",
    )?;
    let body = call.document().await?.value;
    let operation = Operation::Type(TypeOperation::Create { body });
    let document = match call.write_at(&caller, TYPES, operation).await? {
        Reply::Document(document) => document,
        other => return answer::of_reply(&call, other),
    };
    if document.is_array() {
        return answer::document(StatusCode::CREATED, &document);
    }
    let mut response = tagged(&call, &caller, StatusCode::CREATED, &document)?;
    let name = document.get("name").and_then(|name| name.as_str()).unwrap_or_default();
    let location = format!("/api/types/{}", utf8_percent_encode(name, NON_ALPHANUMERIC));
    if let Ok(value) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(LOCATION, value);
    }
    Ok(response)
}

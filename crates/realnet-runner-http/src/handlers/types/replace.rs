//! `PUT /api/types/{name}`: replaces the definition of a type.

use actix_web::http::StatusCode;
use realnet_core::resource::{Operation, Reply, TypeOperation, WriteOptions};

use super::TYPES;
use super::tagged::tagged;
use crate::answer;
use crate::call::Call;
use crate::request::query;
use crate::router::Outcome;
use crate::who::Member;

/// Replaces a definition.
pub(crate) async fn replace(call: Call, Member(caller): Member) -> Outcome {
    query::refuse_rest(&call.parameters()?)?;
    let body = call.document().await?.value;
    let options = WriteOptions { expected_version: call.expected_revision()?, idempotency: None };
    let operation = TypeOperation::Replace { name: call.path.name.clone(), body, options };
    match call.write_at(&caller, TYPES, Operation::Type(operation)).await? {
        Reply::Document(document) => tagged(&call, &caller, StatusCode::OK, &document),
        other => answer::of_reply(&call, other),
    }
}

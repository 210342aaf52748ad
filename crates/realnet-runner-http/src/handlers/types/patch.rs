//! `PATCH /api/types/{name}`: a merge patch (RFC 7396) of a definition, or a JSON Patch (RFC 6902) by media type.

use actix_web::http::StatusCode;
use realnet_core::resource::{Operation, Reply, TypeOperation, WriteOptions};

use super::TYPES;
use super::tagged::tagged;
use crate::answer;
use crate::call::Call;
use crate::request::query;
use crate::router::Outcome;
use crate::who::Member;

/// Changes a part of a definition.
pub(crate) async fn patch(call: Call, Member(caller): Member) -> Outcome {
    query::refuse_rest(&call.parameters()?)?;
    let patch = call.json().await?.into_patch();
    let options = WriteOptions { expected_version: call.expected_revision()?, idempotency: None };
    let operation = TypeOperation::Patch { name: call.path.name.clone(), patch, options };
    match call.write_at(&caller, TYPES, Operation::Type(operation)).await? {
        Reply::Document(document) => tagged(&call, &caller, StatusCode::OK, &document),
        other => answer::of_reply(&call, other),
    }
}

//! `PUT /api/types/{name}`: replaces the definition of a type.

use realnet_core::resource::{Operation, TypeOperation, WriteOptions};

use super::TYPES;
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
    let reply = call.write_at(&caller, TYPES, Operation::Type(operation)).await?;
    answer::of_reply(&call, reply)
}

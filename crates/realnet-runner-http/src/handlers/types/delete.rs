//! `DELETE /api/types/{name}`: deletes a type that has neither items nor derived types.

use realnet_core::resource::{Operation, TypeOperation, WriteOptions};

use super::TYPES;
use crate::answer;
use crate::call::Call;
use crate::request::query;
use crate::router::Outcome;
use crate::who::Member;

/// Deletes a type.
pub(crate) async fn delete(call: Call, Member(caller): Member) -> Outcome {
    query::refuse_rest(&call.parameters()?)?;
    let options = WriteOptions { expected_version: call.expected_revision()?, idempotency: None };
    let operation = TypeOperation::Delete { name: call.path.name.clone(), options };
    let reply = call.write_at(&caller, TYPES, Operation::Type(operation)).await?;
    answer::of_reply(&call, reply)
}

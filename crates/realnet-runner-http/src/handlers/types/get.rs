//! `GET /api/types/{name}`: a type and what it inherits.

use realnet_core::resource::{Operation, TypeOperation};

use super::TYPES;
use crate::answer;
use crate::call::Call;
use crate::request::query;
use crate::router::Outcome;
use crate::who::Anyone;

/// Shows a type.
pub(crate) async fn get(call: Call, Anyone(caller): Anyone) -> Outcome {
    query::refuse_rest(&call.parameters()?)?;
    let operation = TypeOperation::Get { name: call.path.name.clone() };
    let reply = call.read_at(&caller, TYPES, Operation::Type(operation)).await?;
    answer::of_reply(&call, reply)
}

//! `GET /api/types`: all types that the caller's org sees.

use realnet_core::resource::{Operation, TypeOperation};

use super::TYPES;
use crate::answer;
use crate::call::Call;
use crate::request::query;
use crate::router::Outcome;
use crate::who::Anyone;

/// Lists the types.
pub(crate) async fn list(call: Call, Anyone(caller): Anyone) -> Outcome {
    query::refuse_rest(&call.parameters()?)?;
    let reply = call.read_at(&caller, TYPES, Operation::Type(TypeOperation::List)).await?;
    answer::of_reply(&call, reply)
}

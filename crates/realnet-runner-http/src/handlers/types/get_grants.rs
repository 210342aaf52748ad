//! `GET /api/types/{name}/acl[?instance=NAME]`: the grants that hold in the caller's org.

use realnet_core::resource::{Operation, TypeOperation};

use super::TYPES;
use crate::answer;
use crate::call::Call;
use crate::request::query;
use crate::router::Outcome;
use crate::who::Anyone;

/// Shows the grants on a type or instance.
pub(crate) async fn get_grants(call: Call, Anyone(caller): Anyone) -> Outcome {
    call.refuse_conditions()?;
    let mut list = call.parameters()?;
    let instance = query::take(&mut list, "instance")?;
    query::refuse_rest(&list)?;
    let operation = TypeOperation::GetGrants { name: call.path.name.clone(), instance };
    let reply = call.read_at(&caller, TYPES, Operation::Type(operation)).await?;
    answer::of_reply(&call, reply)
}

//! `DELETE /api/types/{name}/acl[?instance=NAME]`: the declared grants hold again.

use realnet_core::resource::{Operation, TypeOperation};

use super::TYPES;
use crate::answer;
use crate::call::Call;
use crate::request::query;
use crate::router::Outcome;
use crate::who::Member;

/// Forgets the grants that the caller's org has set on a type or instance.
pub(crate) async fn reset_grants(call: Call, Member(caller): Member) -> Outcome {
    call.refuse_conditions()?;
    let mut list = call.parameters()?;
    let instance = query::take(&mut list, "instance")?;
    query::refuse_rest(&list)?;
    let operation = TypeOperation::SetGrants { name: call.path.name.clone(), instance, grants: None };
    let reply = call.write_at(&caller, TYPES, Operation::Type(operation)).await?;
    answer::of_reply(&call, reply)
}

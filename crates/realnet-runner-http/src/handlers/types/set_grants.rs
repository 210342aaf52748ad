//! `PUT /api/types/{name}/acl[?instance=NAME]`: replaces the grants that hold in the caller's org.

use realnet_core::acl::Grant;
use realnet_core::resource::{Operation, TypeOperation};

use super::TYPES;
use crate::answer;
use crate::call::Call;
use crate::request::query;
use crate::router::Outcome;
use crate::who::Member;

/// Replaces the grants on a type or instance.
pub(crate) async fn set_grants(call: Call, Member(caller): Member) -> Outcome {
    call.refuse_conditions()?;
    let mut list = call.parameters()?;
    let instance = query::take(&mut list, "instance")?;
    query::refuse_rest(&list)?;
    let grants = Some(Grant::list_from_json(&call.document().await?.value, "")?);
    let operation = TypeOperation::SetGrants { name: call.path.name.clone(), instance, grants };
    let reply = call.write_at(&caller, TYPES, Operation::Type(operation)).await?;
    answer::of_reply(&call, reply)
}

//! `PUT /api/{resource}/{id}/acl`: replaces the grants on an item, apart from those that it inherits.

use realnet_core::acl::Grant;
use realnet_core::resource::{Operation, WriteOptions};

use crate::answer;
use crate::call::Call;
use crate::request::query;
use crate::router::Outcome;
use crate::who::Member;

/// Replaces the grants.
pub(crate) async fn set_grants(call: Call, Member(caller): Member) -> Outcome {
    query::refuse_rest(&call.parameters()?)?;
    let id = call.path.id;
    let grants = Grant::own_list_from_json(&call.document().await?.value, "")?;
    let expected_version = call.expected_version(&caller, id).await?;
    let options = WriteOptions { expected_version, idempotency: None };
    let reply = call.write(&caller, Operation::SetGrants { id, grants, options }).await?;
    answer::of_reply(&call, reply)
}

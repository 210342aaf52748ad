//! `GET /api/{resource}/{id}/acl`: the grants on an item.

use realnet_core::resource::Operation;

use crate::answer;
use crate::call::Call;
use crate::request::query;
use crate::router::Outcome;
use crate::who::Anyone;

/// Shows the grants.
pub(crate) async fn get_grants(call: Call, Anyone(caller): Anyone) -> Outcome {
    call.refuse_conditions()?;
    query::refuse_rest(&call.parameters()?)?;
    let reply = call.read(&caller, Operation::GetGrants { id: call.path.id }).await?;
    answer::of_reply(&call, reply)
}

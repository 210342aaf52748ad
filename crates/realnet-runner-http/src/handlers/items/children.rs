//! `GET /api/{resource}/{id}/items`: the children of an item.

use realnet_core::resource::Operation;

use crate::answer;
use crate::call::Call;
use crate::router::Outcome;
use crate::who::Anyone;

/// Lists the children.
pub(crate) async fn children(call: Call, Anyone(caller): Anyone) -> Outcome {
    call.refuse_conditions()?;
    let operation = Operation::Children { id: call.path.id, parameters: call.parameters()? };
    let reply = call.read(&caller, operation).await?;
    answer::of_reply(&call, reply)
}

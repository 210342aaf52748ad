//! `GET /api/{resource}/{id}/history`: earlier states of an item.

use realnet_core::resource::Operation;

use crate::answer;
use crate::call::Call;
use crate::router::Outcome;
use crate::who::Anyone;

/// Lists the changes, newest first.
pub(crate) async fn history(call: Call, Anyone(caller): Anyone) -> Outcome {
    call.refuse_conditions()?;
    let operation = Operation::History { id: call.path.id, parameters: call.parameters()? };
    let reply = call.read(&caller, operation).await?;
    answer::of_reply(&call, reply)
}

//! `DELETE /api/{resource}?filter`: deletes all items that match.

use realnet_core::resource::{Operation, Verb};

use crate::answer;
use crate::call::Call;
use crate::handlers::call as calls;
use crate::router::Outcome;
use crate::who::Anyone;

/// Deletes all that match; a filter is required.
pub(crate) async fn delete_many(call: Call, Anyone(caller): Anyone) -> Outcome {
    if call.is_untyped(&caller) {
        return calls::write(call, &caller, Verb::Delete).await;
    }
    call.refuse_conditions()?;
    let operation = Operation::DeleteMany { parameters: call.parameters()? };
    let reply = call.write(&caller, operation).await?;
    answer::of_reply(&call, reply)
}

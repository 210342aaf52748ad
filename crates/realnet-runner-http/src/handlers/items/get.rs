//! `GET /api/{resource}/{id}`: one item.

use realnet_core::resource::{Operation, Reply};

use crate::answer;
use crate::call::Call;
use crate::router::Outcome;
use crate::who::Anyone;

/// Gets.
pub(crate) async fn get(call: Call, Anyone(caller): Anyone) -> Outcome {
    call.refuse_write_condition()?;
    let operation = Operation::Get { id: call.path.id, parameters: call.parameters()? };
    match call.read(&caller, operation).await? {
        Reply::Item(item) => answer::fresh_or_item(&call, &item),
        other => answer::of_reply(&call, other),
    }
}

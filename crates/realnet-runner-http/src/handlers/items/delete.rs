//! `DELETE /api/{resource}/{id}`: deletes an item with its descendants.

use realnet_core::resource::{Operation, WriteOptions};

use crate::answer;
use crate::call::Call;
use crate::request::query;
use crate::router::Outcome;
use crate::who::Anyone;

/// Deletes.
pub(crate) async fn delete(call: Call, Anyone(caller): Anyone) -> Outcome {
    query::refuse_rest(&call.parameters()?)?;
    let id = call.path.id;
    let expected_version = call.expected_version(&caller, id).await?;
    let options = WriteOptions { expected_version, idempotency: None };
    let reply = call.write(&caller, Operation::Delete { id, options }).await?;
    answer::of_reply(&call, reply)
}

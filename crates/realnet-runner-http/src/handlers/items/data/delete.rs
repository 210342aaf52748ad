//! `DELETE /api/{resource}/{id}/data`: takes the content of an item away; the item stays.

use realnet_core::resource::{Operation, WriteOptions};

use crate::answer;
use crate::call::Call;
use crate::request::{conditions, query};
use crate::router::Outcome;
use crate::who::Anyone;

/// Deletes.
pub(crate) async fn delete(call: Call, Anyone(caller): Anyone) -> Outcome {
    query::refuse_rest(&call.parameters()?)?;
    let conditions = conditions::of_content(call.headers())?;
    let options = WriteOptions { expected_version: conditions.version, idempotency: None };
    let operation = Operation::DeleteData { id: call.path.id, conditions: conditions.content, options };
    let reply = call.write(&caller, operation).await?;
    answer::of_reply(&call, reply)
}

//! `PUT /api/{resource}/{id}`: replaces name and attributes.

use realnet_core::resource::{Operation, WriteOptions};

use crate::call::Call;
use crate::request::query;
use crate::router::Outcome;
use crate::who::Anyone;

/// Replaces.
pub(crate) async fn replace(call: Call, Anyone(caller): Anyone) -> Outcome {
    query::refuse_rest(&call.parameters()?)?;
    let id = call.path.id;
    let body = call.document().await?.value;
    let expected_version = call.expected_version(&caller, id).await?;
    let options = WriteOptions { expected_version, idempotency: None };
    let written = call.written(&caller, &body);
    let reply = call.write(&caller, Operation::Replace { id, body, options }).await?;
    call.answer_written(&caller, &written, reply)
}

//! `POST /api/batch`: several operations in order, all or none.

use realnet_core::resource::{Operation, WriteOptions};

use crate::call::Call;
use crate::notices::Written;
use crate::router::Outcome;
use crate::who::Anyone;

/// Runs a batch; a failure names the index of its operation.
pub(crate) async fn run(call: Call, Anyone(caller): Anyone) -> Outcome {
    call.refuse_conditions()?;
    let json = call.document().await?;
    let idempotency = call.idempotency(&caller, &json.bytes)?;
    let options = WriteOptions { idempotency, ..WriteOptions::default() };
    let written = Written::of_batch(&call.registry(), &caller, &json.value);
    let reply = call.write(&caller, Operation::Batch { body: json.value, options }).await?;
    call.answer_written(&caller, &written, reply)
}

//! `POST /api/{resource}`: creates an item, or several atomically; of files, see [`super::upload`].

use realnet_core::resource::{Operation, Verb, WriteOptions};

use super::upload;
use crate::call::Call;
use crate::handlers::call as calls;
use crate::request::query;
use crate::router::Outcome;
use crate::who::Anyone;

/// Creates.
pub(crate) async fn create(call: Call, Anyone(caller): Anyone) -> Outcome {
    if call.is_untyped(&caller) {
        return calls::write(call, &caller, Verb::Post).await;
    }
    if upload::is_meant(&call, &caller) {
        return upload::upload(call, caller).await;
    }
    call.refuse_conditions()?;
    upload::refuse_unclear(&call, &caller)?;
    query::refuse_rest(&call.parameters()?)?;
    let json = call.document().await?;
    let idempotency = call.idempotency(&caller, &json.bytes)?;
    let options = WriteOptions { idempotency, ..WriteOptions::default() };
    let written = call.written(&caller, &json.value);
    let reply = call.write(&caller, Operation::Create { body: json.value, options }).await?;
    call.answer_written(&caller, &written, reply)
}

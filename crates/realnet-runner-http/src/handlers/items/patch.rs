//! `PATCH /api/{resource}/{id}`: a merge patch (RFC 7396), or a JSON Patch (RFC 6902) by media type.

use realnet_core::resource::{Operation, WriteOptions};

use crate::call::Call;
use crate::request::query;
use crate::router::Outcome;
use crate::who::Anyone;

/// Patches.
pub(crate) async fn patch(call: Call, Anyone(caller): Anyone) -> Outcome {
    query::refuse_rest(&call.parameters()?)?;
    let id = call.path.id;
    let patch = call.json().await?.into_patch();
    let expected_version = call.expected_version(&caller, id).await?;
    let options = WriteOptions { expected_version, idempotency: None };
    let written = call.written_by(&caller, &patch);
    let reply = call.write(&caller, Operation::Patch { id, patch, options }).await?;
    call.answer_written(&caller, &written, reply)
}

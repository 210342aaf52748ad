//! `PATCH /api/{resource}?filter`: a merge patch of all items that match.

use realnet_core::resource::{Operation, Verb};
use realnet_core::{Error, ErrorKind};

use crate::call::Call;
use crate::handlers::call as calls;
use crate::request::media::Media;
use crate::router::Outcome;
use crate::who::Anyone;

/// Patches all that match; a filter is required.
pub(crate) async fn patch_many(call: Call, Anyone(caller): Anyone) -> Outcome {
    if call.is_untyped(&caller) {
        return calls::write(call, &caller, Verb::Patch).await;
    }
    call.refuse_conditions()?;
    let parameters = call.parameters()?;
    let json = call.json().await?;
    if json.media == Media::JsonPatch {
        let detail = "many items are changed by a merge patch; a JSON Patch is for one";
        return Err(Error::new(ErrorKind::UnsupportedMediaType, detail).into());
    }
    let written = call.written(&caller, &json.value);
    let reply = call.write(&caller, Operation::PatchMany { parameters, patch: json.value }).await?;
    call.answer_written(&caller, &written, reply)
}

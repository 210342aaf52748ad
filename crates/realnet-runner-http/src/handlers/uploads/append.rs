//! `PATCH /api/uploads/{id}`: goes on with an upload where it has ended.

use actix_web::http::StatusCode;
use realnet_core::resource::{Operation, Reply, ResumableOperation};
use realnet_core::{Error, ErrorKind};

use super::{OFFSET_BYTES, UPLOAD_OFFSET, answer, check_version, has_bytes, number};
use crate::call::Call;
use crate::problem::Problem;
use crate::request::{query, upload};
use crate::router::Outcome;
use crate::who::Member;

/// Goes on.
pub(crate) async fn append(call: Call, Member(caller): Member) -> Outcome {
    check_version(&call)?;
    query::refuse_rest(&call.parameters()?)?;
    if !has_bytes(&call) {
        let detail = format!("expected Content-Type: {OFFSET_BYTES}");
        return Err(Error::new(ErrorKind::UnsupportedMediaType, detail).into());
    }
    let offset = number(&call, &UPLOAD_OFFSET)?;
    let offset = offset
        .ok_or_else(|| Error::malformed_at(UPLOAD_OFFSET.as_str(), "where these bytes stand is needed"))?;
    upload::refuse_digest(call.headers())?;
    let (data, incoming) = upload::body(&call)?;
    let operation = Operation::Resumable(ResumableOperation::Append { id: call.path.id, offset, data });
    match call.write_streamed(&caller, operation, incoming).await? {
        Reply::Upload(Some(state)) => Ok(answer(StatusCode::NO_CONTENT, &state)),
        _ => Err(Problem::internal("an upload did not tell how far it is")),
    }
}

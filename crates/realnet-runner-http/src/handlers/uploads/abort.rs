//! `DELETE /api/uploads/{id}`: gives an upload up.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use realnet_core::resource::{Operation, ResumableOperation};

use super::{TUS_RESUMABLE, VERSION, check_version};
use crate::call::Call;
use crate::router::Outcome;
use crate::who::Member;

/// Gives up.
pub(crate) async fn abort(call: Call, Member(caller): Member) -> Outcome {
    check_version(&call)?;
    call.write(&caller, Operation::Resumable(ResumableOperation::Abort { id: call.path.id })).await?;
    let mut response = HttpResponse::new(StatusCode::NO_CONTENT);
    response.headers_mut().insert(TUS_RESUMABLE, VERSION);
    Ok(response)
}

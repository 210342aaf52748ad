//! `HEAD /api/uploads/{id}`: how far an upload is; `GET` says the same.

use actix_web::http::StatusCode;
use realnet_core::resource::{Operation, Reply, ResumableOperation};

use super::{answer, check_version};
use crate::call::Call;
use crate::problem::Problem;
use crate::router::Outcome;
use crate::who::Member;

/// Looks. What is whole and has no item yet gets it now, so this is a write.
pub(crate) async fn look(call: Call, Member(caller): Member) -> Outcome {
    check_version(&call)?;
    let operation = Operation::Resumable(ResumableOperation::Look { id: call.path.id });
    match call.write(&caller, operation).await? {
        Reply::Upload(Some(state)) => Ok(answer(StatusCode::OK, &state)),
        _ => Err(Problem::internal("an upload did not tell how far it is")),
    }
}

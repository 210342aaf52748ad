//! `POST /api/apply`: does what an initialization document says, atomically.

use super::options;
use crate::answer;
use crate::call::Call;
use crate::router::Outcome;
use crate::who::Member;

/// Applies a document.
pub(crate) async fn apply(call: Call, Member(caller): Member) -> Outcome {
    let operation = options::read(&call, true).await?;
    let reply = call.write(&caller, operation).await?;
    answer::of_reply(&call, reply)
}

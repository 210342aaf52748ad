//! `POST /api/plan`: what an initialization document would do.

use super::options;
use crate::answer;
use crate::call::Call;
use crate::router::Outcome;
use crate::who::Member;

/// Plans, and changes nothing.
pub(crate) async fn plan(call: Call, Member(caller): Member) -> Outcome {
    let operation = options::read(&call, false).await?;
    let reply = call.read(&caller, operation).await?;
    answer::of_reply(&call, reply)
}

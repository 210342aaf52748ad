//! `GET /api/drift`: where the store differs from what was applied.

use realnet_core::resource::Operation;

use crate::answer;
use crate::call::Call;
use crate::request::query;
use crate::router::Outcome;
use crate::who::Member;

/// Compares.
pub(crate) async fn drift(call: Call, Member(caller): Member) -> Outcome {
    query::refuse_rest(&call.parameters()?)?;
    let reply = call.read(&caller, Operation::Drift).await?;
    answer::of_reply(&call, reply)
}

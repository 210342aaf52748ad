//! `DELETE /api/auth`: ends the session.

use crate::answer;
use crate::call::Call;
use crate::router::Outcome;
use crate::who::Member;

/// Signs out: the token counts no more from now on.
pub(crate) async fn sign_out(call: Call, Member(caller): Member) -> Outcome {
    let origin = call.origin().with_token(caller.session);
    call.state.authenticator.sign_out(&caller, &origin).await?;
    Ok(answer::empty())
}

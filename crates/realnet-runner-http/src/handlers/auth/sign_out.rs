//! `DELETE /api/auth`: ends the session.

use std::sync::Arc;

use crate::answer;
use crate::call::Call;
use crate::cookies;
use crate::router::Outcome;
use crate::who::Member;

/// Signs out: the token counts no more from now on, and browsers forget its cookies.
pub(crate) async fn sign_out(call: Call, Member(caller): Member) -> Outcome {
    let origin = call.origin().with_token(caller.session);
    let authenticator = Arc::clone(&call.state.authenticator);
    call.to_its_end(async move { authenticator.sign_out(&caller, &origin).await }).await??;
    let mut response = answer::empty();
    if cookies::names(&call.client).token(call.headers())?.is_some() {
        cookies::take_back(&call.client, &mut response);
    }
    Ok(response)
}

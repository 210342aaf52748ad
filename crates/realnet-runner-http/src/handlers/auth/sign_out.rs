//! `DELETE /api/auth`: ends the session.

use std::sync::Arc;

use actix_web::http::StatusCode;
use realnet_core::ErrorKind;
use realnet_core::acl::Caller;

use crate::answer;
use crate::call::Call;
use crate::cookies;
use crate::problem::Problem;
use crate::router::Outcome;
use crate::who::{Member, Who as _};

/// Signs out: the token counts no more from now on. Browsers forget the cookies that the request came with, whatever they were
/// worth.
pub(crate) async fn sign_out(call: Call) -> Outcome {
    let by_cookie = cookies::names(&call).count(call.headers())?;
    match Member::of(&call).await {
        Ok(Member(caller)) => end(&call, caller).await?,
        Err(problem) if by_cookie && problem.status() == StatusCode::UNAUTHORIZED => {
            end_by_refresh(&call).await?;
        }
        Err(problem) => return Err(problem),
    }
    let mut response = answer::empty();
    if by_cookie {
        cookies::take_back(&call.client, &mut response);
    }
    Ok(response)
}

/// Ends the session of the caller.
async fn end(call: &Call, caller: Arc<Caller>) -> Result<(), Problem> {
    let origin = call.origin().with_token(caller.session);
    let authenticator = Arc::clone(&call.state.authenticator);
    Ok(call.to_its_end(async move { authenticator.sign_out(&caller, &origin).await }).await??)
}

/// The access token of a page has ended, as it does after a while: its refresh token still says which session is meant. When
/// that counts no more either, the session has ended already.
async fn end_by_refresh(call: &Call) -> Result<(), Problem> {
    let names = cookies::names(call);
    let Some(token) = names.refresh(call.headers())?.map(str::to_owned) else { return Ok(()) };
    names.check_proof(call.headers())?;
    let (authenticator, origin) = (Arc::clone(&call.state.authenticator), call.origin());
    let done = call.to_its_end(async move {
        let tokens = authenticator.refresh(&token, &origin).await?;
        let origin = origin.with_token(tokens.caller.session);
        authenticator.sign_out(&tokens.caller, &origin).await
    });
    match done.await? {
        Err(error) if error.kind() == ErrorKind::Unauthenticated => Ok(()),
        done => Ok(done?),
    }
}

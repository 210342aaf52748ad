//! `POST /api/auth/refresh`: new tokens for a refresh token, once.

use std::sync::Arc;

use realnet_core::Error;
use realnet_core::resource::texts;

use super::tokens;
use crate::call::Call;
use crate::cookies;
use crate::problem::Problem;
use crate::router::Outcome;

/// Rotates a refresh token: of the body, or of the cookie when there is no body.
pub(crate) async fn refresh(call: Call) -> Outcome {
    let (token, by_cookie) = match call.optional_document().await? {
        Some(json) => {
            let [token] = texts(json.value, ["refresh_token"], 1)?;
            (token.unwrap_or_default(), false)
        }
        None => (of_cookie(&call)?, true),
    };
    let (authenticator, origin) = (Arc::clone(&call.state.authenticator), call.origin());
    let done = call.to_its_end(async move { authenticator.refresh(&token, &origin).await });
    tokens::answer(&call, &done.await??, by_cookie)
}

/// The refresh token of a page, which proves that it is one of ours.
fn of_cookie(call: &Call) -> Result<String, Problem> {
    let names = cookies::names(call);
    let Some(token) = names.refresh(call.headers())? else {
        return Err(
            Error::malformed("expected {\"refresh_token\": …}, or the cookie that signing in gave").into()
        );
    };
    names.check_proof(call.headers())?;
    Ok(token.to_owned())
}

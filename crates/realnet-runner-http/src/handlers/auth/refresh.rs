//! `POST /api/auth/refresh`: new tokens for a refresh token, once.

use realnet_core::resource::texts;

use super::tokens;
use crate::call::Call;
use crate::router::Outcome;

/// Rotates a refresh token.
pub(crate) async fn refresh(call: Call) -> Outcome {
    let body = call.document().await?.value;
    let [refresh_token] = texts(body, ["refresh_token"], 1)?;
    let token = refresh_token.unwrap_or_default();
    let tokens = call.state.authenticator.refresh(&token, &call.origin()).await?;
    tokens::answer(&tokens)
}

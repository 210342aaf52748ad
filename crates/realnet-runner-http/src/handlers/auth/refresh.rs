//! `POST /api/auth/refresh`: new tokens for a refresh token, once.

use super::{fields, tokens};
use crate::call::Call;
use crate::router::Outcome;

/// Rotates a refresh token.
pub(crate) async fn refresh(call: Call) -> Outcome {
    let body = call.document().await?.value;
    let [refresh_token] = fields::read(body, ["refresh_token"], 1)?;
    let tokens = call.state.authenticator.refresh(&refresh_token.unwrap_or_default()).await?;
    tokens::answer(&tokens)
}

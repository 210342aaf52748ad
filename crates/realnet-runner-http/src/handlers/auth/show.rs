//! `GET /api/auth`: who am I.

use actix_web::http::StatusCode;
use serde_json::json;

use super::tokens;
use crate::answer;
use crate::call::Call;
use crate::router::Outcome;
use crate::who::Member;

/// Shows the caller to itself.
pub(crate) async fn show(_call: Call, Member(caller): Member) -> Outcome {
    let document = json!({"account": tokens::account(&caller)});
    answer::document(StatusCode::OK, &document).map(answer::uncacheable)
}

//! `GET /api/auth`: who am I.

use actix_web::http::StatusCode;
use serde_json::json;

use super::tokens;
use crate::answer;
use crate::call::Call;
use crate::cookies;
use crate::router::Outcome;
use crate::who::Member;

/// Shows the caller to itself; a page that has cookies is told what to show with its writes.
pub(crate) async fn show(call: Call, Member(caller): Member) -> Outcome {
    let mut document = json!({"account": tokens::account(&caller)});
    if let Some(key) = caller.key {
        document["key"] = json!(key);
    }
    if cookies::names(&call).count(call.headers())? {
        document["csrf_token"] = json!(cookies::csrf_of(&call.state.keys, &caller));
    }
    answer::document(StatusCode::OK, &document).map(answer::uncacheable)
}

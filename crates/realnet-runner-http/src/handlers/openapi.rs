//! `GET /api/openapi.json`: the API as the caller's org sees it.

use crate::answer;
use crate::call::Call;
use crate::router::Outcome;
use crate::who::Anyone;
use actix_web::body::BoxBody;
use actix_web::http::StatusCode;

/// The OpenAPI document.
pub(crate) async fn document(call: Call, Anyone(caller): Anyone) -> Outcome {
    let body = call.state.openapi.document(&call.registry(), &caller)?;
    Ok(answer::json(StatusCode::OK, Vec::new()).set_body(BoxBody::new(body)))
}

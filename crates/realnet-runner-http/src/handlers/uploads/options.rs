//! `OPTIONS /api/uploads`: what of the protocol is understood.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::HeaderValue;

use super::{TUS_EXTENSION, TUS_MAX_SIZE, TUS_RESUMABLE, TUS_VERSION, VERSION};
use crate::call::Call;
use crate::router::Outcome;

/// Tells.
pub(crate) async fn options(call: Call) -> Outcome {
    let mut response = HttpResponse::new(StatusCode::NO_CONTENT);
    let headers = response.headers_mut();
    headers.insert(TUS_RESUMABLE, VERSION);
    headers.insert(TUS_VERSION, VERSION);
    headers.insert(
        TUS_EXTENSION,
        HeaderValue::from_static("creation,creation-with-upload,expiration,termination"),
    );
    headers.insert(TUS_MAX_SIZE, HeaderValue::from(call.state.dispatcher.services().max_content));
    Ok(response)
}

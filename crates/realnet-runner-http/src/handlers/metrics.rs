//! `/metrics`, for Prometheus.

use actix_web::HttpResponse;
use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderValue};

use crate::call::Call;
use crate::router::Outcome;

/// All metrics.
pub(crate) async fn show(call: Call) -> Outcome {
    let text = call.state.metrics.render(call.registry().revision())?;
    let mut response = HttpResponse::new(StatusCode::OK).set_body(BoxBody::new(text));
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    Ok(response)
}

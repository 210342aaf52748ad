//! `/`: says what this is and where to go.

use actix_web::HttpResponse;
use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{ACCEPT, CONTENT_TYPE, HeaderValue, VARY};
use serde_json::json;

use super::docs;
use crate::answer;
use crate::call::Call;
use crate::router::Outcome;

const PAGE: &str = include_str!("../docs/landing.html");

/// A page for people, a document for programs.
pub(crate) async fn show(call: Call) -> Outcome {
    let accept = call.headers().get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !accept.contains("text/html") {
        let document = json!({
            "name": "realnet",
            "version": env!("CARGO_PKG_VERSION"),
            "api": "/api",
            "openapi": "/api/openapi.json",
            "docs": "/docs",
        });
        return answer::document(StatusCode::OK, &document).map(by_accept);
    }
    let mut response = HttpResponse::new(StatusCode::OK).set_body(BoxBody::new(PAGE));
    docs::protect(response.headers_mut());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    Ok(by_accept(response))
}

/// A cache must not give a program the page.
fn by_accept(mut response: HttpResponse) -> HttpResponse {
    response.headers_mut().append(VARY, HeaderValue::from_static("Accept"));
    response
}

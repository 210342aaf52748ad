//! `/docs`: a reader of the API's description, served from the binary. It loads nothing from anywhere else.

use actix_web::HttpResponse;
use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderValue, REFERRER_POLICY, VARY,
    X_FRAME_OPTIONS,
};
use realnet_core::Error;

use crate::call::Call;
use crate::router::Outcome;

const PAGE: &str = include_str!("../docs/index.html");

/// Scripts, styles and data from this server only, and nothing inline.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page.
pub(crate) async fn page(_call: Call) -> Outcome {
    Ok(serve(PAGE, "text/html; charset=utf-8"))
}

/// What the page loads.
pub(crate) async fn asset(call: Call) -> Outcome {
    match call.path.name.as_str() {
        "reader.js" => Ok(serve(include_str!("../docs/reader.js"), "text/javascript; charset=utf-8")),
        "reader.css" => Ok(serve(include_str!("../docs/reader.css"), "text/css; charset=utf-8")),
        other => Err(Error::not_found(format_args!("/docs/{other}")).into()),
    }
}

/// Headers that keep a page to itself.
pub(crate) fn protect(headers: &mut HeaderMap) {
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
}

fn serve(text: &'static str, kind: &'static str) -> HttpResponse {
    let mut response = HttpResponse::new(StatusCode::OK).set_body(BoxBody::new(text));
    let headers = response.headers_mut();
    protect(headers);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    headers.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
    response
}

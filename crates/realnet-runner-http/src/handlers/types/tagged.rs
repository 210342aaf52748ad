//! A type with its entity tag: the version, and a mark of all else that the document depends on.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{ETAG, HeaderValue};
use realnet_core::acl::Caller;
use serde_json::Value;

use crate::answer;
use crate::call::Call;
use crate::problem::Problem;
use crate::request::conditions::is_fresh;

/// The document of a type, or 304 when the client has it already. `status` is that of an answer with the document.
pub(super) fn tagged(
    call: &Call,
    caller: &Caller,
    status: StatusCode,
    document: &Value,
) -> Result<HttpResponse, Problem> {
    let version = document.get("version").and_then(Value::as_i64).unwrap_or_default();
    // Administrators are shown grants as well, and bases may change without the type itself.
    let audience = u8::from(caller.is_admin());
    let etag = format!("\"{version}-{:x}{audience}\"", call.registry().revision());
    let mut response = if status == StatusCode::OK && is_fresh(call.headers(), &etag)? {
        answer::not_modified()
    } else {
        answer::document(status, document)?
    };
    if let Ok(value) = HeaderValue::from_str(&etag) {
        response.headers_mut().insert(ETAG, value);
    }
    Ok(response)
}

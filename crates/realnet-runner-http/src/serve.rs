//! Around every request: id, route, panics, compression, common headers, metrics and the log line.
//!
//! One plain function instead of layers of middleware, since each layer costs on every request.

use std::borrow::Cow;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use actix_web::http::header::{ALLOW, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use actix_web::http::{ConnectionType, Method, StatusCode};
use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use futures::FutureExt as _;

use crate::answer::compress;
use crate::call::{Call, CallerCell};
use crate::connection::Connection;
use crate::metrics::Meter;
use crate::problem::Problem;
use crate::request::{headers, path};
use crate::request_id::{self, X_REQUEST_ID};
use crate::router::Outcome;
use crate::state::State;

/// Answers a request, whatever happens.
pub(crate) async fn serve(state: Arc<State>, request: HttpRequest, payload: Payload) -> HttpResponse {
    let started = Instant::now();
    let _in_flight = state.metrics.enter();
    let exchange = request.conn_data::<Rc<Connection>>().cloned().map(Connection::begin);
    let id = request_id::of(request.headers(), &*state.dispatcher.services().ids);
    let caller = CallerCell::default();

    let (meter, outcome) = route(&state, &request, payload, &id, &caller).await;
    let mut response = match outcome {
        Ok(response) => compress::compress(request.headers(), response).await,
        Err(problem) => {
            report(&problem, &id, meter.pattern());
            problem.into_response(&id)
        }
    };
    let headers = response.headers_mut();
    // Sane ids are visible ASCII, so this holds for every request.
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(X_REQUEST_ID, value);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));

    if let Some(exchange) = exchange {
        if exchange.connection().is_broken() {
            response.head_mut().set_connection_type(ConnectionType::Close);
        }
        exchange.answer(*request.method() == Method::HEAD, &response);
    }

    let took = started.elapsed();
    meter.record(response.status(), took);
    tracing::debug!(
        request = &*id,
        method = request.method().as_str(),
        path = request.path(),
        route = meter.pattern(),
        status = response.status().as_u16(),
        micros = took.as_micros() as u64,
        caller = caller.get().map(|caller| &*caller.username),
        "request"
    );
    response
}

/// Logs a fault of the server with its cause. What is only not offered is the client's business, and a store that is away
/// or busy, or an operation that takes too long, is no fault in the program.
fn report(problem: &Problem, request: &str, route: &str) {
    let Some(report) = problem.report() else { return };
    match problem.status() {
        StatusCode::INTERNAL_SERVER_ERROR => tracing::error!(request, route, report, "a request failed"),
        StatusCode::NOT_IMPLEMENTED => tracing::debug!(request, route, report, "not offered"),
        _ => tracing::warn!(request, route, report, "a request could not be served"),
    }
}

/// Finds the handler and runs it; says under which meter the request counts.
async fn route<'a>(
    state: &'a Arc<State>,
    request: &HttpRequest,
    payload: Payload,
    id: &Arc<str>,
    caller: &CallerCell,
) -> (&'a Meter, Outcome) {
    let unknown = &state.router.unknown;
    if let Err(problem) = headers::check(request.head()) {
        return (unknown, Err(problem));
    }
    if request.path() == "*" && *request.method() == Method::OPTIONS {
        // About the server as a whole, RFC 9110 section 9.3.7.
        return (unknown, Ok(HttpResponse::new(StatusCode::NO_CONTENT)));
    }
    let segments: Vec<Cow<'_, str>> = match path::segments(request.uri().path()) {
        Ok(segments) => segments,
        Err(problem) => return (unknown, Err(problem)),
    };
    let Some((place, captures)) = state.router.find(&segments) else {
        let slash = if request.path().ends_with('/') { ": no path here ends with a slash" } else { "" };
        let detail = format!("nothing is at {}{slash}", request.path());
        return (unknown, Err(Problem::new(StatusCode::NOT_FOUND, "not-found", detail)));
    };
    let Some(endpoint) = place.endpoint(request.method()) else {
        let outcome = if *request.method() == Method::OPTIONS {
            let mut response = HttpResponse::new(StatusCode::NO_CONTENT);
            response.headers_mut().insert(ALLOW, place.allow.clone());
            Ok(response)
        } else {
            Err(Problem::method_not_allowed(&place.allow))
        };
        return (&place.other, outcome);
    };
    drop(segments);
    let call =
        Call::new(Arc::clone(state), request.clone(), payload, Arc::clone(id), captures, Rc::clone(caller));
    let outcome = AssertUnwindSafe((endpoint.handler)(call)).catch_unwind().await;
    let outcome = outcome.unwrap_or_else(|cause| Err(Problem::internal(panic_words(&*cause))));
    (&endpoint.meter, outcome)
}

/// What a panic said, for the log.
fn panic_words(cause: &(dyn std::any::Any + Send)) -> String {
    let words = cause.downcast_ref::<&str>().copied().or(cause.downcast_ref::<String>().map(String::as_str));
    format!("a handler panicked: {}", words.unwrap_or("no words"))
}

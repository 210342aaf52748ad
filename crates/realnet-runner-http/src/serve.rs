//! Around every request: id, route, panics, compression, common headers, metrics and the log line.
//!
//! One plain function instead of layers of middleware, since each layer costs on every request.

use std::borrow::Cow;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use actix_web::body::{BodySize, MessageBody as _};
use actix_web::http::header::{
    ALLOW, CONTENT_SECURITY_POLICY, HeaderMap, HeaderValue, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::http::{ConnectionType, Method, StatusCode};
use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use futures::FutureExt as _;

use crate::answer::{compress, held};
use crate::call::{Call, Noted};
use crate::client::Client;
use crate::connection::Connection;
use crate::cookies;
use crate::limits;
use crate::metrics::Meter;
use crate::problem::Problem;
use crate::request::{headers, path};
use crate::request_id::{self, X_REQUEST_ID};
use crate::router::Outcome;
use crate::state::State;

/// Answers that are no pages load nothing and stand in no frame.
const NOTHING: &str = "default-src 'none'; frame-ancestors 'none'";

/// For a year, browsers come by HTTPS only.
const ONLY_HTTPS: &str = "max-age=31536000";

/// Answers a request, whatever happens.
pub(crate) async fn serve(state: Arc<State>, request: HttpRequest, payload: Payload) -> HttpResponse {
    let started = Instant::now();
    let _in_flight = state.metrics.enter();
    let connection = request.conn_data::<Rc<Connection>>().cloned();
    let is_tls = connection.as_ref().is_some_and(|connection| connection.is_tls());
    let exchange = connection.map(Connection::begin);
    let config = &state.config;
    let client = Client::of(request.peer_addr(), is_tls, request.headers(), &config.trusted_proxies);
    warn_of_proxy(&state, &client);
    let id = request_id::of(request.headers(), &*state.dispatcher.services().ids);
    let noted = Rc::new(Noted::default());

    let (meter, outcome) = route(&state, &request, payload, &id, client, &noted).await;
    let mut response = match held::take(&state, &noted, outcome) {
        Ok((response, room)) => held::until_sent(compress::compress(request.headers(), response).await, room),
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
    // Other programs of this machine share the name with us, and not all of them have certificates.
    let stays = client.is_https && state.config.hsts && !cookies::is_this_machine(request.headers());
    protect(headers, stays);
    limits::tell(headers, &noted.quotas.borrow());
    state.config.cors.mark(request.headers(), headers);

    if let Some(exchange) = exchange {
        // Behind a stream nothing could be told apart any more.
        if exchange.connection().is_broken() || response.body().size() == BodySize::Stream {
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
        caller = noted.caller.get().map(|caller| &*caller.username),
        client = client.address.map(tracing::field::display),
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
    client: Client,
    noted: &Rc<Noted>,
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
    if let Some(answer) = state.config.cors.preflight(request.method(), request.headers(), &place.allow) {
        return (&place.other, Ok(answer));
    }
    if !place.is_unlimited
        && let Err(problem) = limits::count_address(state, &client, noted).await
    {
        return (&place.other, Err(problem));
    }
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
    let noted = Rc::clone(noted);
    let call =
        Call::new(Arc::clone(state), request.clone(), payload, Arc::clone(id), captures, client, noted);
    let outcome = AssertUnwindSafe((endpoint.handler)(call)).catch_unwind().await;
    let outcome = outcome.unwrap_or_else(|cause| Err(Problem::internal(panic_words(&*cause))));
    (&endpoint.meter, outcome)
}

/// Headers that keep answers from being taken for something else.
fn protect(headers: &mut HeaderMap, stays: bool) {
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if !headers.contains_key(CONTENT_SECURITY_POLICY) {
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(NOTHING));
    }
    if stays {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(ONLY_HTTPS));
    }
}

/// Says once that somebody names clients without being trusted: most likely it is a proxy that was forgotten.
fn warn_of_proxy(state: &State, client: &Client) {
    if client.is_pretended && !state.warned_of_proxy.swap(true, Ordering::Relaxed) {
        tracing::warn!(
            peer = client.address.map(tracing::field::display),
            "X-Forwarded-For came from an address that is not in REALNET_TRUSTED_PROXIES and is not believed; behind a \
             proxy that is not named, all clients count as one"
        );
    }
}

/// What a panic said, for the log.
fn panic_words(cause: &(dyn std::any::Any + Send)) -> String {
    let words = cause.downcast_ref::<&str>().copied().or(cause.downcast_ref::<String>().map(String::as_str));
    format!("a handler panicked: {}", words.unwrap_or("no words"))
}

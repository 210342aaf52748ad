//! Replies of the dispatcher as answers: status, headers, body.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{ETAG, HeaderName, HeaderValue, LOCATION};
use realnet_core::Uuid;
use realnet_core::model::Item;
use realnet_core::resource::{BatchResult, Rendered, Reply};
use serde_json::json;

use super::page;
use crate::call::Call;
use crate::problem::Problem;
use crate::request::conditions::is_fresh;
use crate::request::prefer::{self, PREFERENCE_APPLIED};
use crate::router::Outcome;

/// Says that the answer is the kept one of an earlier request.
const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Bytes reserved for one item.
const PER_ITEM: usize = 1024;

/// Any reply as an answer.
pub(crate) fn of_reply(call: &Call, reply: Reply) -> Outcome {
    match reply {
        Reply::Page(page) => Ok(page::of_page(&call.request, &page)),
        Reply::History(history) => Ok(page::of_history(&call.request, &history)),
        Reply::Item(item) => fresh_or_item(call, &item),
        Reply::Changed(item) if prefer::is_minimal(call.headers()) => {
            Ok(minimal(StatusCode::NO_CONTENT, &item))
        }
        Reply::Changed(item) => Ok(of_item(StatusCode::OK, &item)),
        Reply::Created { items, single, replayed } => {
            let minimal = prefer::is_minimal(call.headers());
            created(call, items, single, minimal).map(|response| mark_replayed(response, replayed))
        }
        Reply::Deleted(_) => Ok(super::empty()),
        Reply::Affected(count) => super::document(StatusCode::OK, &json!({"affected": count})),
        Reply::Batch { mut results, replayed } => {
            let is_minimal = prefer::is_minimal(call.headers());
            if is_minimal {
                results.value.iter_mut().for_each(BatchResult::leave_out);
            }
            let mut body = Vec::with_capacity(PER_ITEM * results.value.len() + 16);
            results.write_json(&mut body);
            let mut response = super::json(StatusCode::OK, body);
            if is_minimal {
                mark_minimal(&mut response);
            }
            Ok(mark_replayed(response, replayed))
        }
        Reply::Data(data) => super::of_data(call, data, true),
        Reply::Upload(_) => Err(Problem::internal("an upload is answered by its own handlers")),
        Reply::Grants(grants) => super::document(StatusCode::OK, &grants),
        Reply::Document(document) => super::document(StatusCode::OK, &document),
    }
}

/// An item, or 304 when the client has this representation already.
pub(crate) fn fresh_or_item(call: &Call, item: &Rendered<Item>) -> Outcome {
    let etag = item.etag();
    if is_fresh(call.headers(), &etag)? {
        let mut response = super::not_modified();
        set_etag(&mut response, &etag);
        return Ok(response);
    }
    let mut body = Vec::with_capacity(PER_ITEM);
    item.write_json(&mut body);
    let mut response = super::json(StatusCode::OK, body);
    set_etag(&mut response, &etag);
    Ok(response)
}

fn of_item(status: StatusCode, item: &Rendered<Item>) -> HttpResponse {
    let mut body = Vec::with_capacity(PER_ITEM);
    item.write_json(&mut body);
    let mut response = super::json(status, body);
    set_etag(&mut response, &item.etag());
    response
}

fn minimal(status: StatusCode, item: &Rendered<Item>) -> HttpResponse {
    let mut response = HttpResponse::new(status);
    set_etag(&mut response, &item.etag());
    mark_minimal(&mut response);
    response
}

fn mark_minimal(response: &mut HttpResponse) {
    response.headers_mut().insert(PREFERENCE_APPLIED, HeaderValue::from_static("return=minimal"));
}

fn created(call: &Call, items: Rendered<Vec<Item>>, single: bool, is_minimal: bool) -> Outcome {
    let Rendered { value, caller, registry, projection, expanded } = items;
    if !single {
        let items = Rendered { value, caller, registry, projection, expanded };
        let mut body = Vec::with_capacity(PER_ITEM * items.value.len() + 2);
        items.write_json(&mut body);
        return Ok(super::json(StatusCode::CREATED, body));
    }
    let Some(item) = value.into_iter().next() else {
        return Err(Problem::internal("a single creation gave no item"));
    };
    let id = item.id;
    let item = Rendered { value: item, caller, registry, projection, expanded };
    let mut response =
        if is_minimal { minimal(StatusCode::CREATED, &item) } else { of_item(StatusCode::CREATED, &item) };
    if let Some(location) = location(call, id) {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

/// The address of an item below the endpoint that was asked.
fn location(call: &Call, id: Uuid) -> Option<HeaderValue> {
    HeaderValue::from_str(&format!("{}/{id}", call.request.uri().path())).ok()
}

fn set_etag(response: &mut HttpResponse, etag: &str) {
    // A tag is a number, a hyphen and hexadecimal digits in quotes.
    if let Ok(value) = HeaderValue::from_str(etag) {
        response.headers_mut().insert(ETAG, value);
    }
}

fn mark_replayed(mut response: HttpResponse, replayed: bool) -> HttpResponse {
    if replayed {
        response.headers_mut().insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

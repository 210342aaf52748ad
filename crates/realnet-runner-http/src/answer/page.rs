//! Pages and histories: the list, where it goes on, and how much there is.

use actix_web::HttpRequest;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_RANGE, HeaderValue, LINK};
use realnet_core::change::ChangeRecord;
use realnet_core::provider::Page;
use realnet_core::resource::Rendered;

use super::link;

/// Bytes reserved per item; most items are smaller, so the buffer seldom grows.
const PER_ITEM: usize = 640;

/// A page of items.
pub(crate) fn of_page(request: &HttpRequest, page: &Rendered<Page>) -> HttpResponse {
    let mut body = Vec::with_capacity(PER_ITEM * page.value.items.len() + 2);
    page.write_json(&mut body);
    let mut response = super::json(StatusCode::OK, body);
    let headers = response.headers_mut();
    let next = page.value.next.as_ref();
    if let Some(value) =
        next.and_then(|next| link::next(request, &["cursor", "offset"], "cursor", &next.encode()))
    {
        headers.insert(LINK, value);
    }
    if let Some(total) = page.value.total {
        let text = content_range(request.query_string(), page.value.items.len(), total);
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.insert(CONTENT_RANGE, value);
        }
    }
    response
}

/// `items 0-49/1234`; a page behind a cursor does not know where it begins: `items */1234`.
fn content_range(query: &str, length: usize, total: u64) -> String {
    let parameter = |wanted: &str| {
        query.split('&').find_map(|pair| pair.split_once('=').filter(|(name, _)| *name == wanted))
    };
    if length == 0 || parameter("cursor").is_some() {
        return format!("items */{total}");
    }
    let start: usize = parameter("offset").and_then(|(_, value)| value.parse().ok()).unwrap_or(0);
    format!("items {start}-{}/{total}", start + length - 1)
}

/// Changes of an item, newest first. A page that does not reach back to the first version leads to the next.
pub(crate) fn of_history(request: &HttpRequest, history: &Rendered<Vec<ChangeRecord>>) -> HttpResponse {
    let mut body = Vec::with_capacity(PER_ITEM * 2 * history.value.len() + 2);
    history.write_json(&mut body);
    let mut response = super::json(StatusCode::OK, body);
    if let Some(last) = history.value.last().filter(|last| last.version > 1)
        && let Some(value) = link::next(request, &["before"], "before", &last.version.to_string())
    {
        response.headers_mut().insert(LINK, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::content_range;

    #[test]
    fn ranges_say_where_a_page_lies() {
        assert_eq!(content_range("", 50, 1234), "items 0-49/1234");
        assert_eq!(content_range("offset=100&count=exact", 7, 107), "items 100-106/107");
        assert_eq!(content_range("cursor=x", 50, 1234), "items */1234");
        assert_eq!(content_range("", 0, 0), "items */0");
    }
}

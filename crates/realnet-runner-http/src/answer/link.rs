//! `Link: <…>; rel="next"`: the address of the next page, made from the present one.

use actix_web::HttpRequest;
use actix_web::http::header::HeaderValue;

/// The header that leads to the same list with `parameter=value`; parameters named in `replaced` are dropped.
pub(crate) fn next(
    request: &HttpRequest,
    replaced: &[&str],
    parameter: &str,
    value: &str,
) -> Option<HeaderValue> {
    let mut text = String::with_capacity(64 + request.query_string().len() + value.len());
    text.push('<');
    text.push_str(request.uri().path());
    text.push('?');
    for pair in request.query_string().split('&').filter(|pair| !pair.is_empty()) {
        let name = pair.split_once('=').map_or(pair, |(name, _)| name);
        if !replaced.contains(&name) {
            push_escaped(&mut text, pair);
            text.push('&');
        }
    }
    text.push_str(parameter);
    text.push('=');
    text.push_str(value);
    text.push_str(">; rel=\"next\"");
    HeaderValue::from_str(&text).ok()
}

/// Many readers of this header split it at commas, and brackets end an address: both are escaped.
fn push_escaped(text: &mut String, pair: &str) {
    for character in pair.chars() {
        match character {
            ',' => text.push_str("%2C"),
            '<' => text.push_str("%3C"),
            '>' => text.push_str("%3E"),
            other => text.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::next;
    use actix_web::test::TestRequest;

    #[test]
    fn filters_stay_and_the_place_changes() {
        let request =
            TestRequest::with_uri("/api/x?a=in.(1,%20b)&cursor=old&limit=2&offset=4").to_http_request();
        let link = next(&request, &["cursor", "offset"], "cursor", "NEW").unwrap();
        assert_eq!(link, "</api/x?a=in.(1%2C%20b)&limit=2&cursor=NEW>; rel=\"next\"");
        let request = TestRequest::with_uri("/api/x").to_http_request();
        assert_eq!(next(&request, &[], "cursor", "c").unwrap(), "</api/x?cursor=c>; rel=\"next\"");
    }
}

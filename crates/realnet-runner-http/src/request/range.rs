//! `Range` and `If-Range`: which part of a content is wanted.

use actix_web::http::header::{HeaderMap, IF_RANGE, RANGE};
use realnet_core::provider::ByteRange;
use realnet_core::resource::Contents;

use super::conditions::checksum_of;

/// The part, and the content of which only it is wanted. What is no range of bytes, and several ranges, ask for all, as RFC
/// 9110 allows.
pub(crate) fn wanted(headers: &HeaderMap) -> (ByteRange, Option<Contents>) {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(range) = text(RANGE).and_then(parse) else { return (ByteRange::All, None) };
    // A date names no content here, and neither does a weak tag: then all of it is given.
    let part_of = headers.contains_key(IF_RANGE).then(|| {
        let strong = text(IF_RANGE).map(str::trim).filter(|tag| !tag.starts_with("W/"));
        Contents::OneOf(strong.and_then(checksum_of).into_iter().collect())
    });
    (range, part_of)
}

fn parse(text: &str) -> Option<ByteRange> {
    let (unit, set) = text.split_once('=')?;
    let (first, last) = set.trim().split_once('-').filter(|_| unit.trim().eq_ignore_ascii_case("bytes"))?;
    let number = |digits: &str| {
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        // More digits than fit are a number as well, beyond every content.
        is_number.then(|| digits.parse().unwrap_or(u64::MAX))
    };
    match (first.trim(), last.trim()) {
        ("", last) => number(last).map(ByteRange::Last),
        (first, "") => number(first).map(ByteRange::From),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            // A span that ends before it begins is none.
            (first <= last).then_some(ByteRange::Span(first, last))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_of_bytes_is_understood() {
        for (text, range) in [
            ("bytes=0-0", ByteRange::Span(0, 0)),
            ("Bytes = 5-9 ", ByteRange::Span(5, 9)),
            ("bytes=5-", ByteRange::From(5)),
            ("bytes=-5", ByteRange::Last(5)),
            ("bytes=0-99999999999999999999999", ByteRange::Span(0, u64::MAX)),
        ] {
            assert_eq!(parse(text), Some(range), "{text}");
        }
        for other in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=9-5",
            "items=0-5",
            "bytes=0-1,3-4",
            "bytes=a-b",
            "bytes=+1-2",
        ] {
            assert_eq!(parse(other), None, "{other}");
        }
    }
}

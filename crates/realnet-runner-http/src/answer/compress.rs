//! Compresses answers that are worth it, in the coding that the client likes best.

use std::io::Write as _;

use actix_web::HttpResponse;
use actix_web::body::{BodySize, BoxBody, MessageBody as _};
use actix_web::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, ETAG, HeaderMap, HeaderValue,
};
use bytes::Bytes;

use crate::request::encoding::Coding;

/// Smaller bodies fit one packet: compressing them gains nothing.
const MIN: usize = 1200;

/// Larger bodies are compressed away from the worker.
const INLINE: usize = 96 * 1024;

/// The coding to answer with: the highest quality wins, and among equals the cheapest to make.
fn negotiate(headers: &HeaderMap) -> Option<Coding> {
    let mut best: Option<(Coding, f32)> = None;
    for value in headers.get_all(ACCEPT_ENCODING).filter_map(|value| value.to_str().ok()) {
        for offer in value.split(',') {
            let (name, parameters) = offer.split_once(';').unwrap_or((offer, ""));
            let coding = match name.trim() {
                "zstd" => Coding::Zstd,
                "br" => Coding::Brotli,
                "gzip" => Coding::Gzip,
                _ => continue,
            };
            let quality = match parameters.trim().strip_prefix("q=") {
                Some(quality) => quality.parse().unwrap_or(0.0),
                None => 1.0,
            };
            let rank = |coding| match coding {
                Coding::Zstd => 2,
                Coding::Brotli => 1,
                Coding::Gzip => 0,
            };
            let is_better = best.is_none_or(|(other, most)| (quality, rank(coding)) > (most, rank(other)));
            if quality > 0.0 && is_better {
                best = Some((coding, quality));
            }
        }
    }
    best.map(|(coding, _)| coding)
}

/// Compresses the body where client and size allow it. Answers that nobody may keep hold secrets and are left alone, so
/// that their length tells nothing.
pub(crate) async fn compress(request: &HeaderMap, response: HttpResponse) -> HttpResponse {
    let BodySize::Sized(size) = response.body().size() else { return response };
    if (size as usize) < MIN || response.headers().contains_key(CONTENT_ENCODING) {
        return response;
    }
    if response.headers().get(CACHE_CONTROL).is_some_and(|value| value == "no-store") {
        return response;
    }
    let Some(coding) = negotiate(request) else { return response };
    let (mut response, body) = response.into_parts();
    let body = match body.try_into_bytes() {
        Ok(body) => body,
        Err(body) => return response.set_body(BoxBody::new(body)),
    };
    let Some(packed) = pack(coding, body.clone()).await.filter(|packed| packed.len() < body.len()) else {
        return response.set_body(BoxBody::new(body));
    };
    mark(response.headers_mut(), coding);
    response.set_body(BoxBody::new(packed))
}

/// Names the coding. The tag becomes weak, since the bytes are others now while the meaning is the same.
fn mark(headers: &mut HeaderMap, coding: Coding) {
    let name = match coding {
        Coding::Gzip => "gzip",
        Coding::Brotli => "br",
        Coding::Zstd => "zstd",
    };
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static(name));
    let weak = headers.get(ETAG).and_then(|tag| tag.to_str().ok()).map(|tag| format!("W/{tag}"));
    if let Some(weak) = weak.and_then(|weak| HeaderValue::from_str(&weak).ok()) {
        headers.insert(ETAG, weak);
    }
}

async fn pack(coding: Coding, body: Bytes) -> Option<Vec<u8>> {
    if body.len() <= INLINE {
        return pack_now(coding, &body).ok();
    }
    actix_web::web::block(move || pack_now(coding, &body)).await.ok()?.ok()
}

fn pack_now(coding: Coding, body: &[u8]) -> std::io::Result<Vec<u8>> {
    match coding {
        Coding::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(4));
            encoder.write_all(body)?;
            encoder.finish()
        }
        Coding::Brotli => {
            let mut packed = Vec::new();
            let mut encoder = brotli::CompressorWriter::new(&mut packed, 4096, 3, 20);
            encoder.write_all(body)?;
            drop(encoder);
            Ok(packed)
        }
        Coding::Zstd => zstd::bulk::compress(body, 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best(text: &'static str) -> Option<Coding> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(text));
        negotiate(&headers)
    }

    #[test]
    fn the_client_chooses_the_coding() {
        assert_eq!(best("gzip, deflate, br, zstd"), Some(Coding::Zstd));
        assert_eq!(best("br;q=0.9, gzip;q=1.0"), Some(Coding::Gzip));
        assert_eq!(best("gzip;q=0"), None);
        assert_eq!(best("identity, deflate"), None);
        assert_eq!(negotiate(&HeaderMap::new()), None);
    }

    #[test]
    fn what_is_packed_is_smaller() {
        let body = vec![b'x'; 5000];
        for coding in [Coding::Gzip, Coding::Brotli, Coding::Zstd] {
            assert!(pack_now(coding, &body).unwrap().len() < 200, "{coding:?}");
        }
    }
}

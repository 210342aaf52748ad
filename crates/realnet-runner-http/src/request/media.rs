//! Media types of bodies.

use actix_web::http::header::{CONTENT_TYPE, HeaderMap};
use realnet_core::{Error, ErrorKind};

use crate::problem::Problem;

/// A kind of JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Media {
    /// `application/json` and types that end in `+json`.
    Json,
    /// `application/merge-patch+json`, RFC 7396.
    MergePatch,
    /// `application/json-patch+json`, RFC 6902.
    JsonPatch,
}

/// Whether the body is said to be JSON of some kind.
pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    let header = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = header.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || essence.starts_with("application/") && essence.ends_with("+json")
}

/// Whether a media type is that of a form of several parts.
pub(crate) fn is_form(content_type: &str) -> bool {
    content_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("multipart/form-data")
}

/// The media type of the body; anything but UTF-8 JSON is not understood.
pub(crate) fn of(headers: &HeaderMap) -> Result<Media, Problem> {
    let header = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (essence, parameters) = header.split_once(';').unwrap_or((header, ""));
    let media = match essence.trim().to_ascii_lowercase().as_str() {
        "application/json" => Media::Json,
        "application/merge-patch+json" => Media::MergePatch,
        "application/json-patch+json" => Media::JsonPatch,
        other if other.starts_with("application/") && other.ends_with("+json") => Media::Json,
        "" => return Err(unsupported("the body has no Content-Type; application/json is understood")),
        other => return Err(unsupported(&format!("'{other}' is not understood here; application/json is"))),
    };
    let charset = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
    });
    match charset {
        Some(charset) if !charset.eq_ignore_ascii_case("utf-8") => {
            Err(unsupported("JSON is UTF-8; another charset is not understood"))
        }
        _ => Ok(media),
    }
}

fn unsupported(detail: &str) -> Problem {
    Error::new(ErrorKind::UnsupportedMediaType, detail).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    fn media(text: &'static str) -> Option<Media> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(text));
        of(&headers).ok()
    }

    #[test]
    fn only_json_in_utf_8_is_understood() {
        assert_eq!(media("application/json"), Some(Media::Json));
        assert_eq!(media("Application/JSON; charset=\"UTF-8\""), Some(Media::Json));
        assert_eq!(media("application/ld+json"), Some(Media::Json));
        assert_eq!(media("application/merge-patch+json"), Some(Media::MergePatch));
        assert_eq!(media("application/json-patch+json"), Some(Media::JsonPatch));
        for bad in ["", "text/plain", "application/xml", "application/json; charset=latin1", "json"] {
            assert_eq!(media(bad), None, "{bad}");
        }
        assert!(of(&HeaderMap::new()).is_err());
    }
}

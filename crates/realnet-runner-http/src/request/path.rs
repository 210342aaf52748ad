//! Segments of a path, decoded strictly.

use std::borrow::Cow;

use realnet_core::Error;

use crate::problem::Problem;

/// The most segments that a path may have.
const MAX_SEGMENTS: usize = 16;

/// Decodes `%XX` escapes strictly: a bad escape, invalid UTF-8 and NUL are errors.
pub(crate) fn decode(text: &str) -> Result<Cow<'_, str>, &'static str> {
    if text.contains('%') {
        return decode_escapes(text).map(Cow::Owned);
    }
    if text.contains('\0') { Err("it holds a NUL character") } else { Ok(Cow::Borrowed(text)) }
}

fn decode_escapes(text: &str) -> Result<String, &'static str> {
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|byte| *byte == b'%') {
        match rest.get(at + 1..at + 3) {
            Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => rest = &rest[at + 3..],
            _ => return Err("'%' is not followed by two hexadecimal digits"),
        }
    }
    let bytes: Vec<u8> = percent_encoding::percent_decode_str(text).collect();
    let decoded = String::from_utf8(bytes).map_err(|_| "it is not UTF-8")?;
    if decoded.contains('\0') { Err("it holds a NUL character") } else { Ok(decoded) }
}

/// Whether a path leads to what signing in is done by.
pub(crate) fn is_below_auth(path: &str) -> bool {
    const AUTH: &str = "/api/auth";
    let begins = path.get(..AUTH.len()).is_some_and(|start| start.eq_ignore_ascii_case(AUTH));
    begins && matches!(path.as_bytes().get(AUTH.len()), None | Some(b'/'))
}

/// The segments of a path, without the first slash: none for `/`.
pub(crate) fn segments(path: &str) -> Result<Vec<Cow<'_, str>>, Problem> {
    let path = path.strip_prefix('/').unwrap_or(path);
    if path.is_empty() {
        return Ok(Vec::new());
    }
    let mut segments = Vec::with_capacity(4);
    for text in path.split('/') {
        if segments.len() == MAX_SEGMENTS {
            return Err(Error::malformed("the path has too many segments").into());
        }
        let segment =
            decode(text).map_err(|why| Error::malformed(format!("the path can not be read: {why}")))?;
        segments.push(segment);
    }
    Ok(segments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_strictly() {
        assert_eq!(decode("a%20b%C3%A4").unwrap(), "a bä");
        for bad in ["%", "%2", "%zz", "%+1", "%ff", "%00", "a\0"] {
            assert!(decode(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn signing_in_has_its_place() {
        assert!(["/api/auth", "/API/Auth/refresh"].into_iter().all(is_below_auth));
        assert!(!["/api/auths", "/api/aut", "/api/x/auth", "/äpi/auth"].into_iter().any(is_below_auth));
    }

    #[test]
    fn splits_before_it_decodes() {
        assert_eq!(segments("/api/a%2Fb/c").unwrap(), ["api", "a/b", "c"]);
        assert!(segments("/").unwrap().is_empty());
        assert!(segments(&"/x".repeat(17)).is_err());
    }
}

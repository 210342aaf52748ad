//! Conditional requests: `If-Match` and `If-None-Match`.

use std::sync::Arc;

use actix_web::http::header::{HeaderMap, HeaderName, IF_MATCH, IF_NONE_MATCH};
use realnet_core::acl::Caller;
use realnet_core::change::Version;
use realnet_core::provider::Checksum;
use realnet_core::resource::{Conditions, Contents, version_of_etag};
use realnet_core::{Error, ErrorKind, Uuid};

use crate::call::Call;
use crate::problem::Problem;

/// A version that no item has, for conditions that nothing can meet.
const NEVER: Version = Version { number: 0, created_at: None };

/// What `If-Match` asks for.
#[derive(Debug, PartialEq, Eq)]
enum IfMatch {
    /// Nothing, or `*`: any existing item will do.
    Any,
    /// One of these versions.
    OneOf(Vec<Version>),
}

impl Call {
    /// The version that the item of this request must have. With several to choose from, or one that it must not have,
    /// the item is looked at first.
    pub(crate) async fn expected_version(
        &self,
        caller: &Arc<Caller>,
        id: Uuid,
    ) -> Result<Option<Version>, Problem> {
        let unwanted = tags(self.headers(), &IF_NONE_MATCH)?;
        let wanted = if_match(self.headers())?;
        match &wanted {
            IfMatch::Any if unwanted.is_empty() => return Ok(None),
            IfMatch::OneOf(versions) if unwanted.is_empty() && versions.len() < 2 => {
                return Ok(Some(versions.first().copied().unwrap_or(NEVER)));
            }
            _ => {}
        }
        let version = self.version(caller, id).await?;
        let is_named = |tag: &String| version_of_etag(tag).is_some_and(|named| named.is_met_by(version));
        if unwanted.iter().any(|tag| tag == "*" || is_named(tag)) {
            return Err(not_met(&format!(
                "the item is there, with version {}, which If-None-Match excludes",
                version.number
            )));
        }
        match wanted {
            IfMatch::OneOf(versions) if !versions.iter().any(|named| named.is_met_by(version)) => {
                let number = version.number;
                Err(not_met(&format!("the item has version {number}, which If-Match does not name")))
            }
            _ => Ok(Some(version)),
        }
    }

    /// The version that a type must have: only one can be named.
    pub(crate) fn expected_revision(&self) -> Result<Option<Version>, Problem> {
        refuse(self.headers(), &IF_NONE_MATCH)?;
        match if_match(self.headers())? {
            IfMatch::Any => Ok(None),
            IfMatch::OneOf(versions) if versions.len() > 1 => {
                Err(Error::malformed_at("If-Match", "one tag is expected here").into())
            }
            IfMatch::OneOf(versions) => Ok(Some(versions.first().copied().unwrap_or(NEVER))),
        }
    }

    /// Refuses the condition of a write where something is read: who reads is answered 304 by `If-None-Match`, or with what
    /// is there.
    pub(crate) fn refuse_write_condition(&self) -> Result<(), Problem> {
        refuse(self.headers(), &IF_MATCH)
    }

    /// Refuses conditions where there is no one thing that they could be about. Who sends them counts on them.
    pub(crate) fn refuse_conditions(&self) -> Result<(), Problem> {
        refuse(self.headers(), &IF_MATCH)?;
        refuse(self.headers(), &IF_NONE_MATCH)
    }
}

/// What a request asks of the content of an item. Its entity tags are checksums; in `If-Match` the tag of the item is
/// understood as well.
pub(crate) struct OfContent {
    /// What is asked of the content.
    pub(crate) content: Conditions,
    /// The version that the item must have.
    pub(crate) version: Option<Version>,
}

impl OfContent {
    /// The conditions of a read, which names no version.
    pub(crate) fn into_conditions(self) -> Result<Conditions, Problem> {
        match self.version {
            None => Ok(self.content),
            Some(_) => Err(Error::malformed_at("If-Match", "the tag of a content is expected here").into()),
        }
    }
}

/// The conditions about a content.
pub(crate) fn of_content(headers: &HeaderMap) -> Result<OfContent, Problem> {
    let (wanted, unwanted) = (tags(headers, &IF_MATCH)?, tags(headers, &IF_NONE_MATCH)?);
    let named = |tags: &[String]| match tags {
        [] => None,
        [any] if any == "*" => Some(Contents::Any),
        tags => Some(Contents::OneOf(tags.iter().filter_map(|tag| checksum_of(tag)).collect())),
    };
    let versions: Vec<Version> = wanted.iter().filter_map(|tag| version_of_etag(tag)).collect();
    let is_of_item = !versions.is_empty() && wanted.len() == versions.len();
    if is_of_item && versions.len() > 1 {
        return Err(Error::malformed_at("If-Match", "one tag of an item is expected here").into());
    }
    let only = if is_of_item { None } else { named(&wanted) };
    let content = Conditions { only, unless: named(&unwanted) };
    Ok(OfContent { content, version: versions.first().copied().filter(|_| is_of_item) })
}

/// The checksum that an entity tag of a content holds.
pub(super) fn checksum_of(tag: &str) -> Option<Checksum> {
    let tag = tag.strip_prefix("W/").unwrap_or(tag);
    Checksum::parse(tag.strip_prefix('"')?.strip_suffix('"')?)
}

fn refuse(headers: &HeaderMap, name: &HeaderName) -> Result<(), Problem> {
    if headers.contains_key(name) {
        return Err(Error::malformed_at(name.as_str(), "the condition is not understood here").into());
    }
    Ok(())
}

fn not_met(detail: &str) -> Problem {
    Error::new(ErrorKind::PreconditionFailed, detail).into()
}

/// Whether the client has the representation named by `etag` already. Weak comparison, as RFC 9110 asks for.
pub(crate) fn is_fresh(headers: &HeaderMap, etag: &str) -> Result<bool, Problem> {
    let opaque = |tag: &str| tag.strip_prefix("W/").unwrap_or(tag).to_owned();
    Ok(tags(headers, &IF_NONE_MATCH)?.iter().any(|tag| tag == "*" || opaque(tag) == opaque(etag)))
}

fn if_match(headers: &HeaderMap) -> Result<IfMatch, Problem> {
    let tags = tags(headers, &IF_MATCH)?;
    if tags.is_empty() || tags == ["*"] {
        return Ok(IfMatch::Any);
    }
    // Weak tags count too: the version is what is compared, and answers that were compressed carry weak ones. A tag
    // that this server never gave matches nothing.
    Ok(IfMatch::OneOf(tags.iter().filter_map(|tag| version_of_etag(tag)).collect()))
}

/// The entity tags of a header, quotes and weakness kept, or `*`; none when the header is absent. One that is there but
/// empty is an error: a client that means to be careful must not be taken for one that is not.
fn tags(headers: &HeaderMap, name: &HeaderName) -> Result<Vec<String>, Problem> {
    let Some(value) = headers.get(name) else { return Ok(Vec::new()) };
    let malformed = || Error::malformed_at(name.as_str(), "expected entity tags such as \"3-1f\", or *");
    let mut rest = value.to_str().map_err(|_| malformed())?.trim();
    if rest == "*" {
        return Ok(vec![rest.to_owned()]);
    }
    let mut tags = Vec::new();
    loop {
        let length = tag_length(rest).ok_or_else(malformed)?;
        tags.push(rest[..length].to_owned());
        rest = rest[length..].trim_start();
        match rest.strip_prefix(',') {
            Some(after) => rest = after.trim_start(),
            None if rest.is_empty() => return Ok(tags),
            None => return Err(malformed().into()),
        }
    }
}

/// The length of the tag that `text` begins with: visible characters in quotes, perhaps behind `W/`.
fn tag_length(text: &str) -> Option<usize> {
    let start = if text.starts_with("W/") { 3 } else { 1 };
    if text.as_bytes().get(start - 1) != Some(&b'"') {
        return None;
    }
    let length = text[start..].find('"')?;
    let is_visible = text[start..start + length].bytes().all(|byte| byte.is_ascii_graphic());
    is_visible.then_some(start + length + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    fn headers(name: HeaderName, value: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_static(value));
        headers
    }

    #[test]
    fn lists_of_tags_are_read() {
        let read = |value| tags(&headers(IF_MATCH, value), &IF_MATCH).map_err(|_| ());
        assert_eq!(read(r#""1-a", W/"2-b,c" ,"""#).unwrap(), [r#""1-a""#, r#"W/"2-b,c""#, r#""""#]);
        assert_eq!(read(" * ").unwrap(), ["*"]);
        for bad in [
            "",
            " ",
            "3",
            "W/",
            "W/3",
            "\"",
            "\"open",
            "\"a\" \"b\"",
            "\"a\",",
            ",\"a\"",
            "\"a\",,\"b\"",
            "*, \"a\"",
        ] {
            assert_eq!(read(bad), Err(()), "{bad:?}");
        }
    }

    #[test]
    fn if_match_names_versions() {
        let read = |value| if_match(&headers(IF_MATCH, value)).unwrap();
        assert_eq!(if_match(&HeaderMap::new()).unwrap(), IfMatch::Any);
        assert_eq!(read("*"), IfMatch::Any);
        assert_eq!(read(r#"W/"3-aa", "5-bb""#), IfMatch::OneOf(vec![Version::from(3), Version::from(5)]));
        assert_eq!(read(r#""of-another-server""#), IfMatch::OneOf(vec![]));
    }

    #[test]
    fn freshness_compares_weakly() {
        let fresh = |value| is_fresh(&headers(IF_NONE_MATCH, value), r#""3-aa""#).unwrap();
        assert!(fresh(r#""1-x", W/"3-aa""#));
        assert!(fresh("*"));
        assert!(!fresh(r#""4-aa""#));
        assert!(!is_fresh(&HeaderMap::new(), r#""3-aa""#).unwrap());
    }
}

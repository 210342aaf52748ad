//! The query string: name and value pairs, decoded strictly, in the order given.

use std::borrow::Cow;

use realnet_core::Error;
use realnet_core::resource::ListRequest;

use super::path::decode;
use crate::problem::Problem;

/// The most pairs that a query may have.
const MAX_PAIRS: usize = 500;

/// Name and value pairs; `+` is a space. A bad escape, invalid UTF-8, NUL or a missing name is an error.
pub(crate) fn parse(query: &str) -> Result<Vec<(String, String)>, Problem> {
    let mut pairs = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        if pairs.len() == MAX_PAIRS {
            return Err(Error::malformed(format!("a query has at most {MAX_PAIRS} parameters")).into());
        }
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = text(name)
            .map_err(|why| Error::malformed(format!("the name of a parameter can not be read: {why}")))?;
        if name.is_empty() {
            return Err(Error::malformed("a parameter has no name").into());
        }
        let value = text(value)
            .map_err(|why| Error::malformed_at(name.clone(), format!("the value can not be read: {why}")))?;
        pairs.push((name, value));
    }
    Ok(pairs)
}

fn text(raw: &str) -> Result<String, &'static str> {
    let raw = if raw.contains('+') { Cow::Owned(raw.replace('+', " ")) } else { Cow::Borrowed(raw) };
    decode(&raw).map(Cow::into_owned)
}

/// Takes a parameter that must be given at most once out of the list.
pub(crate) fn take(list: &mut ListRequest, name: &str) -> Result<Option<String>, Problem> {
    let mut found = None;
    let mut twice = false;
    list.parameters.retain(|(key, value)| {
        if key == name {
            twice |= found.is_some();
            found = Some(value.clone());
        }
        key != name
    });
    if twice { Err(Error::malformed_at(name, "given twice").into()) } else { Ok(found) }
}

/// Takes a switch: absent is false; a bare name, `true` and `1` are true.
pub(crate) fn take_flag(list: &mut ListRequest, name: &str) -> Result<bool, Problem> {
    match take(list, name)?.as_deref() {
        None | Some("false" | "0") => Ok(false),
        Some("" | "true" | "1") => Ok(true),
        Some(_) => Err(Error::malformed_at(name, "expected true or false").into()),
    }
}

/// Refuses whatever was not taken.
pub(crate) fn refuse_rest(list: &ListRequest) -> Result<(), Problem> {
    match list.parameters.first() {
        Some((name, _)) => Err(Error::malformed_at(name.clone(), "not a parameter here").into()),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_keep_their_order_and_repetitions() {
        let pairs = parse("b=2&a=x+y%2Bz&&b=%C3%A4&flag").unwrap();
        let expected = [("b", "2"), ("a", "x y+z"), ("b", "ä"), ("flag", "")];
        assert_eq!(pairs, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn what_can_not_be_read_is_refused() {
        for bad in ["a=%", "a=%f", "a=%ff", "a=%00", "%00=a", "=x", &"a&".repeat(501)] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn switches_are_taken_once() {
        let list = |query| ListRequest { parameters: parse(query).unwrap() };
        let mut prune = list("prune&x=1");
        assert!(take_flag(&mut prune, "prune").unwrap());
        assert_eq!(prune, list("x=1"));
        assert!(refuse_rest(&prune).is_err());
        assert!(take_flag(&mut list("prune=yes"), "prune").is_err());
        assert!(take_flag(&mut list("prune=true&prune=false"), "prune").is_err());
    }
}

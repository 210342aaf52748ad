//! Telling parameters with a meaning of their own from filters.

use std::collections::HashMap;

use crate::error::{Error, ErrorKind, Result};

/// Groups of conditions: they have a form of their own, and may stand several times.
const GROUPS: [&str; 2] = ["or", "and"];

/// The parameters of every list that have a meaning of their own; all others are filters. Each but `or` and `and` stands at
/// most once.
pub const LIST_PARAMETERS: [&str; 19] = [
    "select",
    "order",
    "limit",
    "cursor",
    "offset",
    "count",
    "search",
    "near",
    "within",
    "types",
    "exact",
    "parent",
    "any_level",
    "tags",
    "valid_at",
    "attributes",
    "org",
    GROUPS[0],
    GROUPS[1],
];

/// The parameters of aggregates that have a meaning of their own; of all others, those of lists hold.
pub const AGGREGATE_PARAMETERS: [&str; 14] = [
    "select",
    "group",
    "search",
    "near",
    "within",
    "types",
    "exact",
    "parent",
    "any_level",
    "tags",
    "valid_at",
    "org",
    GROUPS[0],
    GROUPS[1],
];

/// Parameters of operations other than lists: naming them here is a mistake, not a filter.
const ELSEWHERE: &[&str] = &["watch", "since"];

/// Parameters by meaning.
pub(super) struct Parameters<'a> {
    reserved: HashMap<&'a str, &'a str>,
    /// Everything else, in the order given.
    pub filters: Vec<(&'a str, &'a str)>,
}

impl<'a> Parameters<'a> {
    pub(super) fn sort(parameters: &'a [(String, String)]) -> Result<Self> {
        let mut sorted = Self { reserved: HashMap::new(), filters: Vec::new() };
        for (name, value) in parameters {
            let (name, value) = (name.as_str(), value.as_str());
            if ELSEWHERE.contains(&name) {
                let message = format!("{name} is not supported by this list");
                return Err(Error::new(ErrorKind::Unsupported, message));
            }
            if !LIST_PARAMETERS.contains(&name) || GROUPS.contains(&name) {
                sorted.filters.push((name, value));
            } else if sorted.reserved.insert(name, value).is_some() {
                return Err(Error::malformed_at(name, "is given twice"));
            }
        }
        Ok(sorted)
    }

    /// Refuses what only pages have.
    pub(super) fn refuse_pages(&self) -> Result<()> {
        let named = self.reserved.keys().find(|name| !AGGREGATE_PARAMETERS.contains(name));
        named.map_or(Ok(()), |name| Err(Error::malformed_at(*name, "is not a parameter of an aggregate")))
    }

    pub(super) fn get(&self, name: &str) -> Option<&'a str> {
        self.reserved.get(name).copied()
    }

    /// A parameter that is true or false; false when absent.
    pub(super) fn flag(&self, name: &str) -> Result<bool> {
        match self.get(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(Error::malformed_at(name, "expected true or false")),
        }
    }
}

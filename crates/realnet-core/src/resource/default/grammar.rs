//! Stands in for the grammar of queries until that module is in place.

use crate::acl::Caller;
use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::query::Query;
use crate::registry::{TypeInfo, TypeRegistry};
use crate::resource::Projection;

pub(super) struct ParsedQuery {
    pub(super) query: Query,
    pub(super) projection: Projection,
    pub(super) is_filtered: bool,
}

pub(super) fn parse(
    _registry: &TypeRegistry,
    _caller: &Caller,
    _base: Option<&TypeInfo>,
    _parameters: &[(String, String)],
    _now: Timestamp,
) -> Result<ParsedQuery> {
    Err(Error::new(ErrorKind::Unsupported, "queries are not read yet"))
}

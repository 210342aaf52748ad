//! The text grammar of lists: decoded parameters in, a typed query out. Nothing is ignored: what is not
//! understood is an error that names its parameter.
//!
//! Stands between the runner, which decodes the parameters, and the store, which gets the [`Query`].

mod aggregate;
mod attribute;
mod condition;
mod group;
mod lexer;
mod literal;
mod names;
mod order;
mod parameters;
mod reach;
mod select;
mod special;

#[cfg(test)]
mod tests;

use condition::Conditions;
use names::Names;
use parameters::Parameters;

pub use parameters::{AGGREGATE_PARAMETERS, LIST_PARAMETERS};

use super::{Aggregate, Comparison, Count, Cursor, Literal, Operand, Predicate, Property, Query};
use crate::acl::Caller;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::model::Visibility;
use crate::registry::{TypeInfo, TypeRegistry};
use crate::resource::Projection;

/// A query as written, understood.
#[derive(Debug, Clone, PartialEq)]
pub struct ParsedQuery {
    /// What to find.
    pub query: Query,
    /// Which parts to show.
    pub projection: Projection,
    /// Whether anything narrows the list besides its types: what changes by filter asks for.
    pub is_filtered: bool,
}

/// The most parameters of a request.
const MAX_PARAMETERS: usize = 200;
/// The longest value of a parameter, in bytes.
const MAX_VALUE: usize = 256 * 1024;

/// Reads the parameters of a list of `base` (all types without one) for `caller`.
///
/// `parameters` are decoded name and value pairs in the order given. Errors are of kind `Malformed` and carry the
/// parameter's name; a scope that the caller may not look at is `Forbidden`.
pub fn parse(
    registry: &TypeRegistry,
    caller: &Caller,
    base: Option<&TypeInfo>,
    parameters: &[(String, String)],
    now: Timestamp,
) -> Result<ParsedQuery> {
    read(registry, caller, base, parameters, now, false)
}

/// The same for a change of all that match: a bare name has to be a property or a declared field, since a mistyped one with
/// `neq` would match everything.
pub fn parse_for_change(
    registry: &TypeRegistry,
    caller: &Caller,
    base: Option<&TypeInfo>,
    parameters: &[(String, String)],
    now: Timestamp,
) -> Result<ParsedQuery> {
    read(registry, caller, base, parameters, now, true)
}

fn read(
    registry: &TypeRegistry,
    caller: &Caller,
    base: Option<&TypeInfo>,
    parameters: &[(String, String)],
    now: Timestamp,
    only_declared: bool,
) -> Result<ParsedQuery> {
    check_sizes(parameters)?;
    let parameters = Parameters::sort(parameters)?;
    let Found { names, mut query, is_filtered } =
        find(registry, caller, base, &parameters, now, only_declared)?;
    query.order = order::read(&names, parameters.get("order"))?;
    if parameters.get("search").is_some() && parameters.get("order").is_none() {
        query.order = order::by_relevance();
    }
    read_page(&parameters, &mut query)?;
    let projection = select::read(&names, parameters.get("select"), parameters.get("attributes"))?;
    Ok(ParsedQuery { query, projection, is_filtered })
}

/// Which items a query finds, in no order yet.
struct Found<'a> {
    names: Names<'a>,
    query: Query,
    is_filtered: bool,
}

fn find<'a>(
    registry: &'a TypeRegistry,
    caller: &'a Caller,
    base: Option<&'a TypeInfo>,
    parameters: &Parameters<'_>,
    now: Timestamp,
    only_declared: bool,
) -> Result<Found<'a>> {
    let reach = reach::read(registry, caller, base, parameters)?;
    let types: Vec<_> = reach.types.iter().map(|info| info.id()).collect();
    let mut names = Names::new(registry, caller, reach.scope, base, reach.types);
    names.only_declared = only_declared;
    let mut conditions = Conditions::new(&names);
    let mut filter = conditions.filters(&parameters.filters)?;
    let special = special::read(&names, parameters, now)?;
    let is_filtered = !parameters.filters.is_empty() || special != Predicate::All;
    if !conditions.mentions_visibility {
        filter = not_hidden().and(filter);
    }
    let mut query = Query::of(reach.scope, types);
    query.filter = filter.and(special);
    Ok(Found { names, query, is_filtered })
}

/// Reads the parameters of an aggregate: the filters of a list, `select=count(),sum(x)` and `group=a,b`.
///
/// Errors are those of [`parse`]. A field that the caller may not read is one that no item has; on a strict type it is an error,
/// as in lists.
pub fn parse_aggregate(
    registry: &TypeRegistry,
    caller: &Caller,
    base: Option<&TypeInfo>,
    parameters: &[(String, String)],
    now: Timestamp,
) -> Result<Aggregate> {
    check_sizes(parameters)?;
    // In lists this is a name like any other.
    let (group, others): (Vec<_>, Vec<_>) = parameters.iter().cloned().partition(|(name, _)| name == "group");
    let group = match group.as_slice() {
        [] => None,
        [(_, text)] => Some(text.as_str()),
        _ => return Err(Error::malformed_at("group", "is given twice")),
    };
    let parameters = Parameters::sort(&others)?;
    parameters.refuse_pages()?;
    let Found { names, mut query, .. } = find(registry, caller, base, &parameters, now, false)?;
    let asked = aggregate::read(&names, parameters.get("select"), group)?;
    query.order = asked.order();
    // Stores choose by the total what they count.
    query.count = Count::Exact;
    let aggregate::Asked { groups, measures, figures } = asked;
    Ok(Aggregate { query, groups, measures, figures })
}

/// Reads the parameters of a single item: `select` and `attributes`.
pub fn parse_projection(
    registry: &TypeRegistry,
    caller: &Caller,
    base: Option<&TypeInfo>,
    parameters: &[(String, String)],
) -> Result<Projection> {
    check_sizes(parameters)?;
    let known = |name: &str| name == "select" || name == "attributes";
    if let Some((name, _)) = parameters.iter().find(|(name, _)| !known(name)) {
        return Err(Error::malformed_at(name, "is not a parameter of a single item"));
    }
    let parameters = Parameters::sort(parameters)?;
    let reach = reach::read(registry, caller, base, &parameters)?;
    let names = Names::new(registry, caller, reach.scope, base, reach.types);
    select::read(&names, parameters.get("select"), parameters.get("attributes"))
}

fn check_sizes(parameters: &[(String, String)]) -> Result<()> {
    if parameters.len() > MAX_PARAMETERS {
        return Err(Error::malformed(format!("at most {MAX_PARAMETERS} parameters")));
    }
    for (name, value) in parameters {
        if value.len() > MAX_VALUE || name.len() > names::MAX_NAME {
            let name: String = name.chars().take(64).collect();
            return Err(Error::malformed_at(name, format!("is longer than {MAX_VALUE} bytes")));
        }
        if name.contains('\0') || value.contains('\0') {
            return Err(Error::malformed_at(name.replace('\0', "\u{fffd}"), "holds a NUL character"));
        }
    }
    Ok(())
}

fn not_hidden() -> Predicate {
    Predicate::Compare {
        operand: Operand::Property(Property::Visibility),
        comparison: Comparison::Neq,
        value: Literal::Text(Visibility::Hidden.as_str().to_owned()),
    }
}

fn read_page(parameters: &Parameters<'_>, query: &mut Query) -> Result<()> {
    if let Some(text) = parameters.get("limit") {
        let limit = text.parse().ok().filter(|limit| (1..=Query::MAX_LIMIT).contains(limit));
        let expected = || format!("expected a number from 1 to {}", Query::MAX_LIMIT);
        query.limit = limit.ok_or_else(|| Error::malformed_at("limit", expected()))?;
    }
    if let Some(text) = parameters.get("offset") {
        let offset = text.parse().ok().filter(|offset| *offset <= Query::MAX_OFFSET);
        let expected =
            || format!("expected a number from 0 to {}: further on, use cursor", Query::MAX_OFFSET);
        query.offset = offset.ok_or_else(|| Error::malformed_at("offset", expected()))?;
    }
    if let Some(text) = parameters.get("cursor") {
        if parameters.get("offset").is_some() {
            return Err(Error::malformed_at("cursor", "can not be combined with offset"));
        }
        let cursor = Cursor::decode(text)?;
        cursor.check(&query.order)?;
        query.after = Some(cursor);
    }
    query.count = match parameters.get("count") {
        None => Count::None,
        Some("exact") => Count::Exact,
        Some("estimated") => Count::Estimated,
        Some(_) => return Err(Error::malformed_at("count", "expected exact or estimated")),
    };
    Ok(())
}

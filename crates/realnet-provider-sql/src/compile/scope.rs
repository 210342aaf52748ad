//! How far a list reaches: the types that the caller's key leaves, and the orgs, one list for each that may hold items, where
//! they are few.
//!
//! The key index begins with field and org, so a filter or an order by a field finds its rows only within an org. Most
//! stores have one org that holds a type's items: a superuser's list over all orgs is then the list of that org.

use std::borrow::Cow;
use std::collections::BTreeSet;

use realnet_core::acl::Permission;
use realnet_core::provider::{Access, Page};
use realnet_core::query::{Count, OrgScope, Query};

use super::Request;
use super::order::{OrderPlan, Walk};
use super::strategy::conjuncts;
use super::test::FieldTest;

/// With more orgs than this, the items are walked over instead.
const MAX_ORGS: usize = 16;

/// The query, of the types only that the caller's key lets it read.
pub(crate) fn readable<'a>(access: &Access, query: &'a Query) -> Cow<'a, Query> {
    let Access { caller, registry } = access;
    if caller.scope.is_none() {
        return Cow::Borrowed(query);
    }
    let mut query = query.clone();
    query.types.retain(|id| caller.scope_allows(registry, *id, Permission::Read));
    Cow::Owned(query)
}

/// The page of a query of no types.
pub(crate) fn nothing(query: &Query) -> Page {
    Page { items: Vec::new(), next: None, total: (query.count != Count::None).then_some(0) }
}

/// The lists whose rows together are those of a request; none of them is in two.
pub(crate) fn requests(request: Request<'_>) -> Vec<Request<'_>> {
    let query = request.query;
    if let OrgScope::One(_) = request.scope {
        return vec![request];
    }
    let Some(pairs) = request.catalog.populated(OrgScope::All, &query.types) else { return vec![request] };
    let orgs: BTreeSet<_> = pairs.iter().map(|(org, _)| *org).collect();
    if orgs.is_empty() || orgs.len() > MAX_ORGS || (orgs.len() > 1 && !uses_keys(request)) {
        return vec![request];
    }
    orgs.into_iter().map(|org| Request { scope: OrgScope::One(org), ..request }).collect()
}

/// Whether an index of a field helps to find the rows or their order.
fn uses_keys(request: Request<'_>) -> bool {
    let query = request.query;
    let is_source = |predicate| FieldTest::of(predicate).is_some_and(|test| test.is_source());
    matches!(OrderPlan::of(&query.order).walk, Walk::ByKey(..))
        || conjuncts(&query.filter).into_iter().any(is_source)
}

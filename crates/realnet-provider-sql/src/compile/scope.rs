//! Lists over all orgs: one list for each org that may hold items, where they are few.
//!
//! The key index begins with field and org, so a filter or an order by a field finds its rows only within an org. Most
//! stores have one org that holds a type's items: a superuser's list over all orgs is then the list of that org.

use std::collections::BTreeSet;

use realnet_core::query::OrgScope;

use super::Request;
use super::order::{OrderPlan, Walk};
use super::strategy::conjuncts;
use super::test::FieldTest;

/// With more orgs than this, the items are walked over instead.
const MAX_ORGS: usize = 16;

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

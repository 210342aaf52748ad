//! Lists and aggregates: every item of the types is looked at, by the core's evaluator alone.

use realnet_core::Uuid;
use realnet_core::acl::Permission;
use realnet_core::error::Result;
use realnet_core::model::Item;
use realnet_core::provider::{Access, Page};
use realnet_core::query::aggregate::{GroupRow, Tally};
use realnet_core::query::{
    Aggregate, Count, Cursor, Lookup, OrderKey, OrgScope, Query, matches, relevance, sort_keys,
};

use super::state::State;

/// Finds other items for the evaluator.
struct Finder<'a> {
    state: &'a State,
    access: &'a Access,
}

impl Lookup for Finder<'_> {
    fn item(&self, id: Uuid) -> Option<Item> {
        let item = self.state.items.get(&id)?;
        self.access.allows(item, Permission::Read).then(|| item.clone())
    }

    fn ancestors(&self, id: Uuid) -> Vec<Uuid> {
        self.state.ancestors(id, Item::MAX_DEPTH)
    }
}

impl<'a> Finder<'a> {
    /// The readable items that match, in no order.
    fn found(&self, query: &'a Query) -> impl Iterator<Item = &'a Item> {
        let asked_for = self.state.items.values().filter(|item| is_asked_for(query, item));
        let readable = asked_for.filter(|item| self.access.allows(item, Permission::Read));
        readable.filter(|item| matches(&self.access.registry, &query.filter, item, self))
    }
}

/// A match with its place in the order.
type Placed<'a> = (Vec<Vec<u8>>, &'a Item);

pub(super) fn list(state: &State, access: &Access, query: &Query) -> Result<Page> {
    if let Some(cursor) = &query.after {
        cursor.check(&query.order)?;
    }
    let finder = Finder { state, access };
    let mut found: Vec<Placed<'_>> =
        finder.found(query).map(|item| (place(query, access, item, &finder), item)).collect();
    found.sort_by(|(left, one), (right, other)| left.cmp(right).then(one.id.cmp(&other.id)));
    let total = (query.count != Count::None).then_some(found.len() as u64);
    let begin = begin(query, &found);
    let mut bytes = 0;
    let fits = |item: &&Item| {
        let is_first = bytes == 0;
        bytes += item.size();
        is_first || bytes <= Query::MAX_PAGE_BYTES
    };
    let page: Vec<&Item> =
        found[begin..].iter().take(query.limit).map(|(_, item)| *item).take_while(fits).collect();
    let end = begin + page.len();
    let next = match page.last() {
        Some(last) if end < found.len() => Some(Cursor::behind(&access.registry, query, last, end, &finder)),
        _ => None,
    };
    Ok(Page { items: page.into_iter().cloned().collect(), next, total })
}

pub(super) fn aggregate(state: &State, access: &Access, aggregate: &Aggregate) -> Result<Vec<GroupRow>> {
    let finder = Finder { state, access };
    let mut tally = Tally::new(aggregate, &access.registry);
    finder.found(&aggregate.query).try_for_each(|item| tally.item(item, &finder))?;
    tally.finish()
}

fn is_asked_for(query: &Query, item: &Item) -> bool {
    let in_scope = match query.scope {
        OrgScope::One(org) => item.org == org,
        OrgScope::All => true,
    };
    in_scope && query.types.contains(&item.type_id)
}

/// The sort keys of an item; relevance, best first, as bytes that sort ascending.
fn place(query: &Query, access: &Access, item: &Item, finder: &Finder<'_>) -> Vec<Vec<u8>> {
    let mut keys = sort_keys(&access.registry, &query.order, item, finder);
    for (key, term) in keys.iter_mut().zip(&query.order) {
        if term.key == OrderKey::Relevance {
            *key = (usize::MAX - relevance(&query.filter, item)).to_be_bytes().to_vec();
        }
    }
    keys
}

/// Where the page begins among all matches.
fn begin(query: &Query, found: &[Placed<'_>]) -> usize {
    let by_relevance = query.order.iter().any(|term| term.key == OrderKey::Relevance);
    match &query.after {
        Some(cursor) if by_relevance => cursor.skipped.min(found.len()),
        Some(cursor) => {
            let keys = cursor.sort_keys(&query.order);
            found.partition_point(|(place, item)| (place, item.id) <= (&keys, cursor.id))
        }
        None => query.offset.min(found.len()),
    }
}

//! Queries: a backend-neutral tree of what to find, its text grammar, and the evaluator that defines its meaning.

pub mod aggregate;
mod cursor;
#[cfg(test)]
mod fixture;
pub mod geography;
mod grammar;
mod matches;
#[cfg(test)]
mod meaning;
mod operand;
mod order;
mod pattern;
mod predicate;
mod sort;
mod value;

pub use aggregate::Aggregate;
pub use cursor::Cursor;
pub use grammar::{
    AGGREGATE_PARAMETERS, LIST_PARAMETERS, ParsedQuery, parse, parse_aggregate, parse_for_change,
    parse_projection,
};
pub use matches::{matches, relevance, untyped_readings};
pub use operand::{AttributePath, Operand, Property};
pub use order::{Direction, OrderKey, OrderTerm};
pub use pattern::{MAX_PATTERN, fold_case, like};
pub use predicate::{Area, Comparison, Literal, Predicate};
pub use sort::{directed, order_hash, raw_keys, sort_keys};
pub use value::{Lookup, NoLookup, effective};

use uuid::Uuid;

/// Whether and how a total is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Count {
    /// No total.
    #[default]
    None,
    /// The exact number of readable matches.
    Exact,
    /// A number that may be off where an exact one would cost a scan.
    Estimated,
}

/// Which orgs' items are looked at. Access decides on top of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrgScope {
    /// One org.
    One(Uuid),
    /// All orgs: for superusers.
    All,
}

/// What to find. Three things are implicit: only readable items, ties in order by id ascending, nulls last.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// Whose items.
    pub scope: OrgScope,
    /// Ids of the concrete types (derived ones already added), in the registry's order.
    pub types: Vec<Uuid>,
    /// The filter.
    pub filter: Predicate,
    /// The order; none: by id, which is by creation.
    pub order: Vec<OrderTerm>,
    /// Page size, 1 to [`Query::MAX_LIMIT`].
    pub limit: usize,
    /// How many matches to skip; excludes `after`.
    pub offset: usize,
    /// Where the page begins, from the page before.
    pub after: Option<Cursor>,
    /// Whether a total is wanted.
    pub count: Count,
}

impl Query {
    /// Page size when none is asked for.
    pub const DEFAULT_LIMIT: usize = 50;
    /// Largest page size.
    pub const MAX_LIMIT: usize = 1000;
    /// Largest offset: further on, cursors serve.
    pub const MAX_OFFSET: usize = 100_000;
    /// A page ends early, with a cursor for the rest, where its items would be larger than so many bytes in all
    /// ([`Item::size`](crate::model::Item::size)); it holds one item at least.
    pub const MAX_PAGE_BYTES: usize = 16 * 1024 * 1024;

    /// All visible items of the types, in order of creation.
    pub fn of(scope: OrgScope, types: Vec<Uuid>) -> Self {
        Self {
            scope,
            types,
            filter: Predicate::All,
            order: Vec::new(),
            limit: Self::DEFAULT_LIMIT,
            offset: 0,
            after: None,
            count: Count::None,
        }
    }
}

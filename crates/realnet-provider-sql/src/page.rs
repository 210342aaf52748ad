//! Filling a page: what SQL has left open is decided here for each row, by the core's own rules.
//!
//! Rows that come in the order of the list are taken until the page is full; others go through a heap that keeps the
//! first so many. The pages of a list's parts are merged at the end.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

use realnet_core::acl::Permission;
use realnet_core::index::MAX_KEY;
use realnet_core::model::Item;
use realnet_core::provider::{Access, Page};
use realnet_core::query::{self, Cursor, Lookup, OrderKey, Query};
use realnet_core::{Error, ErrorKind, Result, Uuid};

use crate::compile::Part;
use crate::row::Row;

/// A list that takes longer is given up.
const TIME_LIMIT: Duration = Duration::from_secs(10);
/// Keys are compared up to here where longer text has a hash in its place.
const KEY_PREFIX: usize = MAX_KEY - 34;

/// When a list is given up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    at: Instant,
    steps: u32,
}

impl Deadline {
    /// The time limit, from now on.
    pub(crate) fn start() -> Self {
        Self { at: Instant::now() + TIME_LIMIT, steps: 0 }
    }

    /// Fails when the time is over. Looks at the clock now and then only.
    pub(crate) fn check(&mut self) -> Result<()> {
        self.steps = self.steps.wrapping_add(1);
        if !self.steps.is_multiple_of(64) || Instant::now() < self.at {
            return Ok(());
        }
        let message = "the query took longer than 10 seconds: filter and order by indexed fields";
        Err(Error::new(ErrorKind::Timeout, message))
    }
}

/// Whether a row of a part belongs to the list, as far as SQL has left it open.
pub(crate) fn accepts(part: &Part<'_>, access: &Access, item: &Item, lookup: &dyn Lookup) -> bool {
    (!part.decides() || access.allows(item, Permission::Read))
        && part.residual().is_none_or(|residual| query::matches(&access.registry, residual, item, lookup))
}

/// The first rows of one part, in order.
pub(crate) struct Collector<'a> {
    access: &'a Access,
    query: &'a Query,
    is_exact: bool,
    is_walk: bool,
    is_only: bool,
    /// Sort keys and id of the cursor, where rows before it may come.
    behind: Option<(Vec<Vec<u8>>, Uuid)>,
    /// Rows of an exact walk that are passed over without being kept.
    skips: usize,
    wanted: usize,
    rows: Vec<Entry>,
    heap: BinaryHeap<Entry>,
}

/// A row with its place in the order; the keys are empty where rows come in order.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    keys: Vec<Vec<u8>>,
    id: Uuid,
    item: Box<IgnoredInOrder>,
}

/// The first rows of a part, in order.
pub(crate) struct Collected {
    rows: Vec<Entry>,
    /// Whether those before the page are left out already.
    has_skipped: bool,
}

/// An item that plays no role in comparisons.
#[derive(Debug)]
struct IgnoredInOrder(Item);

impl PartialEq for IgnoredInOrder {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

impl Eq for IgnoredInOrder {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        (&self.keys, self.id).cmp(&(&other.keys, other.id))
    }
}

impl<'a> Collector<'a> {
    /// A collector for a part; `is_only`: the list has no other.
    pub(crate) fn new(access: &'a Access, query: &'a Query, part: &Part<'_>, is_only: bool) -> Self {
        let is_exact = part.is_ordered() && part.is_exact();
        let behind = query
            .after
            .as_ref()
            .filter(|_| !is_exact && !is_ranked(query))
            .map(|cursor| (cursor.sort_keys(&query.order), cursor.id));
        let offset = offset(query);
        let skips = if is_exact && is_only { offset } else { 0 };
        Self {
            access,
            query,
            is_exact,
            is_walk: part.is_ordered(),
            is_only,
            behind,
            skips,
            wanted: offset - skips + query.limit + 1,
            rows: Vec::new(),
            heap: BinaryHeap::new(),
        }
    }

    /// How many accepted rows are still needed, at least one.
    pub(crate) fn missing(&self) -> usize {
        (self.skips + self.wanted).saturating_sub(self.rows.len() + self.heap.len()).max(1)
    }

    /// Takes an accepted row. Answers whether the page is complete and no further row can change it.
    pub(crate) fn push(&mut self, row: Row, lookup: &dyn Lookup) -> bool {
        let item = row.item;
        if self.is_exact {
            if self.skips > 0 {
                self.skips -= 1;
                return false;
            }
            if self.rows.len() < self.wanted {
                self.rows.push(Entry { keys: Vec::new(), id: item.id, item: Box::new(IgnoredInOrder(item)) });
            }
            return self.rows.len() >= self.wanted;
        }
        let keys = sort_keys(self.access, self.query, &item, lookup);
        if self.behind.as_ref().is_some_and(|(cursor, id)| (&keys, item.id) <= (cursor, *id)) {
            return false;
        }
        let is_full = self.heap.len() >= self.wanted;
        if is_full && self.is_walk && self.is_past(&keys) {
            return true;
        }
        let entry = Entry { keys, id: item.id, item: Box::new(IgnoredInOrder(item)) };
        if is_full && self.heap.peek().is_some_and(|last| entry > *last) {
            return false;
        }
        self.heap.push(entry);
        if self.heap.len() > self.wanted {
            self.heap.pop();
        }
        false
    }

    /// Whether the walk has left everything behind that could still come before the last row kept.
    fn is_past(&self, keys: &[Vec<u8>]) -> bool {
        let prefix = |keys: &[Vec<u8>]| keys.first().map(|key| key[..key.len().min(KEY_PREFIX)].to_vec());
        self.heap.peek().is_some_and(|last| prefix(keys) > prefix(&last.keys))
    }

    /// The rows in order.
    pub(crate) fn finish(self) -> Collected {
        let has_skipped = self.is_exact && self.is_only;
        let rows = if self.is_exact { self.rows } else { self.heap.into_sorted_vec() };
        Collected { rows, has_skipped }
    }
}

fn is_ranked(query: &Query) -> bool {
    query.order.iter().any(|term| term.key == OrderKey::Relevance)
}

/// How many rows lie before the page. Ranked lists continue by number.
fn offset(query: &Query) -> usize {
    let skipped = query.after.as_ref().filter(|_| is_ranked(query)).map_or(0, |cursor| cursor.skipped);
    query.offset + skipped.min(Query::MAX_OFFSET)
}

fn sort_keys(access: &Access, query: &Query, item: &Item, lookup: &dyn Lookup) -> Vec<Vec<u8>> {
    let mut keys = query::sort_keys(&access.registry, &query.order, item, lookup);
    for (key, term) in keys.iter_mut().zip(&query.order) {
        if term.key == OrderKey::Relevance {
            let rank = u32::try_from(query::relevance(&query.filter, item)).unwrap_or(u32::MAX);
            *key = (u32::MAX - rank).to_be_bytes().to_vec();
        }
    }
    keys
}

/// Puts the pages of all parts together and cuts out what was asked for. The total is left to the caller.
pub(crate) fn merge(access: &Access, query: &Query, parts: Vec<Collected>, lookup: &dyn Lookup) -> Page {
    let is_only = parts.len() < 2;
    let offset = offset(query);
    let skip = if parts.iter().all(|part| part.has_skipped) { 0 } else { offset };
    let mut entries: Vec<Entry> = parts.into_iter().flat_map(|part| part.rows).collect();
    if !is_only {
        for entry in &mut entries {
            if entry.keys.is_empty() {
                entry.keys = sort_keys(access, query, &entry.item.0, lookup);
            }
        }
        entries.sort();
    }
    let mut items: Vec<Item> = entries.into_iter().skip(skip).map(|entry| entry.item.0).collect();
    let has_more = items.len() > query.limit;
    items.truncate(query.limit);
    let skipped = if is_ranked(query) { offset + items.len() } else { 0 };
    let next = items
        .last()
        .filter(|_| has_more)
        .map(|last| Cursor::behind(&access.registry, query, last, skipped, lookup));
    Page { items, next, total: None }
}

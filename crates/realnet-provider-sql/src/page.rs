//! Filling a page: what SQL has left open is decided here for each row, by the core's own rules.
//!
//! Rows that come in the order of the list are taken until the page is full; others go through a heap that keeps the
//! first so many. The pages of a list's parts are merged at the end.
//!
//! Memory is bounded by bytes too: of rows that are many bytes together only their places are kept; those that the page
//! holds in the end, which is no larger than [`Query::MAX_PAGE_BYTES`], are read again by id.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap};
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
pub(crate) const TIME_LIMIT: Duration = Duration::from_secs(10);
/// The items of so many bytes are kept while a page is sought.
const MAX_HELD: usize = 2 * Query::MAX_PAGE_BYTES;
/// Where results of a search are ranked: so many of the newest ones, then so many behind them, and so on.
const WINDOW: usize = 500;
/// Keys are compared up to here where longer text has a hash in its place.
const KEY_PREFIX: usize = MAX_KEY - 34;

/// When a list is given up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    at: Instant,
}

impl Deadline {
    /// The time limit, from now on.
    pub(crate) fn start() -> Self {
        Self { at: Instant::now() + TIME_LIMIT }
    }

    /// Fails when the time is over. A row may hold megabytes, so this is asked at each.
    pub(crate) fn check(self) -> Result<()> {
        if Instant::now() < self.at { Ok(()) } else { Err(timeout()) }
    }
}

/// What is answered for a list that was given up.
pub(crate) fn timeout() -> Error {
    let message = "the query took longer than 10 seconds: filter and order by indexed fields";
    Error::new(ErrorKind::Timeout, message)
}

/// Whether a row of a part belongs to the list, as far as SQL has left it open.
pub(crate) fn accepts(part: &Part<'_>, access: &Access, item: &Item, lookup: &dyn Lookup) -> bool {
    (!part.decides() || access.allows(item, Permission::Read))
        && part.residual().is_none_or(|residual| query::matches(&access.registry, residual, item, lookup))
}

/// The first rows of one part, in order.
#[allow(clippy::struct_excessive_bools, reason = "independent facts")]
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
    /// Whether all rows that are kept are rows of the page, none of its offset.
    is_page: bool,
    /// How rows that come newest first are ranked.
    windows: Option<Windows>,
    rows: Vec<Entry>,
    heap: BinaryHeap<Entry>,
    /// Bytes of `rows`.
    bytes: usize,
    /// Bytes of the items that are kept.
    held: usize,
}

/// The windows in which rows are ranked that come newest first.
struct Windows {
    /// Rows so far.
    seen: usize,
    /// The end of the window in which the page ends.
    end: usize,
}

/// What has been read of a row.
enum Held<'a> {
    Whole(Box<Item>),
    /// What its place depends on, and the size of the whole item.
    Light(&'a Item, usize),
}

impl Held<'_> {
    fn item(&self) -> &Item {
        match self {
            Self::Whole(item) => item,
            Self::Light(item, _) => item,
        }
    }
}

/// A row with its place in the order.
#[derive(Debug)]
pub(crate) struct Entry {
    keys: Vec<Vec<u8>>,
    id: Uuid,
    size: usize,
    /// Absent where it was let go of, to be read again.
    item: Option<Box<Item>>,
}

/// The first rows of a part, in order.
pub(crate) struct Collected {
    rows: Vec<Entry>,
    /// Whether those before the page are left out already.
    has_skipped: bool,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Entry {}

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
            is_walk: part.is_ordered() && !is_ranked(query),
            is_only,
            behind,
            skips,
            wanted: offset - skips + query.limit + 1,
            is_page: offset == skips,
            windows: (part.is_ordered() && is_ranked(query))
                .then(|| Windows { seen: 0, end: (offset + query.limit + 1).next_multiple_of(WINDOW) }),
            rows: Vec::new(),
            heap: BinaryHeap::new(),
            bytes: 0,
            held: 0,
        }
    }

    /// How many accepted rows are still needed, at least one.
    pub(crate) fn missing(&self) -> usize {
        if let Some(windows) = &self.windows {
            return (windows.end - windows.seen).max(1);
        }
        (self.skips + self.wanted).saturating_sub(self.rows.len() + self.heap.len()).max(1)
    }

    /// Takes an accepted row. Answers whether the page is complete and no further row can change it.
    pub(crate) fn push(&mut self, row: Row, lookup: &dyn Lookup) -> bool {
        if self.is_exact {
            self.push_in_order(row.item, lookup)
        } else {
            self.push_anyhow(Held::Whole(row.item), lookup)
        }
    }

    /// Takes an accepted row, in any order, of which only what its place depends on has been read; `size`: that of the
    /// whole item, which is read at the end. Answers as [`Self::push`].
    pub(crate) fn push_light(&mut self, item: &Item, size: usize, lookup: &dyn Lookup) -> bool {
        self.push_anyhow(Held::Light(item, size), lookup)
    }

    fn push_in_order(&mut self, item: Box<Item>, lookup: &dyn Lookup) -> bool {
        if self.skips > 0 {
            self.skips -= 1;
            return false;
        }
        if !self.is_complete() {
            // Only a merge compares them.
            let keys =
                if self.is_only { Vec::new() } else { sort_keys(self.access, self.query, &item, lookup) };
            let entry = self.entry(keys, item);
            self.bytes += entry.size;
            self.rows.push(entry);
        }
        self.is_complete()
    }

    /// Whether there are enough rows of a walk; the last one shows that there are more than the page holds.
    fn is_complete(&self) -> bool {
        let is_large = self.is_page && self.rows.len() > 1 && self.bytes > Query::MAX_PAGE_BYTES;
        is_large || self.rows.len() >= self.wanted
    }

    fn push_anyhow(&mut self, held: Held<'_>, lookup: &dyn Lookup) -> bool {
        let item = held.item();
        let mut keys = sort_keys(self.access, self.query, item, lookup);
        if is_ranked(self.query) {
            let window = self.windows.as_mut().map_or(0, Windows::next);
            keys.insert(0, window.to_be_bytes().to_vec());
        }
        let is_last = self.windows.as_ref().is_some_and(|windows| windows.seen >= windows.end);
        if self.behind.as_ref().is_some_and(|(cursor, id)| (&keys, item.id) <= (cursor, *id)) {
            return false;
        }
        let is_full = self.heap.len() >= self.wanted;
        if is_full && self.is_walk && self.is_past(&keys) {
            return true;
        }
        if is_full && self.heap.peek().is_some_and(|last| (&keys, item.id) > (&last.keys, last.id)) {
            return is_last;
        }
        let entry = match held {
            Held::Light(item, size) => Entry { keys, id: item.id, size, item: None },
            Held::Whole(item) => self.entry(keys, item),
        };
        self.heap.push(entry);
        if self.heap.len() > self.wanted
            && let Some(Entry { item: Some(_), size, .. }) = self.heap.pop()
        {
            self.held -= size;
        }
        is_last
    }

    /// The entry of a row, with the item while there is room.
    fn entry(&mut self, keys: Vec<Vec<u8>>, item: Box<Item>) -> Entry {
        let (id, size) = (item.id, item.size());
        let is_kept = self.held + size <= MAX_HELD;
        if is_kept {
            self.held += size;
        }
        Entry { keys, id, size, item: is_kept.then_some(item) }
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

impl Windows {
    /// The number of the window that the next row belongs to.
    fn next(&mut self) -> u64 {
        let window = self.seen / WINDOW;
        self.seen += 1;
        window as u64
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

/// What a page holds: the rows of all parts, cut to what was asked for.
pub(crate) struct Selection {
    entries: Vec<Entry>,
    has_more: bool,
}

impl Selection {
    /// The selection from the rows of all parts.
    pub(crate) fn of(query: &Query, parts: Vec<Collected>) -> Self {
        let is_only = parts.len() < 2;
        let skip = if parts.iter().all(|part| part.has_skipped) { 0 } else { offset(query) };
        let mut entries: Vec<Entry> = parts.into_iter().flat_map(|part| part.rows).collect();
        if !is_only {
            entries.sort();
        }
        entries.drain(..skip.min(entries.len()));
        let mut bytes = 0;
        let fits = |(index, entry): &(usize, &Entry)| {
            bytes += entry.size;
            *index == 0 || bytes <= Query::MAX_PAGE_BYTES
        };
        let count = entries.iter().take(query.limit).enumerate().take_while(fits).count();
        let has_more = entries.len() > count;
        entries.truncate(count);
        Self { entries, has_more }
    }

    /// The items that were let go of and have to be read again.
    pub(crate) fn missing(&self) -> Vec<Uuid> {
        self.entries.iter().filter(|entry| entry.item.is_none()).map(|entry| entry.id).collect()
    }

    /// The page, given the items that were missing. The total is left to the caller.
    pub(crate) fn page(
        self,
        access: &Access,
        query: &Query,
        missing: Vec<Item>,
        lookup: &dyn Lookup,
    ) -> Page {
        let mut missing: HashMap<Uuid, Item> = missing.into_iter().map(|item| (item.id, item)).collect();
        let items: Vec<Item> = self
            .entries
            .into_iter()
            .filter_map(|entry| entry.item.map(|item| *item).or_else(|| missing.remove(&entry.id)))
            .collect();
        let skipped = if is_ranked(query) { offset(query) + items.len() } else { 0 };
        let next = items
            .last()
            .filter(|_| self.has_more)
            .map(|last| Cursor::behind(&access.registry, query, last, skipped, lookup));
        Page { items, next, total: None }
    }
}

//! Other items that a condition looks at. The core asks for them without waiting; so a first evaluation tells what is
//! missed, that is fetched, and the evaluation is done again until nothing is missed.

use std::collections::{HashMap, HashSet};

use parking_lot::Mutex;
use realnet_core::acl::Permission;
use realnet_core::model::Item;
use realnet_core::provider::Access;
use realnet_core::query::Lookup;
use realnet_core::{Error, ErrorKind, Result, Uuid};

use super::error::to_error;
use super::items::{answered, some_by_ids};
use super::lease::Lease;
use super::row;
use super::run::{PgRow, Reader};
use super::shared::Shared;
use super::transaction::ancestors_of;
use crate::statement::Statement;

/// Items of more bytes are forgotten as soon as they may be.
const KEPT_BYTES: usize = 32 << 20;
/// Ids in one statement.
const CHUNK: usize = 1_000;

/// Where to ask.
pub(super) enum Ask<'a> {
    /// On the list's own connection, which sees what the list sees.
    Here(&'a mut Lease),
    /// On another one, while that of the list gives rows.
    Elsewhere(&'a Shared),
}

impl Ask<'_> {
    async fn rows(&mut self, statement: Statement) -> Result<Vec<PgRow>> {
        match self {
            Self::Here(lease) => lease.rows(statement).await.map_err(to_error),
            Self::Elsewhere(shared) => shared.look(statement).await,
        }
    }
}

/// What has been fetched and what is missed.
pub(super) struct Fetched {
    state: Mutex<State>,
    most_bytes: usize,
}

#[derive(Default)]
struct State {
    items: HashMap<Uuid, Option<Item>>,
    /// The size of all these items.
    bytes: usize,
    ancestors: HashMap<Uuid, Vec<Uuid>>,
    missed_items: HashSet<Uuid>,
    missed_ancestors: HashSet<Uuid>,
}

impl Lookup for Fetched {
    fn item(&self, id: Uuid) -> Option<Item> {
        let mut state = self.state.lock();
        if let Some(known) = state.items.get(&id) {
            return known.clone();
        }
        state.missed_items.insert(id);
        None
    }

    fn ancestors(&self, id: Uuid) -> Vec<Uuid> {
        let mut state = self.state.lock();
        if let Some(known) = state.ancestors.get(&id) {
            return known.clone();
        }
        state.missed_ancestors.insert(id);
        Vec::new()
    }
}

impl Fetched {
    /// Nothing yet; what is kept at a time is of at most so many bytes.
    pub(super) fn new(most_bytes: usize) -> Self {
        Self { state: Mutex::default(), most_bytes }
    }

    /// Forgets what it knows when that is more than `kept` items, or many bytes. What rows are judged and sorted by has to stay until they
    /// are, so there is only room to be made before the next ones.
    pub(super) fn make_room(&self, kept: usize) {
        let mut state = self.state.lock();
        if state.items.len() + state.ancestors.len() > kept || state.bytes > KEPT_BYTES {
            state.items = HashMap::new();
            state.bytes = 0;
            state.ancestors = HashMap::new();
        }
    }

    /// Fetches what has been missed. Answers whether there was anything.
    pub(super) async fn fetch(&self, mut ask: Ask<'_>, access: &Access) -> Result<bool> {
        let (items, ancestors) = self.take_missed();
        if items.is_empty() && ancestors.is_empty() {
            return Ok(false);
        }
        let mut rest = items.as_slice();
        while !rest.is_empty() {
            let asked = &rest[..rest.len().min(CHUNK)];
            let found = row::items(&access.registry, &ask.rows(some_by_ids(asked)).await?)?;
            let (known, unknown) = rest.split_at(answered(asked, &found));
            rest = unknown;
            self.note(known, found, access)?;
        }
        for chunk in ancestors.chunks(CHUNK) {
            let rows = ask.rows(ancestors_of(chunk, Item::MAX_DEPTH)).await?;
            let mut state = self.state.lock();
            state.ancestors.extend(chunk.iter().map(|id| (*id, Vec::new())));
            for row in &rows {
                let mut reader = Reader::new(row);
                let start: Uuid = reader.next().map_err(to_error)?;
                let ancestor: Uuid = reader.next().map_err(to_error)?;
                state.ancestors.entry(start).or_default().push(ancestor);
            }
        }
        Ok(true)
    }

    /// The ids of items, sorted, and those whose ancestors are missed.
    fn take_missed(&self) -> (Vec<Uuid>, Vec<Uuid>) {
        let mut state = self.state.lock();
        let mut items: Vec<Uuid> = state.missed_items.drain().collect();
        items.sort_unstable();
        (items, state.missed_ancestors.drain().collect())
    }

    /// Keeps what the database answered for some ids: what the caller may not read is not there.
    fn note(&self, asked: &[Uuid], found: Vec<Item>, access: &Access) -> Result<()> {
        let mut state = self.state.lock();
        state.items.extend(asked.iter().map(|id| (*id, None)));
        for item in found.into_iter().filter(|item| access.allows(item, Permission::Read)) {
            state.bytes += item.size();
            state.items.insert(item.id, Some(item));
        }
        if state.bytes > self.most_bytes {
            let most = self.most_bytes >> 20;
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!(
                    "this list is filtered or ordered by items of more than {most} MiB: ask without them"
                ),
            ));
        }
        Ok(())
    }
}

//! Other items that a condition looks at. The core asks for them without waiting; so a first evaluation tells what is
//! missed, that is fetched, and the evaluation is done again until nothing is missed.

use std::collections::{HashMap, HashSet};

use parking_lot::Mutex;
use realnet_core::model::Item;
use realnet_core::provider::Access;
use realnet_core::query::Lookup;
use realnet_core::{Result, Uuid};

use super::error::to_error;
use super::items::{by_ids, readable};
use super::lease::Lease;
use super::run::{PgRow, Reader};
use super::shared::Shared;
use super::transaction::ancestors_of;
use crate::statement::Statement;

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
#[derive(Default)]
pub(super) struct Fetched {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    items: HashMap<Uuid, Option<Item>>,
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
    /// Forgets what it knows when that is more than `kept` items. What rows are judged and sorted by has to stay until they
    /// are, so there is only room to be made before the next ones.
    pub(super) fn make_room(&self, kept: usize) {
        let mut state = self.state.lock();
        if state.items.len() + state.ancestors.len() > kept {
            state.items.clear();
            state.ancestors.clear();
        }
    }

    /// Fetches what has been missed. Answers whether there was anything.
    pub(super) async fn fetch(&self, mut ask: Ask<'_>, access: &Access) -> Result<bool> {
        let (items, ancestors) = self.take_missed();
        if items.is_empty() && ancestors.is_empty() {
            return Ok(false);
        }
        for chunk in items.chunks(1_000) {
            let found = readable(access, &ask.rows(by_ids(chunk)).await?)?;
            let mut state = self.state.lock();
            state.items.extend(chunk.iter().map(|id| (*id, None)));
            state.items.extend(found.into_iter().map(|item| (item.id, Some(item))));
        }
        for chunk in ancestors.chunks(1_000) {
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

    fn take_missed(&self) -> (Vec<Uuid>, Vec<Uuid>) {
        let mut state = self.state.lock();
        (state.missed_items.drain().collect(), state.missed_ancestors.drain().collect())
    }
}

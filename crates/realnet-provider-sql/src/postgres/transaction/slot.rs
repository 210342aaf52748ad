//! What a transaction knows of an item: how it stands in the database and how it shall be.

use std::collections::{HashMap, HashSet};

use realnet_core::model::Item;
use uuid::Uuid;

/// How strongly a row is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lock {
    /// It can not be changed; others may hold it so too.
    Share,
    /// Nobody else holds it.
    Update,
}

/// One item.
#[derive(Debug)]
pub(super) struct Slot {
    pub lock: Lock,
    /// As in the database.
    pub stored: Option<Item>,
    /// As it shall be.
    pub current: Option<Item>,
    /// Whether the two differ.
    pub dirty: bool,
}

/// All items that a transaction has seen or written.
#[derive(Debug, Default)]
pub(super) struct Slots {
    items: HashMap<Uuid, Slot>,
    /// The dirty ones, in the order of their first write.
    dirty: Vec<Uuid>,
    /// Whether an item that was there before hangs elsewhere now.
    pub moved: bool,
}

impl Slots {
    /// The item as it shall be, if it is known.
    pub(super) fn current(&self, id: Uuid) -> Option<&Item> {
        self.items.get(&id)?.current.as_ref()
    }

    /// Those of `ids` that must be asked for, to hold them with `lock`; each once.
    pub(super) fn missing(&self, ids: &[Uuid], lock: Lock) -> Vec<Uuid> {
        let mut missing: Vec<Uuid> = ids
            .iter()
            .copied()
            .filter(|id| self.items.get(id).is_none_or(|slot| slot.lock < lock && !slot.dirty))
            .collect();
        missing.sort();
        missing.dedup();
        missing
    }

    /// Notes what the database answered for `ids`: those not among `items` do not exist.
    pub(super) fn fetched(&mut self, ids: &[Uuid], items: Vec<Item>, lock: Lock) {
        for id in ids {
            self.items.entry(*id).or_insert(Slot { lock, stored: None, current: None, dirty: false });
        }
        for item in items {
            self.found(item, lock);
        }
    }

    /// Notes an item that the database gave.
    pub(super) fn found(&mut self, item: Item, lock: Lock) {
        match self.items.get_mut(&item.id) {
            Some(slot) if slot.dirty => slot.lock = slot.lock.max(lock),
            Some(slot) => {
                slot.lock = slot.lock.max(lock);
                slot.stored = Some(item.clone());
                slot.current = Some(item);
            }
            None => {
                let id = item.id;
                self.items
                    .insert(id, Slot { lock, stored: Some(item.clone()), current: Some(item), dirty: false });
            }
        }
    }

    /// Sets how an item shall be; `None`: it shall not be.
    pub(super) fn put(&mut self, before: Option<&Item>, id: Uuid, after: Option<Item>) {
        let slot = self.items.entry(id).or_insert_with(|| Slot {
            lock: Lock::Update,
            stored: before.cloned(),
            current: None,
            dirty: false,
        });
        if let (Some(before), Some(after)) = (&slot.stored, &after) {
            self.moved |= before.parent_id != after.parent_id;
        }
        slot.current = after;
        slot.lock = Lock::Update;
        if !slot.dirty {
            slot.dirty = true;
            self.dirty.push(id);
        }
    }

    /// Whether anything waits to be written that stands, or has stood, right below one of `parents`.
    pub(super) fn has_dirty_below(&self, parents: &[Uuid]) -> bool {
        if self.dirty.is_empty() {
            return false;
        }
        let parents: HashSet<&Uuid> = parents.iter().collect();
        let states = |id| self.items.get(id).into_iter().flat_map(|slot| [&slot.stored, &slot.current]);
        let mut above = self.dirty.iter().flat_map(states).flatten().filter_map(|item| item.parent_id);
        above.any(|parent| parents.contains(&parent))
    }

    /// Forgets items, which are locked all the same. What waits to be written stays.
    pub(super) fn forget(&mut self, ids: &[Uuid]) {
        for id in ids {
            if self.items.get(id).is_some_and(|slot| !slot.dirty) {
                self.items.remove(id);
            }
        }
    }

    /// Whether anything waits to be written.
    pub(super) fn is_dirty(&self) -> bool {
        !self.dirty.is_empty()
    }

    /// Takes what waits: (as stored, as it shall be). The slots count as written from here on.
    pub(super) fn take_dirty(&mut self) -> Vec<(Option<Item>, Option<Item>)> {
        self.moved = false;
        let dirty = std::mem::take(&mut self.dirty);
        let take = |id: Uuid| {
            let slot = self.items.get_mut(&id)?;
            slot.dirty = false;
            let stored = std::mem::replace(&mut slot.stored, slot.current.clone());
            Some((stored, slot.current.clone()))
        };
        dirty.into_iter().filter_map(take).collect()
    }
}

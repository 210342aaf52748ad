//! Changing maps so that every change can be taken back, in reverse order.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::Hash;

use super::effects::{Effect, Touch};
use super::state::State;

/// Takes one change back.
type Undo = Box<dyn FnOnce(&mut State) + Send>;

/// What was done, to be taken back when the transaction fails, and to be kept when it does not.
#[derive(Default)]
pub(super) struct UndoLog {
    undos: Vec<Undo>,
    touched: Vec<Touch>,
}

impl UndoLog {
    /// Remembers how to take a change back.
    pub(super) fn push(&mut self, undo: impl FnOnce(&mut State) + Send + 'static) {
        self.undos.push(Box::new(undo));
    }

    /// Notes which value is another one now.
    pub(super) fn touch(&mut self, touch: Touch) {
        self.touched.push(touch);
    }

    /// Whether nothing was done that has to be kept.
    pub(super) fn is_clean(&self) -> bool {
        self.touched.is_empty()
    }

    /// Whether the revision of types has risen.
    pub(super) fn changes_types(&self) -> bool {
        self.touched.contains(&Touch::TypeRevision)
    }

    /// The touched values as they are in the state now, each once, in the order in which they were touched first.
    pub(super) fn effects(&mut self, state: &State) -> Vec<Effect> {
        let mut seen = HashSet::new();
        let touched = std::mem::take(&mut self.touched).into_iter();
        touched.filter(|touch| seen.insert(touch.clone())).map(|touch| Effect::of(state, touch)).collect()
    }

    /// Takes everything back.
    pub(super) fn roll_back(self, state: &mut State) {
        for undo in self.undos.into_iter().rev() {
            undo(state);
        }
    }
}

/// Sets or removes an entry of a hash map.
pub(super) fn set<K, V>(
    state: &mut State,
    log: &mut UndoLog,
    map: fn(&mut State) -> &mut HashMap<K, V>,
    key: K,
    value: Option<V>,
) where
    K: Eq + Hash + Clone + Send + 'static,
    V: Send + 'static,
{
    let before = match value {
        Some(value) => map(state).insert(key.clone(), value),
        None => map(state).remove(&key),
    };
    log.push(move |state| match before {
        Some(value) => drop(map(state).insert(key, value)),
        None => drop(map(state).remove(&key)),
    });
}

/// Sets or removes an entry of an ordered map.
pub(super) fn set_ordered<K, V>(
    state: &mut State,
    log: &mut UndoLog,
    map: fn(&mut State) -> &mut BTreeMap<K, V>,
    key: K,
    value: Option<V>,
) where
    K: Ord + Clone + Send + 'static,
    V: Send + 'static,
{
    let before = match value {
        Some(value) => map(state).insert(key.clone(), value),
        None => map(state).remove(&key),
    };
    log.push(move |state| match before {
        Some(value) => drop(map(state).insert(key, value)),
        None => drop(map(state).remove(&key)),
    });
}

/// Adds a member to a set of a multimap, or takes it out.
pub(super) fn member<K, V>(
    state: &mut State,
    log: &mut UndoLog,
    map: fn(&mut State) -> &mut HashMap<K, BTreeSet<V>>,
    key: &K,
    value: V,
    present: bool,
) where
    K: Eq + Hash + Clone + Send + 'static,
    V: Ord + Copy + Send + 'static,
{
    if change_member(map(state), key, value, present) {
        let key = key.clone();
        log.push(move |state| {
            change_member(map(state), &key, value, !present);
        });
    }
}

fn change_member<K: Eq + Hash + Clone, V: Ord>(
    map: &mut HashMap<K, BTreeSet<V>>,
    key: &K,
    value: V,
    present: bool,
) -> bool {
    if present {
        return map.entry(key.clone()).or_default().insert(value);
    }
    let Some(members) = map.get_mut(key) else { return false };
    let removed = members.remove(&value);
    if members.is_empty() {
        map.remove(key);
    }
    removed
}

//! The order of types: bases before the types derived from them, whatever order they are declared in.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::problems::Problems;
use crate::model::TypeDefinition;

/// A name is unique within its org and the system (`None`), whatever its case.
pub(super) type NameKey = (Option<Uuid>, String);

pub(super) fn name_key(definition: &TypeDefinition) -> NameKey {
    (definition.org, definition.name.to_lowercase())
}

/// Bases before derived types; the root first. Types that can not be placed are reported and left out.
pub(super) fn ordered(definitions: Vec<TypeDefinition>, problems: &mut Problems) -> Vec<TypeDefinition> {
    let mut order = Order::default();
    for definition in definitions {
        order.enter(definition, problems);
    }
    let mut names: Vec<NameKey> = order.waiting.keys().cloned().collect();
    // The root first, then by name, so that the order does not depend on the store. The types of an org stand side by side.
    names.sort_by_cached_key(|(org, name)| (*org, name != "item", name.clone()));
    for key in &names {
        order.place(key, problems);
    }
    order.sorted
}

#[derive(Default)]
struct Order {
    waiting: HashMap<NameKey, TypeDefinition>,
    done: HashSet<NameKey>,
    sorted: Vec<TypeDefinition>,
}

impl Order {
    fn enter(&mut self, definition: TypeDefinition, problems: &mut Problems) {
        if definition.base.is_none() && !definition.name.eq_ignore_ascii_case("item") {
            problems.of_type(&definition.name, "needs a base: only Item has none");
        }
        match self.waiting.entry(name_key(&definition)) {
            Entry::Occupied(_) => problems.of_type(&definition.name, "is defined twice"),
            Entry::Vacant(entry) => drop(entry.insert(definition)),
        }
    }

    /// Places a type behind its bases. Walks with a list of its own: a chain may be long.
    fn place(&mut self, key: &NameKey, problems: &mut Problems) {
        let mut chain: Vec<NameKey> = Vec::new();
        let mut next = Some(key.clone());
        while let Some(current) = next.take() {
            if self.done.contains(&current) {
                break;
            }
            let Some(definition) = self.waiting.get(&current) else {
                // Reported and left out before, and so is what derives from it.
                self.drop_all(&chain);
                return;
            };
            if let Some(start) = chain.iter().position(|link| *link == current) {
                let links: Vec<&str> =
                    chain[start..].iter().map(|link| self.waiting[link].name.as_str()).collect();
                problems.of_type(
                    &definition.name,
                    format!("is its own base (a cycle): {} → {}", links.join(" → "), definition.name),
                );
                self.drop_all(&chain);
                return;
            }
            match self.base_key(definition) {
                Ok(base) => next = base,
                Err(base) => {
                    problems.of_type(&definition.name, format!("has the unknown base {base}"));
                    chain.push(current);
                    self.drop_all(&chain);
                    return;
                }
            }
            chain.push(current);
        }
        for key in chain.into_iter().rev() {
            if let Some(definition) = self.waiting.remove(&key) {
                self.done.insert(key);
                self.sorted.push(definition);
            }
        }
    }

    /// Where the base is found: the type's own org first, then the system.
    fn base_key(&self, definition: &TypeDefinition) -> Result<Option<NameKey>, String> {
        let Some(base) = &definition.base else { return Ok(None) };
        let name = base.to_lowercase();
        [definition.org, None]
            .into_iter()
            .map(|org| (org, name.clone()))
            .find(|key| self.waiting.contains_key(key) || self.done.contains(key))
            .map(Some)
            .ok_or_else(|| base.clone())
    }

    fn drop_all(&mut self, chain: &[NameKey]) {
        for key in chain {
            self.waiting.remove(key);
        }
    }
}

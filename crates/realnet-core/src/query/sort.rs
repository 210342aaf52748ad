//! The order of a list as bytes, and cursors made of them.

use sha2::{Digest as _, Sha256};

use super::value::{Lookup, Scope};
use super::{Cursor, Direction, Operand, OrderKey, OrderTerm, Query};
use crate::error::{Error, Result};
use crate::index::NULL_KEY;
use crate::model::Item;
use crate::registry::TypeRegistry;

/// The keys of an item in an order, direction applied: their byte order, and then the id, is the order of the list.
///
/// [`OrderKey::Relevance`] gives an empty key; stores rank by themselves.
pub fn sort_keys(
    registry: &TypeRegistry,
    order: &[OrderTerm],
    item: &Item,
    lookup: &dyn Lookup,
) -> Vec<Vec<u8>> {
    let keys = raw_keys(registry, order, item, lookup);
    keys.into_iter().zip(order).map(|(key, term)| directed(key, term.direction)).collect()
}

/// The keys of an item in an order as [`crate::index::sort_key`] makes them, direction not applied: as in cursors.
pub fn raw_keys(
    registry: &TypeRegistry,
    order: &[OrderTerm],
    item: &Item,
    lookup: &dyn Lookup,
) -> Vec<Vec<u8>> {
    order.iter().map(|term| raw_key(registry, &term.key, item, lookup)).collect()
}

fn raw_key(registry: &TypeRegistry, key: &OrderKey, item: &Item, lookup: &dyn Lookup) -> Vec<u8> {
    match key {
        OrderKey::Operand(operand) => Scope { registry, lookup }.key(operand, item),
        OrderKey::Relevance => Vec::new(),
    }
}

/// Turns a raw key so that ascending bytes are the direction's order. [`NULL_KEY`] stays last.
pub fn directed(mut key: Vec<u8>, direction: Direction) -> Vec<u8> {
    if direction == Direction::Descending && key != NULL_KEY && !key.is_empty() {
        for byte in &mut key {
            *byte = !*byte;
        }
        // What is longer comes first now.
        key.push(0xff);
    }
    key
}

/// A number that stands for an order, kept in cursors.
pub fn order_hash(order: &[OrderTerm]) -> u32 {
    let mut words = String::new();
    for term in order {
        match &term.key {
            OrderKey::Operand(operand) => describe(operand, &mut words),
            OrderKey::Relevance => words.push_str("relevance"),
        }
        words.push(if term.direction == Direction::Ascending { '<' } else { '>' });
    }
    let hash = Sha256::digest(words.as_bytes());
    u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]])
}

fn describe(operand: &Operand, words: &mut String) {
    match operand {
        Operand::Property(property) => words.push_str(property.as_str()),
        Operand::Attribute(path) => {
            words.push_str(&path.key);
            for step in &path.path {
                words.push('/');
                words.push_str(step);
            }
        }
        Operand::Through { reference, target } => {
            describe(reference, words);
            words.push('.');
            describe(target, words);
        }
    }
}

impl Cursor {
    /// The cursor behind `item`, the last one of a page of `query`; `skipped` matches lie before the next page.
    pub fn behind(
        registry: &TypeRegistry,
        query: &Query,
        item: &Item,
        skipped: usize,
        lookup: &dyn Lookup,
    ) -> Self {
        let keys = raw_keys(registry, &query.order, item, lookup);
        Self { order: order_hash(&query.order), keys, id: item.id, skipped }
    }

    /// The keys with the directions of the order applied, comparable with [`sort_keys`].
    pub fn sort_keys(&self, order: &[OrderTerm]) -> Vec<Vec<u8>> {
        self.keys.iter().zip(order).map(|(key, term)| directed(key.clone(), term.direction)).collect()
    }

    /// Refuses a cursor that was made for another order.
    pub fn check(&self, order: &[OrderTerm]) -> Result<()> {
        if self.order == order_hash(order) && self.keys.len() == order.len() {
            return Ok(());
        }
        Err(Error::malformed_at("cursor", "belongs to a list in another order"))
    }
}

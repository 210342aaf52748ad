//! The rows that a store keeps in its indexes for one item.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{NULL_KEY, item_tokens, sort_key};
use crate::error::Result;
use crate::model::{Bounds, Item, Location};
use crate::registry::{FieldInfo, FieldRef, TypeRegistry};

/// One row of the key index.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyEntry {
    /// The field.
    pub field: FieldRef,
    /// The sortable form of the value; [`NULL_KEY`] when absent.
    pub value: Vec<u8>,
    /// Whether no other item of the org may have it (never for [`NULL_KEY`]).
    pub unique: bool,
}

/// Everything that a store indexes of one item.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct IndexEntries {
    /// Keys of indexed, unique and reference fields: own values only, constants of types are folded into queries.
    pub keys: Vec<KeyEntry>,
    /// Distinct words of name and text attributes, sorted, for the full text. Own values only, too.
    pub tokens: Vec<String>,
    /// The box around the location.
    pub bounds: Option<Bounds>,
}

/// The entries of an item.
///
/// A field with one value has exactly one row, with [`NULL_KEY`] when the value is absent or null; except a reference
/// that is neither indexed nor unique, which has none then. A list has one row per distinct element.
pub fn entries(registry: &TypeRegistry, item: &Item) -> Result<IndexEntries> {
    let info = registry.require(item.type_id)?;
    let mut keys = Vec::new();
    for field in info.fields().iter().filter(|field| field.field.is_keyed()) {
        field_entries(field, item.attributes.get(&field.field.name), &mut keys);
    }
    Ok(IndexEntries {
        keys,
        tokens: item_tokens(info, item).into_iter().collect(),
        bounds: item.location.as_ref().map(Location::bounds),
    })
}

fn field_entries(info: &FieldInfo, value: Option<&Value>, keys: &mut Vec<KeyEntry>) {
    let field = &info.field;
    let mut push = |value: Vec<u8>| {
        let unique = field.unique && value != NULL_KEY;
        keys.push(KeyEntry { field: info.key.clone(), value, unique });
    };
    match value {
        Some(Value::Array(elements)) if field.multiple => {
            let distinct: BTreeSet<Vec<u8>> = elements
                .iter()
                .filter(|element| !element.is_null())
                .map(|element| sort_key(element, field.kind))
                .collect();
            distinct.into_iter().for_each(push);
        }
        None | Some(Value::Null) => {
            if !is_sparse(info) {
                push(NULL_KEY.to_vec());
            }
        }
        Some(value) => push(sort_key(value, field.kind)),
    }
}

/// Whether the index of a field has no rows for absent values: lists, and references kept for deletions only.
pub(crate) fn is_sparse(info: &FieldInfo) -> bool {
    let field = &info.field;
    field.multiple || (field.is_reference() && !field.index && !field.unique)
}

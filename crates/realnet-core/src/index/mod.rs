//! What a store indexes of an item: sortable keys of declared fields, search tokens, bounds.

use uuid::Uuid;

use crate::error::Result;
use crate::model::{Bounds, Item};
use crate::registry::{FieldRef, TypeRegistry};

/// The sort key of an absent value: greater than every other key.
pub const NULL_KEY: &[u8] = &[0xff];

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
    /// Words of name and text attributes, for the full text.
    pub tokens: Vec<String>,
    /// The box around the location.
    pub bounds: Option<Bounds>,
}

/// The entries of an item.
pub fn entries(_registry: &TypeRegistry, _item: &Item) -> Result<IndexEntries> {
    Ok(IndexEntries::default())
}

/// The id inside the sort key of a reference.
pub fn id_of_key(_key: &[u8]) -> Option<Uuid> {
    None
}

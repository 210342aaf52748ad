//! What of an item stands in other tables than `items`: keys, unique keys and grants; and what changes of it.

use std::collections::{BTreeMap, BTreeSet};

use realnet_core::Result;
use realnet_core::index::{self, IndexEntries};
use realnet_core::model::Item;
use realnet_core::registry::{FieldRef, TypeRegistry};
use uuid::Uuid;

use crate::field_id::field_id;
use crate::principal::grant_rows;
use crate::row::visibility_number;

/// The rows of one item.
#[derive(Default)]
pub(super) struct Entries {
    /// Field, value, and the visibility of the item.
    pub keys: BTreeSet<(i64, Vec<u8>, i64)>,
    /// The unique ones among them.
    pub unique: BTreeMap<(i64, Vec<u8>), FieldRef>,
    /// Principal and bits of permissions.
    pub grants: BTreeMap<Vec<u8>, i64>,
    /// Words and bounds, which are columns of the item.
    pub index: IndexEntries,
}

impl Entries {
    pub(super) fn of(registry: &TypeRegistry, item: &Item) -> Result<Self> {
        let mut index = index::entries(registry, item)?;
        let mut entries = Self::default();
        for key in std::mem::take(&mut index.keys) {
            let id = field_id(&key.field);
            if key.unique {
                entries.unique.insert((id, key.value.clone()), key.field);
            }
            entries.keys.insert((id, key.value, i64::from(visibility_number(item.visibility))));
        }
        entries.grants = grant_rows(item)
            .into_iter()
            .map(|(principal, permissions)| (principal, i64::from(permissions.bits())))
            .collect();
        entries.index = index;
        Ok(entries)
    }

    /// The rows as they are before; none without an item or when its type is no longer known.
    pub(super) fn before(registry: &TypeRegistry, item: Option<&Item>) -> Result<Self> {
        match item.filter(|item| registry.by_id(item.type_id).is_some()) {
            Some(item) => Self::of(registry, item),
            None => Ok(Self::default()),
        }
    }
}

/// A unique value that somebody else has, as far as it is known which.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct UniqueKey {
    pub org: Uuid,
    pub field: i64,
    pub value: Vec<u8>,
}

//! What of an item stands in other tables than `items`: keys, unique keys and grants; and what changes of it.

use std::collections::{BTreeMap, BTreeSet};

use realnet_core::Result;
use realnet_core::index::{self, IndexEntries};
use realnet_core::model::Item;
use realnet_core::registry::{FieldRef, TypeRegistry};
use uuid::Uuid;

use crate::field_id::field_id;
use crate::marks::marks;
use crate::principal::grant_rows;
use crate::row::visibility_number;

/// The rows of one item.
#[derive(Default)]
pub(super) struct Entries {
    /// Field, value, and the visibility and the marks of the item.
    pub keys: BTreeSet<(i64, Vec<u8>, i64, i64)>,
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
        let (visibility, marks) = (i64::from(visibility_number(item.visibility)), marks(&index.keys));
        for key in std::mem::take(&mut index.keys) {
            let id = field_id(&key.field);
            if key.unique {
                entries.unique.insert((id, key.value.clone()), key.field);
            }
            entries.keys.insert((id, key.value, visibility, marks));
        }
        entries.grants = grant_rows(item)
            .into_iter()
            .map(|(principal, permissions)| (principal, i64::from(permissions.bits())))
            .collect();
        entries.index = index;
        Ok(entries)
    }

    /// The rows that may stand there of an item as it was: by the registry before the change set, and by that behind it
    /// when the set has written it already. What stands there too little is added when the fields are indexed anew.
    pub(super) fn before(
        previous: &TypeRegistry,
        registry: &TypeRegistry,
        item: Option<&Item>,
    ) -> Result<Self> {
        let mut all = Self::default();
        let Some(item) = item else { return Ok(all) };
        let knows = |registry: &&TypeRegistry| registry.by_id(item.type_id).is_some();
        let both = [previous, registry];
        let registries = if std::ptr::eq(previous, registry) { &both[..1] } else { &both[..] };
        for registry in registries.iter().copied().filter(knows) {
            let entries = Self::of(registry, item)?;
            all.keys.extend(entries.keys);
            all.unique.extend(entries.unique);
            all.grants.extend(entries.grants);
        }
        Ok(all)
    }
}

/// A unique value that somebody else has, as far as it is known which.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct UniqueKey {
    pub org: Uuid,
    pub field: i64,
    pub value: Vec<u8>,
}

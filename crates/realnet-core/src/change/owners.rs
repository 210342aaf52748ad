//! Whose the items above an item are: whoever owns one may share it, and what inherits its grants along with it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use uuid::Uuid;

use super::apply::Engine;
use crate::error::Result;
use crate::model::{Item, Visibility};
use crate::registry::{TypeInfo, TypeRegistry};

impl Engine<'_> {
    /// Whether somebody may decide for a moved item, by what stands above it, who could not before: to move it there is as good as
    /// to let them share it. Grants of sharing need no look: they are inherited, and compared like all others.
    pub(super) async fn comes_below_others(&mut self, before: &Item, after: &Item) -> Result<bool> {
        let owners = self.owners_above(after).await?;
        if owners.is_empty() {
            return Ok(false);
        }
        let mut known = self.owners_above(before).await?;
        known.extend(before.owner);
        Ok(!owners.is_subset(&known))
    }

    /// The owners of the items whose grants an item inherits, or would if they had any.
    async fn owners_above(&mut self, item: &Item) -> Result<HashSet<Uuid>> {
        let registry = Arc::clone(&self.access.registry);
        let mut owners = HashSet::new();
        let Some(parent) = item.parent_id.filter(|_| takes_on(&registry, item)) else { return Ok(owners) };
        let mut ids = vec![parent];
        ids.extend(self.tx.ancestors(parent, Item::MAX_DEPTH).await?);
        let found: HashMap<Uuid, Item> =
            self.tx.targets(&ids).await?.into_iter().map(|item| (item.id, item)).collect();
        for above in ids.iter().filter_map(|id| found.get(id)) {
            owners.extend(above.owner);
            if !takes_on(&registry, above) {
                break;
            }
        }
        Ok(owners)
    }
}

/// Whether an item inherits where it stands.
fn takes_on(registry: &TypeRegistry, item: &Item) -> bool {
    let inherits = registry.by_id(item.type_id).is_some_and(TypeInfo::inherits_access);
    inherits && item.visibility != Visibility::Restricted
}

//! Whose the items above an item are: whoever owns one may share it, and what inherits its grants along with it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use uuid::Uuid;

use super::apply::Engine;
use crate::error::Result;
use crate::model::{Item, Visibility};
use crate::registry::{TypeInfo, TypeRegistry};

/// So many items are read at a time: trees are seldom deeper.
const AT_ONCE: usize = 4;

impl Engine<'_> {
    /// Whether somebody may decide for a moved item, by what stands above it, who could not before: to move it there is as good as
    /// to let them share it. Grants of sharing need no look: they are inherited, and compared like all others.
    pub(super) async fn comes_below_others(&mut self, before: &Item, after: &Item) -> Result<bool> {
        let mut known: HashSet<Uuid> = before.owner.into_iter().collect();
        let note = |owner| {
            known.insert(owner);
            true
        };
        self.ask_owners_above(before, note).await?;
        let mut is_known = true;
        let look = |owner| {
            is_known = known.contains(&owner);
            is_known
        };
        self.ask_owners_above(after, look).await?;
        Ok(!is_known)
    }

    /// Tells the owner of each item whose grants an item inherits, or would if they had any, until that is answered by no.
    async fn ask_owners_above(
        &mut self,
        item: &Item,
        mut go_on: impl FnMut(Uuid) -> bool + Send,
    ) -> Result<()> {
        let registry = Arc::clone(&self.access.registry);
        let Some(parent) = item.parent_id.filter(|_| takes_on(&registry, item)) else { return Ok(()) };
        let mut ids = vec![parent];
        ids.extend(self.tx.ancestors(parent, Item::MAX_DEPTH).await?);
        for some in ids.chunks(AT_ONCE) {
            let found: HashMap<Uuid, Item> =
                self.tx.targets(some).await?.into_iter().map(|item| (item.id, item)).collect();
            self.hold(found.values().map(Item::size).sum())?;
            for above in some.iter().filter_map(|id| found.get(id)) {
                if !above.owner.is_none_or(&mut go_on) || !takes_on(&registry, above) {
                    return Ok(());
                }
            }
            self.tx.let_go(some).await?;
        }
        Ok(())
    }
}

/// Whether an item inherits where it stands.
fn takes_on(registry: &TypeRegistry, item: &Item) -> bool {
    let inherits = registry.by_id(item.type_id).is_some_and(TypeInfo::inherits_access);
    inherits && item.visibility != Visibility::Restricted
}

//! Inherited grants: kept with the items below, in the same change set as whatever they come from.
//!
//! An item that is written looks at its parent ([`Engine::reinherited`]); an item whose grants change, inherited ones too, is
//! followed by what stands below it ([`Engine::pass_down`]), as far as that changes; and a type that begins or ceases to
//! inherit takes its items along ([`Engine::reinherit_types`]). Whoever creates an item below another holds that one until the
//! end, and whoever changes grants holds the item that they are on: so none slips through between.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use uuid::Uuid;

use super::ChangeKind;
use super::apply::Engine;
use crate::acl::{self, Grant, InheritedGrant};
use crate::error::{Error, ErrorKind, Result};
use crate::model::Item;
use crate::registry::{TypeInfo, TypeRegistry};

impl Engine<'_> {
    /// What an item that is being written inherits of its parent. `parent`: if that has been looked at already.
    pub(super) async fn reinherited(
        &mut self,
        item: &Item,
        parent: Option<Item>,
    ) -> Result<Vec<InheritedGrant>> {
        let registry = Arc::clone(&self.access.registry);
        let Some(id) = item.parent_id.filter(|_| inherits(&registry, item)) else { return Ok(Vec::new()) };
        let parent = match parent {
            Some(parent) => Some(parent),
            None => self.tx.targets(&[id]).await?.pop(),
        };
        parent.map_or_else(|| Ok(Vec::new()), |parent| bounded(&registry, item, &parent))
    }

    /// The grants that an item would inherit and has not inherited so far.
    pub(super) fn added(before: &Item, after: &Item) -> Vec<Grant> {
        let is_new = |one: &&InheritedGrant| !before.inherited.iter().any(|old| old.grant == one.grant);
        after.inherited.iter().filter(is_new).map(|one| one.grant.clone()).collect()
    }

    /// Brings what stands below some items, whose grants have changed, in line with them: level by level, and no further
    /// than something changes. `counted`: how many items have been looked at before.
    pub(super) async fn pass_down(&mut self, from: Vec<Item>, counted: usize) -> Result<()> {
        let registry = Arc::clone(&self.access.registry);
        let orgs: HashSet<Uuid> = from.iter().map(|item| item.org).collect();
        let types = heir_types(&registry, &orgs);
        let (mut level, mut counted) = (from, counted);
        while !level.is_empty() && !types.is_empty() {
            let parents: HashMap<Uuid, Item> = level.drain(..).map(|item| (item.id, item)).collect();
            let ids: Vec<Uuid> = parents.keys().copied().collect();
            let room = self.changes.max_inherited.saturating_sub(counted);
            let children = self.tx.children(&ids, Some(&types), room + 1).await?;
            if children.len() > room {
                return Err(self.too_many_heirs());
            }
            counted += children.len();
            for child in children {
                let Some(parent) = child.parent_id.and_then(|id| parents.get(&id)) else { continue };
                let inherited = bounded(&registry, &child, parent)?;
                level.extend(self.set_inherited(child, inherited).await?);
            }
        }
        Ok(())
    }

    /// Items of types that inherit from now on, or do so no more, and what stands below them.
    pub(super) async fn reinherit_types(&mut self) -> Result<()> {
        let registry = Arc::clone(&self.access.registry);
        let types = turned(&self.previous, &registry);
        if types.is_empty() {
            return Ok(());
        }
        let most = self.changes.max_inherited;
        let found = self.tx.heirs(&types, most + 1).await?;
        if found.len() > most {
            return Err(self.too_many_heirs());
        }
        let (counted, parents) = (found.len(), parents_of(&found));
        // All at once; each is then at hand.
        self.tx.targets(&parents).await?;
        let mut changed = Vec::new();
        for item in parents_first(found) {
            let inherited = self.reinherited(&item, None).await?;
            changed.extend(self.set_inherited(item, inherited).await?);
        }
        self.pass_down(changed, counted).await
    }

    /// Writes what an item inherits, if that differs; answers the item as it is then. It counts as a change, though not as one
    /// of what the item holds: it keeps its time.
    async fn set_inherited(&mut self, before: Item, inherited: Vec<InheritedGrant>) -> Result<Option<Item>> {
        if before.inherited == inherited {
            return Ok(None);
        }
        let after = Item { inherited, version: before.version + 1, ..before.clone() };
        *self.raised.entry(after.id).or_default() += 1;
        let registry = Arc::clone(&self.access.registry);
        self.tx.put_item(&registry, Some(&before), &after).await?;
        self.log(ChangeKind::Grant, Some(before), Some(after.clone())).await?;
        Ok(Some(after))
    }

    fn too_many_heirs(&self) -> Error {
        let most = self.changes.max_inherited;
        let message = format!(
            "more than {most} items would inherit other grants at once: take grants off the items above them first, and \
             share parts of the tree by themselves"
        );
        Error::new(ErrorKind::TooLarge, message)
    }
}

fn inherits(registry: &TypeRegistry, item: &Item) -> bool {
    registry.by_id(item.type_id).is_some_and(TypeInfo::inherits_access)
}

/// What an item inherits, unless that is too much.
fn bounded(registry: &TypeRegistry, item: &Item, parent: &Item) -> Result<Vec<InheritedGrant>> {
    let inherited = acl::inherited(registry, item, parent);
    if inherited.len() <= InheritedGrant::MAX_PER_OBJECT {
        return Ok(inherited);
    }
    let most = InheritedGrant::MAX_PER_OBJECT;
    let message =
        format!("an item would inherit more than {most} grants of the items above it: use groups or roles");
    Err(Error::new(ErrorKind::TooLarge, message))
}

/// The types of some orgs, and of the system, whose items inherit.
fn heir_types(registry: &TypeRegistry, orgs: &HashSet<Uuid>) -> Vec<Uuid> {
    let is_seen = |info: &&TypeInfo| info.org().is_none_or(|org| orgs.contains(&org));
    registry.types().filter(|info| info.inherits_access()).filter(is_seen).map(TypeInfo::id).collect()
}

/// The types that inherit by one of two registries only. A type that is new has no items yet.
fn turned(previous: &TypeRegistry, next: &TypeRegistry) -> Vec<Uuid> {
    let differs = |info: &&TypeInfo| {
        previous.by_id(info.id()).is_some_and(|before| before.inherits_access() != info.inherits_access())
    };
    next.types().filter(differs).map(TypeInfo::id).collect()
}

fn parents_of(items: &[Item]) -> Vec<Uuid> {
    let parents: HashSet<Uuid> = items.iter().filter_map(|item| item.parent_id).collect();
    parents.into_iter().collect()
}

/// The same items, each behind those of them that stand above it.
fn parents_first(items: Vec<Item>) -> Vec<Item> {
    let parents: HashMap<Uuid, Option<Uuid>> = items.iter().map(|item| (item.id, item.parent_id)).collect();
    let depth = |item: &Item| {
        let above = |id: &Uuid| parents.get(id).copied().flatten();
        std::iter::successors(item.parent_id, above).take(Item::MAX_DEPTH + 1).count()
    };
    let mut items: Vec<(usize, Item)> = items.into_iter().map(|item| (depth(&item), item)).collect();
    items.sort_by_key(|(depth, item)| (*depth, item.id));
    items.into_iter().map(|(_, item)| item).collect()
}

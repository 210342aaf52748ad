//! Inherited grants: kept with the items below, in the same change set as whatever they come from.
//!
//! An item that is written looks at its parent ([`Engine::reinherited`]); an item whose grants change, inherited ones too, is
//! followed by what stands below it ([`Engine::pass_down`]), as far as that changes; and a type that begins or ceases to
//! inherit takes its items along ([`Engine::reinherit_types`]). Whoever creates an item below another holds that one until the
//! end, and whoever changes grants holds the item that they are on: so none slips through between.
//!
//! However much stands below, it is read, written and let go of in parts of bounded size, depth first. What gives more to
//! anybody is bounded in number, of items and of what one inherits; what only takes away is carried out in any case, so that
//! nobody can fill a folder until it can not be closed any more, and so are the system's own changes of its types, without which a
//! server could not start.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use uuid::Uuid;

use super::apply::Engine;
use crate::acl::{self, Grant, InheritedGrant, Permission, Permissions, Subject};
use crate::error::{Error, ErrorKind, Result};
use crate::model::Item;
use crate::provider::{ChildrenOf, Part};
use crate::registry::{TypeInfo, TypeRegistry};

/// So many items that others only stand below are read at a time: each may be as large as an item can be.
const PARENTS: usize = 32;

/// Items whose grants have changed, on the way through what stands below them.
struct Level {
    /// Without their attributes.
    parents: Vec<Item>,
    /// How many of them have no more children to come.
    done: usize,
    /// The last child that has come.
    behind: Uuid,
}

impl Level {
    fn of(parents: Vec<Item>) -> Self {
        Self { parents, done: 0, behind: Uuid::nil() }
    }

    fn size(&self) -> usize {
        self.parents.iter().map(Item::size).sum()
    }

    /// The parents whose children are to come.
    fn rest(&self) -> Vec<Uuid> {
        self.parents.iter().skip(self.done).map(|parent| parent.id).collect()
    }

    /// The parent of the next child: they come in the order of their parents.
    fn parent_of(&mut self, child: &Item) -> Option<&Item> {
        let ahead = self.parents.iter().skip(self.done);
        self.done += ahead.take_while(|parent| Some(parent.id) != child.parent_id).count();
        self.behind = child.id;
        self.parents.get(self.done)
    }
}

impl Engine<'_> {
    /// What an item that is being written inherits of its parent. `before`: what it has inherited so far; `parent`: if that has
    /// been looked at already.
    pub(super) async fn reinherited(
        &mut self,
        item: &Item,
        before: &[InheritedGrant],
        parent: Option<Item>,
    ) -> Result<Vec<InheritedGrant>> {
        let registry = Arc::clone(&self.access.registry);
        let Some(id) = item.parent_id.filter(|_| inherits(&registry, item)) else { return Ok(Vec::new()) };
        let parent = match parent {
            Some(parent) => Some(parent),
            None => self.tx.targets(&[id]).await?.pop(),
        };
        let inherited = parent.map_or_else(Vec::new, |parent| acl::inherited(&registry, item, &parent));
        if gives_more(before, &inherited) {
            self.check_number(item, &inherited)?;
        }
        Ok(inherited)
    }

    /// The grants that an item would inherit and has not inherited so far.
    pub(super) fn added(before: &Item, after: &Item) -> Vec<Grant> {
        let is_new = |one: &&InheritedGrant| !before.inherited.iter().any(|old| old.grant == one.grant);
        after.inherited.iter().filter(is_new).map(|one| one.grant.clone()).collect()
    }

    /// Brings what stands below some items, whose grants have changed, in line with them, no further than something changes.
    /// `widened`: how many items have been given more before.
    pub(super) async fn pass_down(&mut self, from: Vec<Item>, widened: &mut usize) -> Result<()> {
        let registry = Arc::clone(&self.access.registry);
        let orgs: HashSet<Uuid> = from.iter().map(|item| item.org).collect();
        let types = heir_types(&registry, &orgs);
        let mut levels = vec![Level::of(from)];
        while let Some(level) = levels.last_mut().filter(|_| !types.is_empty()) {
            let parents = level.rest();
            let of = ChildrenOf { parents: &parents, types: Some(&types), behind: level.behind };
            let Part { items, has_more } = self.tx.children(of, Part::ITEMS).await?;
            let ids: Vec<Uuid> = items.iter().map(|child| child.id).collect();
            let mut heirs = Vec::with_capacity(items.len());
            for child in items {
                let Some(parent) = level.parent_of(&child) else { continue };
                let inherited = acl::inherited(&registry, &child, parent);
                heirs.push((child, inherited));
            }
            if !has_more {
                levels.pop();
            }
            let kept = levels.iter().map(Level::size).sum();
            let changed = self.set_inherited(heirs, kept, widened).await?;
            if !ids.is_empty() {
                self.tx.let_go(&ids).await?;
            }
            if !changed.is_empty() {
                levels.push(Level::of(changed));
            }
        }
        Ok(())
    }

    /// Items of types that inherit from now on, or do so no more, and what stands below them.
    pub(super) async fn reinherit_types(&mut self) -> Result<()> {
        let registry = Arc::clone(&self.access.registry);
        let types = turned(&self.previous, &registry);
        let (mut behind, mut widened) = (None, 0);
        let mut has_more = !types.is_empty();
        while has_more {
            let part = self.tx.heirs(&types, behind.as_ref(), Part::ITEMS).await?;
            has_more = part.has_more;
            behind = part.items.last().map(without_attributes);
            let ids: Vec<Uuid> = part.items.iter().map(|item| item.id).collect();
            let heirs = self.heirs_by_themselves(&types, part.items).await?;
            let changed = self.set_inherited(heirs, 0, &mut widened).await?;
            self.tx.let_go(&ids).await?;
            self.pass_down(changed, &mut widened).await?;
        }
        Ok(())
    }

    /// What some items of types that have turned inherit now. Those are left out that will get it from an item above them.
    async fn heirs_by_themselves(
        &mut self,
        turned: &[Uuid],
        found: Vec<Item>,
    ) -> Result<Vec<(Item, Vec<InheritedGrant>)>> {
        let registry = Arc::clone(&self.access.registry);
        let parents = self.by_id(found.iter().filter_map(|item| item.parent_id)).await?;
        let above = self.by_id(parents.values().filter_map(|parent| parent.parent_id)).await?;
        let mut heirs = Vec::with_capacity(found.len());
        for item in found {
            let parent = item.parent_id.and_then(|id| parents.get(&id));
            let upper = parent.and_then(|parent| above.get(&parent.parent_id?));
            let comes_down = match (parent, upper) {
                (Some(parent), Some(upper)) if turned.contains(&parent.type_id) => {
                    inherits(&registry, &item) && acl::inherited(&registry, parent, upper) != parent.inherited
                }
                _ => false,
            };
            if !comes_down {
                let inherited = parent.map_or_else(Vec::new, |above| acl::inherited(&registry, &item, above));
                heirs.push((item, inherited));
            }
        }
        Ok(heirs)
    }

    async fn by_id(&mut self, ids: impl Iterator<Item = Uuid>) -> Result<HashMap<Uuid, Item>> {
        let ids: HashSet<Uuid> = ids.collect();
        let ids: Vec<Uuid> = ids.into_iter().collect();
        let mut found = HashMap::with_capacity(ids.len());
        for ids in ids.chunks(PARENTS) {
            let items = self.tx.targets(ids).await?;
            found.extend(items.iter().map(|item| (item.id, without_attributes(item))));
            self.tx.let_go(ids).await?;
        }
        Ok(found)
    }

    /// Writes what items inherit, as far as that differs; answers those as they are then, without their attributes. It counts as
    /// a change, though not as one of what an item holds: it keeps its time. `kept`: the bytes of what is at hand beside.
    async fn set_inherited(
        &mut self,
        heirs: Vec<(Item, Vec<InheritedGrant>)>,
        kept: usize,
        widened: &mut usize,
    ) -> Result<Vec<Item>> {
        let part: usize = heirs.iter().map(|(item, _)| item.size()).sum();
        self.hold(kept + 2 * part)?;
        let registry = Arc::clone(&self.access.registry);
        let mut changed = Vec::new();
        for (before, inherited) in heirs {
            if before.inherited == inherited {
                continue;
            }
            if gives_more(&before.inherited, &inherited) {
                *widened += 1;
                self.check_heir(&before, *widened)?;
                self.check_number(&before, &inherited)?;
            }
            let after = Item { inherited, version: before.version + 1, ..before.clone() };
            if let Some(raised) = self.raised.get_mut(&after.id) {
                *raised += 1;
            }
            self.tx.put_item(&registry, Some(&before), &after).await?;
            changed.push(without_attributes(&after));
            self.append_passed_down(before, after).await?;
        }
        Ok(changed)
    }

    /// What gives more is for who may share the item, as far as a key's scope goes; and not for any number of items.
    fn check_heir(&self, heir: &Item, widened: usize) -> Result<()> {
        if widened > self.changes.max_inherited {
            return Err(self.too_many_heirs());
        }
        let (caller, registry) = (&self.access.caller, &self.access.registry);
        if caller.scope_allows(registry, heir.type_id, Permission::Share) {
            return Ok(());
        }
        Err(Error::forbidden("outside of the key's scope: other items would be shared along with it"))
    }

    /// One item is given so many grants by those above it at most, unless the set is one that has no such bounds. What was more before,
    /// or becomes so because less is given, stays.
    fn check_number(&self, heir: &Item, inherited: &[InheritedGrant]) -> Result<()> {
        let most = InheritedGrant::MAX_PER_OBJECT;
        if inherited.len() <= most || self.changes.max_inherited == usize::MAX {
            return Ok(());
        }
        let which = if self.access.allows(heir, Permission::Read) {
            format!("the {} {}", heir.type_name, heir.id)
        } else {
            "an item".to_owned()
        };
        let message = format!(
            "{which} would inherit more than {most} grants of the items above it: use groups or roles"
        );
        Err(Error::new(ErrorKind::TooLarge, message))
    }

    fn too_many_heirs(&self) -> Error {
        let most = self.changes.max_inherited;
        let message = format!(
            "more than {most} items below would be given more at once: share parts of the tree by themselves, or give it to a \
             group or role that has it there already; to take something away is always possible"
        );
        Error::new(ErrorKind::TooLarge, message)
    }
}

fn inherits(registry: &TypeRegistry, item: &Item) -> bool {
    registry.by_id(item.type_id).is_some_and(TypeInfo::inherits_access)
}

/// The types of some orgs, and of the system, whose items inherit.
fn heir_types(registry: &TypeRegistry, orgs: &HashSet<Uuid>) -> Vec<Uuid> {
    let is_seen = |info: &&TypeInfo| info.org().is_none_or(|org| orgs.contains(&org));
    registry.types().filter(|info| info.inherits_access()).filter(is_seen).map(TypeInfo::id).collect()
}

/// Whether somebody is given what nobody has given it before.
fn gives_more(before: &[InheritedGrant], after: &[InheritedGrant]) -> bool {
    let mut held: HashMap<&Subject, Permissions> = HashMap::new();
    for InheritedGrant { grant, .. } in before {
        let given = held.entry(&grant.subject).or_default();
        *given = given.union(grant.permissions);
    }
    let covers = |grant: &Grant| held.get(&grant.subject).is_some_and(|held| held.covers(grant.permissions));
    !after.iter().all(|one| covers(&one.grant))
}

/// What says who inherits what of an item, and where it stands: its attributes can be large.
fn without_attributes(item: &Item) -> Item {
    Item {
        parent_id: item.parent_id,
        visibility: item.visibility,
        grants: item.grants.clone(),
        inherited: item.inherited.clone(),
        ..Item::new(item.id, item.type_id, Arc::clone(&item.type_name), item.org)
    }
}

/// The types that inherit by one of two registries only. A type that is new has no items yet.
fn turned(previous: &TypeRegistry, next: &TypeRegistry) -> Vec<Uuid> {
    let differs = |info: &&TypeInfo| {
        previous.by_id(info.id()).is_some_and(|before| before.inherits_access() != info.inherits_access())
    };
    next.types().filter(differs).map(TypeInfo::id).collect()
}

//! Deleting items: descendants go along, references are refused, cleared or followed.
//!
//! First it is found out what goes, then that is removed. Of many items, or large ones, only the first are kept meanwhile; the
//! others are read again in parts. Of what refers to them only the ids are read at once, and the items themselves in parts.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use serde_json::Value;
use uuid::Uuid;

use super::apply::Engine;
use super::write::reference_ids;
use super::{ChangeKind, Guard, Outcome, Version};
use crate::acl::Permission;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Attributes, Item, OnDelete};
use crate::provider::{ChildrenOf, Part, Reference};
use crate::registry::FieldInfo;

/// What is to be known of an item that goes.
#[derive(Clone, Copy)]
struct Doomed {
    id: Uuid,
    org: Uuid,
    type_id: Uuid,
    size: usize,
}

/// All that go, in the order in which they were found: each level of the tree behind the one above it.
#[derive(Default)]
struct Leaving {
    all: Vec<Doomed>,
    known: HashSet<Uuid>,
    /// The first of them, as far as they are one part together.
    kept: Vec<Item>,
    bytes: usize,
}

impl Leaving {
    /// Adds items that are not among them yet; answers which of them are not kept.
    fn add(&mut self, items: Vec<Item>) -> Vec<Uuid> {
        let mut left = Vec::new();
        for item in items {
            let (is_next, size) = (self.kept.len() == self.all.len(), item.size());
            self.all.push(Doomed { id: item.id, org: item.org, type_id: item.type_id, size });
            if is_next && self.kept.len() < Part::ITEMS && self.bytes + size <= Part::BYTES {
                self.bytes += size;
                self.kept.push(item);
            } else {
                left.push(item.id);
            }
        }
        left
    }

    fn level(&self, level: &Range<usize>) -> &[Doomed] {
        self.all.get(level.clone()).unwrap_or_default()
    }
}

impl Engine<'_> {
    pub(super) async fn delete(
        &mut self,
        id: Uuid,
        expected: Option<Version>,
        guard: Option<&Guard>,
    ) -> Result<Outcome> {
        let root = self.permitted(id, Permission::Delete, expected).await?;
        let mut leaving = Leaving::default();
        self.doom(&mut leaving, vec![root], guard).await?;
        let mut level = 0..leaving.all.len();
        while !level.is_empty() {
            self.descend(&mut leaving, &level, guard).await?;
            self.follow_references(&mut leaving, &level, guard).await?;
            level = level.end..leaving.all.len();
        }
        self.refuse_or_clear(&leaving).await?;
        let count = leaving.all.len();
        self.remove(leaving).await?;
        Ok(Outcome::Deleted(count))
    }

    /// Takes items among those that go, each once.
    async fn doom(
        &mut self,
        leaving: &mut Leaving,
        mut items: Vec<Item>,
        guard: Option<&Guard>,
    ) -> Result<()> {
        items.retain(|item| leaving.known.insert(item.id));
        if leaving.known.len() > self.changes.max_deleted {
            return Err(self.too_many());
        }
        self.hold(leaving.bytes + items.iter().map(Item::size).sum::<usize>())?;
        if let Some(guard) = guard {
            items.iter().try_for_each(|item| guard(item))?;
        }
        let left = leaving.add(items);
        if left.is_empty() { Ok(()) } else { self.tx.let_go(&left).await }
    }

    /// The children of a level, each of which must be deletable; one that is not is not named.
    async fn descend(
        &mut self,
        leaving: &mut Leaving,
        level: &Range<usize>,
        guard: Option<&Guard>,
    ) -> Result<()> {
        let parents: Vec<Uuid> = leaving.level(level).iter().map(|item| item.id).collect();
        let (mut rest, mut behind) = (parents.as_slice(), Uuid::nil());
        loop {
            // What stands below is read only as far as it may go along.
            let room = self.changes.max_deleted.saturating_sub(leaving.known.len());
            let of = ChildrenOf { parents: rest, types: None, behind };
            let Part { items, has_more } = self.tx.children(of, Part::ITEMS.min(room + 1)).await?;
            let Some((last, parent)) = items.last().map(|last| (last.id, last.parent_id)) else {
                return Ok(());
            };
            let done = rest.iter().take_while(|id| Some(**id) != parent).count();
            (rest, behind) = (rest.get(done..).unwrap_or_default(), last);
            if items.iter().any(|child| !self.access.allows(child, Permission::Delete)) {
                return Err(Error::forbidden("the item has descendants that you may not delete"));
            }
            self.doom(leaving, items, guard).await?;
            if !has_more {
                return Ok(());
            }
        }
    }

    /// Removes what was found to go, and says so in the log.
    async fn remove(&mut self, leaving: Leaving) -> Result<()> {
        let Leaving { all, kept, .. } = leaving;
        let mut rest = all.get(kept.len()..).unwrap_or_default();
        self.remove_part(kept).await?;
        while !rest.is_empty() {
            let most = rest.iter().take(Part::ITEMS).map(|item| item.size);
            let (part, behind) = rest.split_at(Part::fitting(most));
            rest = behind;
            let ids: Vec<Uuid> = part.iter().map(|item| item.id).collect();
            let items = self.tx.items(&ids).await?;
            let mut found: HashMap<Uuid, Item> = items.into_iter().map(|item| (item.id, item)).collect();
            self.remove_part(ids.iter().filter_map(|id| found.remove(id)).collect()).await?;
            self.tx.let_go(&ids).await?;
        }
        Ok(())
    }

    async fn remove_part(&mut self, items: Vec<Item>) -> Result<()> {
        self.tx.remove_items(&items).await?;
        for item in items {
            self.append(ChangeKind::Delete, Some(item), None).await?;
        }
        Ok(())
    }

    fn too_many(&self) -> Error {
        let most = self.changes.max_deleted;
        let message = format!("more than {most} items would be deleted at once: delete parts of them first");
        Error::new(ErrorKind::TooLarge, message)
    }

    /// Items that are deleted because a cascading field refers to one of the level. The declaration of the field
    /// is the permission; a key deletes nothing outside of its scope by it.
    async fn follow_references(
        &mut self,
        leaving: &mut Leaving,
        level: &Range<usize>,
        guard: Option<&Guard>,
    ) -> Result<()> {
        for (field, org, targets) in self.incoming(leaving.level(level)) {
            if field.field.on_delete() != OnDelete::Cascade {
                continue;
            }
            let referrers = self.referrers(&field, org, &targets, &leaving.known).await?;
            let mut rest = referrers.as_slice();
            while let Some((part, behind)) = next_part(rest) {
                rest = behind;
                let mut items = self.tx.items(&part).await?;
                items.retain(|item| refers(&field, item, &leaving.known));
                self.check_scope(&items)?;
                self.doom(leaving, items, guard).await?;
            }
        }
        Ok(())
    }

    fn check_scope(&self, items: &[Item]) -> Result<()> {
        let (caller, registry) = (&self.access.caller, &self.access.registry);
        if items.iter().all(|item| caller.scope_allows(registry, item.type_id, Permission::Delete)) {
            return Ok(());
        }
        Err(Error::forbidden("outside of the key's scope: other items would be deleted along with it"))
    }

    /// Which items refer to some that go and stay themselves, each once, if that are not too many to look at.
    async fn referrers(
        &mut self,
        field: &FieldInfo,
        org: Uuid,
        targets: &[Uuid],
        leaving: &HashSet<Uuid>,
    ) -> Result<Vec<Reference>> {
        let most = self.changes.max_deleted;
        let mut found = self.tx.referrers(&field.key, org, targets, most + 1).await?;
        if found.len() > most {
            let name = &field.field.name;
            let message = format!(
                "more than {most} items refer by {name} to what would be deleted: change parts of them first"
            );
            return Err(Error::new(ErrorKind::TooLarge, message));
        }
        found.retain(|found| !leaving.contains(&found.item));
        found.sort_unstable_by_key(|found| found.item);
        found.dedup_by_key(|found| found.item);
        Ok(found)
    }

    /// Of the references that remain, restricting ones refuse the deletion and clearing ones are removed.
    async fn refuse_or_clear(&mut self, leaving: &Leaving) -> Result<()> {
        let (known, incoming) = (&leaving.known, self.incoming(&leaving.all));
        for rule in [OnDelete::Restrict, OnDelete::Clear] {
            for (field, org, targets) in &incoming {
                if field.field.on_delete() != rule {
                    continue;
                }
                let referrers = self.referrers(field, *org, targets, known).await?;
                let mut rest = referrers.as_slice();
                while let Some((part, behind)) = next_part(rest) {
                    rest = behind;
                    let items = self.tx.items(&part).await?;
                    // Each of them is at hand once more while it is changed.
                    self.hold(leaving.bytes + 2 * items.iter().map(Item::size).sum::<usize>())?;
                    for item in items.into_iter().filter(|item| refers(field, item, known)) {
                        if rule == OnDelete::Restrict {
                            return Err(self.restricted(field, &item));
                        }
                        self.clear_reference(field, item, known).await?;
                    }
                    self.tx.let_go(&part).await?;
                }
            }
        }
        Ok(())
    }

    fn restricted(&self, field: &FieldInfo, referrer: &Item) -> Error {
        if self.access.allows(referrer, Permission::Read) {
            let name = &field.field.name;
            Error::conflict(format!("{} {} refers to it by {name}", referrer.type_name, referrer.id))
        } else {
            Error::conflict("another item refers to it")
        }
    }

    async fn clear_reference(
        &mut self,
        field: &FieldInfo,
        before: Item,
        leaving: &HashSet<Uuid>,
    ) -> Result<()> {
        let name = &field.field.name;
        let mut attributes = before.attributes.as_map().clone();
        if let Some(Value::Array(values)) = attributes.get_mut(name) {
            values.retain(|value| !reference_ids(Some(value)).iter().any(|id| leaving.contains(id)));
        } else {
            attributes.remove(name);
        }
        let after = Item {
            attributes: Attributes::from_map(attributes),
            version: before.version + 1,
            updated_at: self.changes.now,
            ..before.clone()
        };
        let registry = Arc::clone(&self.access.registry);
        self.tx.put_item(&registry, Some(&before), &after).await?;
        self.append(ChangeKind::Update, Some(before), Some(after)).await
    }

    /// The reference fields that may point at any of `items`, with org and the ids concerned.
    fn incoming(&self, items: &[Doomed]) -> Vec<(Arc<FieldInfo>, Uuid, Vec<Uuid>)> {
        let mut incoming: Vec<(Arc<FieldInfo>, Uuid, Vec<Uuid>)> = Vec::new();
        for item in items {
            for field in self.access.registry.referring_fields(item.org, item.type_id) {
                let slot =
                    incoming.iter_mut().find(|(other, org, _)| other.key == field.key && *org == item.org);
                match slot {
                    Some((_, _, targets)) => targets.push(item.id),
                    None => incoming.push((Arc::clone(field), item.org, vec![item.id])),
                }
            }
        }
        incoming
    }
}

/// The next of some items to be read, as many as are no burden together, and those behind them; nothing when there are no more.
fn next_part(rest: &[Reference]) -> Option<(Vec<Uuid>, &[Reference])> {
    let most = rest.iter().take(Part::ITEMS).map(|found| found.size);
    let (part, behind) = rest.split_at(Part::fitting(most));
    let ids: Vec<Uuid> = part.iter().map(|found| found.item).collect();
    (!ids.is_empty()).then_some((ids, behind))
}

/// Whether an item refers to any of some others by a field.
fn refers(field: &FieldInfo, item: &Item, targets: &HashSet<Uuid>) -> bool {
    reference_ids(item.attributes.get(&field.field.name)).iter().any(|id| targets.contains(id))
}

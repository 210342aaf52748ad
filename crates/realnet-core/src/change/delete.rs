//! Deleting items: descendants go along, references are refused, cleared or followed.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::Value;
use uuid::Uuid;

use super::apply::Engine;
use super::{ChangeKind, Guard, Outcome};
use crate::acl::Permission;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Attributes, Item, OnDelete};
use crate::provider::Reference;
use crate::registry::FieldInfo;

impl Engine<'_> {
    pub(super) async fn delete(
        &mut self,
        id: Uuid,
        expected: Option<i64>,
        guard: Option<&Guard>,
    ) -> Result<Outcome> {
        let root = self.permitted(id, Permission::Delete, expected).await?;
        let mut doomed: Vec<Item> = Vec::new();
        let mut known: HashSet<Uuid> = HashSet::from([root.id]);
        let mut level = vec![root];
        while !level.is_empty() {
            self.count(&level)?;
            if let Some(guard) = guard {
                level.iter().try_for_each(|item| guard(item))?;
            }
            // What stands below is read only as far as it may go along.
            let room = self.changes.max_deleted.saturating_sub(known.len());
            let mut next = self.descend(&level, room).await?;
            next.extend(self.follow_references(&level, &known, room).await?);
            next.retain(|item| known.insert(item.id));
            doomed.append(&mut level);
            if known.len() > self.changes.max_deleted {
                return Err(self.too_many());
            }
            level = next;
        }
        self.refuse_or_clear(&doomed, &known).await?;
        self.tx.remove_items(&doomed).await?;
        let count = doomed.len();
        for item in doomed {
            self.append(ChangeKind::Delete, Some(item), None).await?;
        }
        Ok(Outcome::Deleted(count))
    }

    /// The children of a level, each of which must be deletable; one that is not is not named.
    async fn descend(&mut self, level: &[Item], room: usize) -> Result<Vec<Item>> {
        let ids: Vec<Uuid> = level.iter().map(|item| item.id).collect();
        let children = self.tx.children(&ids, None, room + 1).await?;
        if children.len() > room {
            return Err(self.too_many());
        }
        if children.iter().any(|child| !self.access.allows(child, Permission::Delete)) {
            return Err(Error::forbidden("the item has descendants that you may not delete"));
        }
        Ok(children)
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
        level: &[Item],
        known: &HashSet<Uuid>,
        room: usize,
    ) -> Result<Vec<Item>> {
        let mut followed = Vec::new();
        for (field, org, targets) in self.incoming(level) {
            if field.field.on_delete() == OnDelete::Cascade {
                let referrers = self.referrers(&field, org, &targets).await?;
                let items = referrers.into_iter().map(|found| found.item);
                followed.extend(items.filter(|item| !known.contains(&item.id)));
                self.check_scope(&followed)?;
                if followed.len() > room {
                    return Err(self.too_many());
                }
            }
        }
        Ok(followed)
    }

    fn check_scope(&self, items: &[Item]) -> Result<()> {
        let (caller, registry) = (&self.access.caller, &self.access.registry);
        if items.iter().all(|item| caller.scope_allows(registry, item.type_id, Permission::Delete)) {
            return Ok(());
        }
        Err(Error::forbidden("outside of the key's scope: other items would be deleted along with it"))
    }

    /// Who refers to items that go, if that are not too many to look at.
    async fn referrers(&mut self, field: &FieldInfo, org: Uuid, targets: &[Uuid]) -> Result<Vec<Reference>> {
        let most = self.changes.max_deleted;
        let found = self.tx.referrers(&field.key, org, targets, most + 1).await?;
        if found.len() <= most {
            return Ok(found);
        }
        let name = &field.field.name;
        let message = format!(
            "more than {most} items refer by {name} to what would be deleted: change parts of them first"
        );
        Err(Error::new(ErrorKind::TooLarge, message))
    }

    /// Of the references that remain, restricting ones refuse the deletion and clearing ones are removed.
    async fn refuse_or_clear(&mut self, doomed: &[Item], known: &HashSet<Uuid>) -> Result<()> {
        let incoming = self.incoming(doomed);
        for (field, org, targets) in &incoming {
            if field.field.on_delete() != OnDelete::Restrict {
                continue;
            }
            let referrers = self.referrers(field, *org, targets).await?;
            if let Some(found) = referrers.iter().find(|found| !known.contains(&found.item.id)) {
                return Err(self.restricted(field, &found.item));
            }
        }
        for (field, org, targets) in &incoming {
            if field.field.on_delete() != OnDelete::Clear {
                continue;
            }
            for found in self.referrers(field, *org, targets).await? {
                if !known.contains(&found.item.id) {
                    self.clear_reference(field, found.item.id, targets).await?;
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

    async fn clear_reference(&mut self, field: &FieldInfo, referrer: Uuid, targets: &[Uuid]) -> Result<()> {
        let Some(before) = self.load(referrer).await? else { return Ok(()) };
        let mut attributes = before.attributes.as_map().clone();
        let gone = |value: &Value| {
            value.as_str().and_then(|text| Uuid::parse_str(text).ok()).is_some_and(|id| targets.contains(&id))
        };
        match attributes.get_mut(&field.field.name) {
            // Found once for each target that it held: the first time has cleared them all.
            Some(Value::Array(values)) if !values.iter().any(gone) => return Ok(()),
            Some(Value::Array(values)) => values.retain(|value| !gone(value)),
            Some(value) if gone(value) => {
                attributes.remove(&field.field.name);
            }
            _ => return Ok(()),
        }
        let after = Item {
            attributes: Attributes::from_map(attributes),
            version: before.version + 1,
            updated_at: self.changes.now,
            ..before.clone()
        };
        let registry = Arc::clone(&self.access.registry);
        self.tx.put_item(&registry, Some(&before), &after).await?;
        self.log(ChangeKind::Update, Some(before), Some(after)).await
    }

    /// The reference fields that may point at any of `items`, with org and the ids concerned.
    fn incoming(&self, items: &[Item]) -> Vec<(Arc<FieldInfo>, Uuid, Vec<Uuid>)> {
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

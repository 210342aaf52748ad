//! Creating, updating and sharing items: the rules that hold inside the transaction.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::Value;
use uuid::Uuid;

use super::apply::Engine;
use super::{ChangeKind, Edit, Outcome, Version};
use crate::acl::{self, Grant, Permission, Permissions, Subject};
use crate::error::{Error, Result, Violation};
use crate::model::value::{MAX_DEPTH, depth_of_text, nul_in_text};
use crate::model::{Item, Visibility};
use crate::provider::Access;
use crate::registry::{FieldInfo, TypeInfo};

impl Engine<'_> {
    pub(super) async fn create(&mut self, draft: &Item) -> Result<Outcome> {
        let registry = Arc::clone(&self.access.registry);
        let info = registry.require(draft.type_id)?;
        if info.is_abstract() {
            let detail = format!("type {} is abstract and has no items of its own", info.name());
            return Err(Error::invalid(vec![Violation::new("/type", detail)]));
        }
        acl::may_create(&registry, &self.access.caller, info, draft.instance.as_deref(), draft.org)?;
        let now = self.changes.now;
        let mut item = Item {
            version: 1,
            created_at: now,
            updated_at: now,
            type_name: Arc::clone(info.name()),
            inherited: Vec::new(),
            ..draft.clone()
        };
        check_sizes(&item, None)?;
        if let Some(parent) = item.parent_id {
            let parent = self.check_parent(&item, parent, 0).await?;
            item.inherited = self.reinherited(&item, &[], Some(parent)).await?;
        }
        self.check_references(info, None, &item).await?;
        self.tx.put_item(&registry, None, &item).await?;
        item.attributes.slim();
        self.log(ChangeKind::Create, None, Some(item.clone())).await?;
        Ok(Outcome::Created(item))
    }

    pub(super) async fn update(
        &mut self,
        id: Uuid,
        expected: Option<Version>,
        edit: &Edit,
    ) -> Result<Outcome> {
        let before = self.permitted(id, Permission::Write, expected).await?;
        let edited = edit(&before)?;
        let counts = edited.version > before.version;
        let mut after = Item {
            id: before.id,
            type_id: before.type_id,
            type_name: Arc::clone(&before.type_name),
            org: before.org,
            version: before.version,
            created_at: before.created_at,
            updated_at: before.updated_at,
            grants: before.grants.clone(),
            inherited: before.inherited.clone(),
            ..edited
        };
        if after == before && !counts {
            // It is an outcome like others.
            self.count([&before])?;
            return Ok(Outcome::Unchanged(before));
        }
        after.version += 1;
        after.updated_at = self.changes.now;
        check_sizes(&after, Some(&before))?;
        let registry = Arc::clone(&self.access.registry);
        let info = registry.require(after.type_id)?;
        let mut above = None;
        if after.parent_id != before.parent_id
            && let Some(parent) = after.parent_id
        {
            let height = self.tx.height(after.id, Item::MAX_DEPTH).await?;
            above = Some(self.check_parent(&after, parent, height).await?);
        }
        if after.parent_id != before.parent_id || after.visibility != before.visibility {
            after.inherited = self.reinherited(&after, &before.inherited, above).await?;
        }
        let passes_on = after.inherited != before.inherited;
        if passes_on {
            // Where an item stands is as good as a grant, then.
            self.check_share(&before, &Self::added(&before, &after))?;
        } else if after.parent_id != before.parent_id
            && !self.access.allows(&before, Permission::Share)
            && self.comes_below_others(&before, &after).await?
        {
            self.check_share(&before, &[])?;
        }
        if after.public != before.public {
            self.check_share(&before, &[public_read(&after)])?;
        }
        self.check_class(info, &before, &after)?;
        self.check_references(info, Some(&before), &after).await?;
        self.tx.put_item(&registry, Some(&before), &after).await?;
        self.log(ChangeKind::Update, Some(before), Some(after.clone())).await?;
        if passes_on {
            self.pass_down(vec![after.clone()], &mut 0).await?;
        }
        Ok(Outcome::Updated(after))
    }

    pub(super) async fn set_grants(
        &mut self,
        id: Uuid,
        expected: Option<Version>,
        grants: &[Grant],
    ) -> Result<Outcome> {
        let before = self.permitted(id, Permission::Share, expected).await?;
        let added: Vec<Grant> =
            grants.iter().filter(|grant| !before.grants.contains(grant)).cloned().collect();
        self.check_share(&before, &added)?;
        let mut after = Item { grants: merged(grants), ..before.clone() };
        if after == before {
            self.count([&before])?;
            return Ok(Outcome::Unchanged(before));
        }
        after.version += 1;
        after.updated_at = self.changes.now;
        let registry = Arc::clone(&self.access.registry);
        self.tx.put_item(&registry, Some(&before), &after).await?;
        self.log(ChangeKind::Grant, Some(before), Some(after.clone())).await?;
        self.pass_down(vec![after.clone()], &mut 0).await?;
        Ok(Outcome::Updated(after))
    }

    /// Loads an item for a change: absent or unreadable is not found, readable without permission is forbidden,
    /// another version than expected fails the precondition.
    pub(super) async fn permitted(
        &mut self,
        id: Uuid,
        permission: Permission,
        expected: Option<Version>,
    ) -> Result<Item> {
        let item = self.load(id).await?.ok_or_else(|| Error::not_found(format_args!("item {id}")))?;
        self.check_permission(&item, permission)?;
        // What others have done counts, and not what this set has passed down to the item.
        let raised = self.raised.get(&id).copied().unwrap_or_default();
        expected.map_or(Ok(()), |version| version.check(&item, raised))?;
        Ok(item)
    }

    pub(super) fn check_permission(&self, item: &Item, permission: Permission) -> Result<()> {
        if self.access.allows(item, permission) {
            return Ok(());
        }
        if self.access.allows(item, Permission::Read) {
            return Err(Error::forbidden(format!("you may not {} this item", permission.as_str())));
        }
        Err(Error::not_found(format_args!("item {}", item.id)))
    }

    /// The parent must be readable, in the same org and writable, and the tree stay a tree of bounded depth. `height`: how
    /// many levels hang on the item. Answers the parent.
    async fn check_parent(&mut self, item: &Item, parent: Uuid, height: usize) -> Result<Item> {
        let missing =
            || Error::invalid(vec![Violation::new("/parent_id", "refers to no item that you can see")]);
        let found = self.tx.targets(&[parent]).await?.pop().ok_or_else(missing)?;
        if found.org != item.org || !self.access.allows(&found, Permission::Read) {
            return Err(missing());
        }
        if !self.access.allows(&found, Permission::Write) {
            return Err(Error::forbidden("you may not attach children to this parent"));
        }
        let ancestors = self.tx.ancestors(parent, Item::MAX_DEPTH).await?;
        if parent == item.id || ancestors.contains(&item.id) {
            return Err(Error::conflict("an item can not be placed below itself"));
        }
        if ancestors.len() + 1 + height >= Item::MAX_DEPTH {
            let detail = format!("the tree is at most {} levels deep", Item::MAX_DEPTH);
            return Err(Error::invalid(vec![Violation::new("/parent_id", detail)]));
        }
        Ok(found)
    }

    /// Every new reference must lead to an item of the right type that the caller can read.
    async fn check_references(&mut self, info: &TypeInfo, before: Option<&Item>, after: &Item) -> Result<()> {
        let wanted = new_references(info, before, after);
        if wanted.is_empty() {
            return Ok(());
        }
        let ids: HashSet<Uuid> = wanted.iter().map(|(_, _, id)| *id).collect();
        let ids: Vec<Uuid> = ids.into_iter().collect();
        let found: HashMap<Uuid, Item> =
            self.tx.targets(&ids).await?.into_iter().map(|item| (item.id, item)).collect();
        let mut violations = Vec::new();
        for (pointer, field, id) in wanted {
            let target = if id == after.id { Some(after) } else { found.get(&id) };
            // Deletions look for referrers in the org of the item: a reference never leaves it.
            let readable = target.filter(|item| {
                id == after.id || (item.org == after.org && self.access.allows(item, Permission::Read))
            });
            match (readable, field.and_then(|field| field.reference)) {
                (None, _) => violations.push(Violation::new(pointer, "refers to no item that you can see")),
                (Some(item), Some(type_id))
                    if !self.access.registry.is_derived_from(item.type_id, type_id) =>
                {
                    let expected = self.access.registry.require(type_id)?.name();
                    let detail = format!("refers to an item of type {}, expected {expected}", item.type_name);
                    violations.push(Violation::new(pointer, detail));
                }
                _ => {}
            }
        }
        if violations.is_empty() { Ok(()) } else { Err(Error::invalid(violations)) }
    }

    /// What decides which grants of the type count for an item is as good as a grant: who may share changes it. An
    /// instance is also one that the caller may create.
    fn check_class(&self, info: &TypeInfo, before: &Item, after: &Item) -> Result<()> {
        let Access { caller, registry } = &self.access;
        let is_closed = |item: &Item| item.visibility == Visibility::Restricted;
        let access = |item: &Item| registry.access(item.org, info, item.instance.as_deref());
        if before.instance != after.instance {
            acl::may_create(registry, caller, info, after.instance.as_deref(), after.org)?;
        }
        let same = before.instance == after.instance || access(before) == access(after);
        if same && is_closed(before) == is_closed(after) { Ok(()) } else { self.check_share(before, &[]) }
    }

    /// One grants only what one holds.
    fn check_share(&self, item: &Item, added: &[Grant]) -> Result<()> {
        self.check_permission(item, Permission::Share)?;
        let wanted = added.iter().fold(Permissions::NONE, |all, grant| all.union(grant.permissions));
        match wanted.iter().find(|permission| !self.access.allows(item, *permission)) {
            Some(permission) if permission != Permission::Create => Err(Error::forbidden(format!(
                "you can not grant {}, which you do not hold",
                permission.as_str()
            ))),
            _ => Ok(()),
        }
    }
}

fn public_read(item: &Item) -> Grant {
    let permissions = if item.public { Permissions::of(&[Permission::Read]) } else { Permissions::NONE };
    Grant { subject: Subject::Public, permissions }
}

/// One grant per subject, in a stable order, empty ones dropped.
fn merged(grants: &[Grant]) -> Vec<Grant> {
    let mut merged: std::collections::BTreeMap<Subject, Permissions> = std::collections::BTreeMap::new();
    for grant in grants {
        let entry = merged.entry(grant.subject.clone()).or_default();
        *entry = entry.union(grant.permissions);
    }
    merged
        .into_iter()
        .filter(|(_, permissions)| !permissions.is_empty())
        .map(|(subject, permissions)| Grant { subject, permissions })
        .collect()
}

/// How deep attributes may be: a document has them one level down, and is read up to [`MAX_DEPTH`] levels.
const MAX_NESTING: usize = MAX_DEPTH - 1;

/// The last line of defence behind all that makes items: sizes, depth, and no NUL, which stores disagree on. An item that has held one
/// before stays one that can be changed.
fn check_sizes(item: &Item, before: Option<&Item>) -> Result<()> {
    let mut violations = Vec::new();
    if item.name.len() > Item::MAX_NAME {
        violations.push(Violation::new("/name", format!("at most {} bytes", Item::MAX_NAME)));
    }
    if item.attributes.size() > Item::MAX_ATTRIBUTES {
        violations
            .push(Violation::new("/attributes", format!("at most {} bytes of JSON", Item::MAX_ATTRIBUTES)));
    } else if depth_of_text(item.attributes.as_text()) > MAX_NESTING {
        violations.push(Violation::new("/attributes", format!("nested deeper than {MAX_NESTING} levels")));
    }
    if violations.is_empty()
        && let Some(found) = nul_of(item)
        && before.is_none_or(|before| nul_of(before).is_none())
    {
        violations.push(found);
    }
    if violations.is_empty() { Ok(()) } else { Err(Error::invalid(violations)) }
}

/// Where an item holds a NUL.
fn nul_of(item: &Item) -> Option<Violation> {
    let words = [("/name", Some(&item.name)), ("/status", item.status.as_ref())];
    let tags = item.tags.iter().map(|tag| ("/tags", Some(tag)));
    let holds_nul = |text: Option<&String>| text.is_some_and(|text| text.contains('\0'));
    if let Some((pointer, _)) = words.into_iter().chain(tags).find(|(_, text)| holds_nul(*text)) {
        return Some(Violation::new(pointer, "holds a NUL character"));
    }
    let holds_nul = nul_in_text(item.attributes.as_text());
    holds_nul.then(|| Violation::new("/attributes", "a text or key holds a NUL character"))
}

type WantedReference<'a> = (String, Option<&'a FieldInfo>, Uuid);

/// The references of `after` that `before` does not have: reference fields and the linked item.
fn new_references<'a>(info: &'a TypeInfo, before: Option<&Item>, after: &Item) -> Vec<WantedReference<'a>> {
    let mut wanted: Vec<WantedReference<'a>> = Vec::new();
    if let Some(linked) = after.linked_item_id
        && before.is_none_or(|before| before.linked_item_id != Some(linked))
    {
        wanted.push(("/linked_item_id".to_owned(), None, linked));
    }
    for field in info.fields().iter().filter(|field| field.reference.is_some()) {
        let name = &field.field.name;
        let old = before.and_then(|before| before.attributes.get(name));
        let new = after.attributes.get(name);
        if new == old {
            continue;
        }
        for id in reference_ids(new) {
            wanted.push((format!("/attributes/{name}"), Some(&**field), id));
        }
    }
    wanted
}

/// The ids that the value of a reference field holds.
pub(crate) fn reference_ids(value: Option<&Value>) -> Vec<Uuid> {
    let parse = |value: &Value| value.as_str().and_then(|text| Uuid::parse_str(text).ok());
    match value {
        Some(Value::Array(values)) => values.iter().filter_map(parse).collect(),
        Some(value) => parse(value).into_iter().collect(),
        None => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::error::ErrorKind;
    use crate::model::Attributes;

    #[test]
    fn no_text_of_an_item_holds_nul() {
        let plain = Item::new(Uuid::nil(), Uuid::nil(), Arc::from("Note"), Uuid::nil());
        assert!(check_sizes(&plain, None).is_ok());
        let attributes = |value: Value| Attributes::from_map(value.as_object().cloned().unwrap_or_default());
        for (pointer, item) in [
            ("/name", Item { name: "a\0b".to_owned(), ..plain.clone() }),
            ("/status", Item { status: Some("\0".to_owned()), ..plain.clone() }),
            ("/tags", Item { tags: vec!["a".to_owned(), "b\0".to_owned()], ..plain.clone() }),
            ("/attributes", Item { attributes: attributes(json!({"x": ["\0"]})), ..plain.clone() }),
            ("/attributes", Item { attributes: attributes(json!({"\0": 1})), ..plain.clone() }),
        ] {
            assert!(check_sizes(&item, Some(&item)).is_ok(), "what has one is not stuck with it");
            let error = check_sizes(&item, Some(&plain)).unwrap_err();
            assert_eq!((error.kind(), &*error.violations()[0].pointer), (ErrorKind::InvalidInput, pointer));
        }
    }
}

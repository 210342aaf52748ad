//! The change log: what was changed, by whom, when, in commit order.

use std::sync::Arc;

use uuid::Uuid;

use crate::acl::{InheritedGrant, Origin};
use crate::clock::Timestamp;
use crate::model::Item;

/// What happened to an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// It was created.
    Create,
    /// Its properties or attributes were changed.
    Update,
    /// Its grants were changed, or those that it inherits.
    Grant,
    /// It was deleted.
    Delete,
}

impl ChangeKind {
    /// The name used in documents and stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Grant => "grant",
            Self::Delete => "delete",
        }
    }

    /// The inverse of [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Create, Self::Update, Self::Grant, Self::Delete].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// What an item inherits otherwise than before, where nothing else of it has changed but its version: all that the log keeps then,
/// since one change of a folder is one of each item below it, however large these are.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PassedDown {
    /// The name of the item.
    pub name: String,
    /// The name of its type.
    #[serde(rename = "type")]
    pub type_name: Arc<str>,
    /// What it inherited.
    pub before: Vec<InheritedGrant>,
    /// What it inherits.
    pub after: Vec<InheritedGrant>,
}

impl PassedDown {
    /// What is kept of two states that differ in nothing else.
    pub fn between(before: Item, after: Item) -> Self {
        Self {
            name: before.name,
            type_name: before.type_name,
            before: before.inherited,
            after: after.inherited,
        }
    }

    /// About how many bytes it takes.
    pub fn size(&self) -> usize {
        self.name.len() + (self.before.len() + self.after.len()) * Item::GRANT_SIZE
    }
}

/// One change of one item.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangeRecord {
    /// Consecutive per org, from 1; 0 until the store has given one.
    pub revision: i64,
    /// The org.
    pub org: Uuid,
    /// The item.
    pub item_id: Uuid,
    /// Its type.
    pub type_id: Uuid,
    /// What happened.
    pub kind: ChangeKind,
    /// The item's version after the change; a deletion takes one as well.
    pub version: i64,
    /// The item before, with its grants; `None` for a creation, and where only this is kept: [`Self::passed_down`].
    pub before: Option<Item>,
    /// The item after, with its grants; `None` for a deletion, and as above.
    pub after: Option<Item>,
    /// What it inherits otherwise, in the place of both states.
    pub passed_down: Option<PassedDown>,
    /// The account that did it; `None` for the system.
    pub actor: Option<Uuid>,
    /// When.
    pub at: Timestamp,
    /// The request that it was part of.
    pub request_id: Arc<str>,
    /// Where the request came from, as far as that was known.
    pub origin: Option<Arc<Origin>>,
}

impl ChangeRecord {
    /// As often, by the versions of an item, a change is kept with both states even if only what the item inherits differs: so those of
    /// any other are found in a change shortly before it.
    pub const WHOLE: i64 = 64;

    /// Fills in both states where only what was passed down is kept. `last`: the item as the last change before this one that has
    /// states has left it. Nothing but what it inherits, and its version, has changed since.
    pub fn complete(&mut self, last: &Item) {
        let Some(PassedDown { before, after, .. }) = self.passed_down.take() else { return };
        let version = self.version;
        self.before = Some(Item { inherited: before, version: version - 1, ..last.clone() });
        self.after = Some(Item { inherited: after, version, ..last.clone() });
    }

    /// The name of the item, and of its type when it was written.
    pub fn names(&self) -> Option<(&str, &Arc<str>)> {
        let item = self.after.as_ref().or(self.before.as_ref()).map(|item| (&*item.name, &item.type_name));
        item.or_else(|| self.passed_down.as_ref().map(|passed| (&*passed.name, &passed.type_name)))
    }

    /// Names of the properties and attributes that the change has touched, sorted; none for a creation or a deletion.
    /// Grants, inherited ones too, are named `access`.
    pub fn touched(&self) -> Vec<&str> {
        if self.passed_down.is_some() {
            return vec!["access"];
        }
        let (Some(before), Some(after)) = (&self.before, &self.after) else { return Vec::new() };
        let properties = [
            ("access", before.grants != after.grants || before.inherited != after.inherited),
            ("content", before.content != after.content),
            ("instance", before.instance != after.instance),
            ("linked_item", before.linked_item_id != after.linked_item_id),
            ("location", before.location != after.location),
            ("name", before.name != after.name),
            ("owner", before.owner != after.owner),
            ("parent", before.parent_id != after.parent_id),
            ("public", before.public != after.public),
            ("status", before.status != after.status),
            ("tags", before.tags != after.tags),
            ("type", before.type_id != after.type_id),
            ("valid_from", before.valid_from != after.valid_from),
            ("valid_to", before.valid_to != after.valid_to),
            ("visibility", before.visibility != after.visibility),
        ];
        let mut names: Vec<&str> =
            properties.iter().filter(|(_, differs)| *differs).map(|(name, _)| *name).collect();
        let (old, new) = (before.attributes.as_map(), after.attributes.as_map());
        names.extend(
            new.iter().filter(|(name, value)| old.get(*name) != Some(value)).map(|(name, _)| name.as_str()),
        );
        names.extend(old.keys().filter(|name| !new.contains_key(*name)).map(String::as_str));
        names.sort_unstable();
        names
    }

    /// About how many bytes the record takes: the states that it holds.
    pub fn size(&self) -> usize {
        let states: usize = self.before.iter().chain(&self.after).map(Item::size).sum();
        states + self.passed_down.as_ref().map_or(0, PassedDown::size)
    }
}

/// Which changes of an org to look at; those that fulfil all that is given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChangeFilter {
    /// By this account.
    pub actor: Option<Uuid>,
    /// Of this item.
    pub item: Option<Uuid>,
    /// Of this kind.
    pub kind: Option<ChangeKind>,
    /// At this moment or later.
    pub since: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
}

impl ChangeFilter {
    /// Whether a change fulfils it.
    pub fn matches(&self, record: &ChangeRecord) -> bool {
        self.actor.is_none_or(|actor| record.actor == Some(actor))
            && self.item.is_none_or(|item| record.item_id == item)
            && self.kind.is_none_or(|kind| record.kind == kind)
            && self.since.is_none_or(|since| record.at >= since)
            && self.until.is_none_or(|until| record.at < until)
    }
}

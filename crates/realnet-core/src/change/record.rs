//! The change log: what was changed, by whom, when, in commit order.

use std::sync::Arc;

use uuid::Uuid;

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
    /// Its grants were changed.
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
    /// The item before, with its grants; `None` for a creation.
    pub before: Option<Item>,
    /// The item after, with its grants; `None` for a deletion.
    pub after: Option<Item>,
    /// The account that did it; `None` for the system.
    pub actor: Option<Uuid>,
    /// When.
    pub at: Timestamp,
    /// The request that it was part of.
    pub request_id: Arc<str>,
}

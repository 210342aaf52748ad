//! The item: a record of a type or an instance.

use std::sync::Arc;

use uuid::Uuid;

use super::{Attributes, Location};
use crate::acl::{Grant, InheritedGrant};
use crate::clock::Timestamp;

/// Who finds an item in lists and which grants count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Listed, all grants count.
    #[default]
    Visible,
    /// Left out of lists unless asked for by a filter on `visibility`.
    Hidden,
    /// Grants on the type or instance and on items above do not count, only owner, administrators and grants on the item.
    Restricted,
}

impl Visibility {
    /// All values, in their order.
    pub const ALL: [Self; 3] = [Self::Visible, Self::Hidden, Self::Restricted];

    /// The name used in documents and stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Visible => "visible",
            Self::Hidden => "hidden",
            Self::Restricted => "restricted",
        }
    }

    /// The inverse of [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|value| value.as_str() == text)
    }
}

/// A record. `attributes` are what the item itself stores; effective ones come from the registry.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Item {
    /// UUIDv7: ids sort by creation.
    pub id: Uuid,
    /// The id of the type. Names are looked up in the registry.
    pub type_id: Uuid,
    /// The type's name when the item was written; informative, `type_id` decides.
    #[serde(rename = "type")]
    pub type_name: Arc<str>,
    /// The name of the instance (preset) of the type, if any.
    pub instance: Option<Arc<str>>,
    /// A name for people, at most 1024 bytes; need not be unique.
    pub name: String,
    /// Own attributes, canonical.
    pub attributes: Attributes,
    /// Labels, sorted, without duplicates.
    pub tags: Vec<String>,
    /// A free word, such as `active`.
    pub status: Option<String>,
    /// Who finds it.
    pub visibility: Visibility,
    /// Where it is, WGS 84.
    pub location: Option<Location>,
    /// Valid from (inclusive).
    pub valid_from: Option<Timestamp>,
    /// Valid to (exclusive).
    pub valid_to: Option<Timestamp>,
    /// The parent in the tree.
    pub parent_id: Option<Uuid>,
    /// The item that this one stands for.
    pub linked_item_id: Option<Uuid>,
    /// The owning account.
    pub owner: Option<Uuid>,
    /// The org it belongs to.
    pub org: Uuid,
    /// Whether everybody may read it.
    pub public: bool,
    /// The content that it names: bytes, kept apart (see [`crate::provider::DataProvider`]). It is no property of the item's
    /// document: no body, patch, plan or query reaches it, since who could name a content could read that of another item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Uuid>,
    /// 1 at creation, +1 per change.
    pub version: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Grants on this item itself.
    #[serde(default)]
    pub grants: Vec<Grant>,
    /// Grants on items above that hold for this one too, nearest first; kept by the commit engine, whatever a change says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inherited: Vec<InheritedGrant>,
}

impl Item {
    /// The properties of an item's document, in the order in which they are shown.
    pub const PROPERTIES: [&str; 19] = [
        "id",
        "type",
        "instance",
        "name",
        "attributes",
        "tags",
        "status",
        "visibility",
        "location",
        "valid_from",
        "valid_to",
        "parent_id",
        "linked_item_id",
        "owner",
        "org",
        "public",
        "version",
        "created_at",
        "updated_at",
    ];
    /// The longest allowed name, in bytes.
    pub const MAX_NAME: usize = 1024;
    /// The largest allowed attributes, in bytes of their JSON text.
    pub const MAX_ATTRIBUTES: usize = 4 * 1024 * 1024;
    /// The deepest allowed place in the tree: the number of ancestors.
    pub const MAX_DEPTH: usize = 256;

    /// An item of which nothing is said yet: no name, no attributes, no owner, no grants; the times are those of the epoch.
    pub fn new(id: Uuid, type_id: Uuid, type_name: Arc<str>, org: Uuid) -> Self {
        Self {
            id,
            type_id,
            type_name,
            instance: None,
            name: String::new(),
            attributes: Attributes::default(),
            tags: Vec::new(),
            status: None,
            visibility: Visibility::default(),
            location: None,
            valid_from: None,
            valid_to: None,
            parent_id: None,
            linked_item_id: None,
            owner: None,
            org,
            public: false,
            content: None,
            version: 1,
            created_at: Timestamp::default(),
            updated_at: Timestamp::default(),
            grants: Vec::new(),
            inherited: Vec::new(),
        }
    }
}

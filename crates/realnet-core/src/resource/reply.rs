//! A reply: what an operation gives, with what it takes to show it. A runner writes it in the words of its protocol.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;
use uuid::Uuid;

use crate::acl::{Caller, ShownGrants};
use crate::change::ChangeRecord;
use crate::model::Item;
use crate::provider::Page;
use crate::registry::TypeRegistry;
use crate::resource::data::{DataReply, UploadState};

/// What an operation gives.
#[derive(Debug)]
pub enum Reply {
    /// A page.
    Page(Rendered<Page>),
    /// One item.
    Item(Rendered<Item>),
    /// Items just created, in order; `single` when the body was one object. `replayed` from an earlier request.
    Created {
        /// The items.
        items: Rendered<Vec<Item>>,
        /// Whether to answer with an object instead of a list.
        single: bool,
        /// Whether it is the kept reply of an earlier request.
        replayed: bool,
    },
    /// An item after a change.
    Changed(Rendered<Item>),
    /// Deleted: how many.
    Deleted(usize),
    /// Changed or deleted by filter: how many.
    Affected(usize),
    /// Changes of an item, newest first.
    History(Rendered<Vec<ChangeRecord>>),
    /// What each operation of a batch did.
    Batch {
        /// In order.
        results: Rendered<Vec<BatchResult>>,
        /// Whether it is the kept reply of an earlier request.
        replayed: bool,
    },
    /// A content.
    Data(DataReply),
    /// How far an upload is; none when it was given up.
    Upload(Option<UploadState>),
    /// Grants.
    Grants(ShownGrants),
    /// Anything else, ready to be shown.
    Document(Value),
}

/// What one operation of a batch did.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchResult {
    /// `create`, `replace`, `patch` or `delete`.
    pub operation: &'static str,
    /// The item as it is now; none after a deletion.
    pub item: Option<Item>,
    /// How many items were deleted, descendants included.
    pub deleted: Option<usize>,
    /// Id and version of an item that is not shown: the items of an answer are bounded in bytes together.
    pub left_out: Option<(Uuid, i64)>,
}

impl BatchResult {
    /// Shows only id and version of the item.
    pub fn leave_out(&mut self) {
        if let Some(item) = self.item.take() {
            self.left_out = Some((item.id, item.version));
        }
    }
}

/// Something to show, with what it takes to show it: effective attributes, projection, expanded references.
///
/// `write_json` writes items, pages, lists, batches and histories as JSON; `etag` names the representation of an item.
#[derive(Debug, Clone)]
pub struct Rendered<T> {
    /// What to show.
    pub value: T,
    /// Who looks: fields that only some roles may read are left out for others.
    pub caller: Arc<Caller>,
    /// The types.
    pub registry: Arc<TypeRegistry>,
    /// Which parts.
    pub projection: Arc<Projection>,
    /// Items that references were expanded to.
    pub expanded: Arc<HashMap<Uuid, Item>>,
}

/// Which parts of an item are shown.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Projection {
    /// Which attributes.
    pub attributes: AttributeSet,
    /// Only these, when not empty.
    pub select: Vec<Selection>,
}

/// Which attributes are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AttributeSet {
    /// Effective data attributes.
    #[default]
    Effective,
    /// Those and the meta ones of the type.
    All,
    /// Only what the item itself stores.
    Own,
}

/// One selected part: a property, an attribute, or a reference with parts of what it refers to.
#[derive(Debug, Clone, PartialEq)]
pub struct Selection {
    /// Property or attribute.
    pub name: String,
    /// Whether `attributes.` stood before it: an attribute for sure.
    pub attribute: bool,
    /// Parts of the item referred to; empty when not expanded.
    pub expand: Vec<Selection>,
}

//! Items as a store reads and writes them.

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use uuid::Uuid;

use crate::acl::{Caller, Permission};
use crate::change::{ChangeFilter, ChangeRecord, ChangeSet, IdempotencyKey, Outcome, StoredReply};
use crate::error::{ErrorKind, Result};
use crate::model::Item;
use crate::provider::Capabilities;
use crate::query::aggregate::GroupRow;
use crate::query::{Aggregate, Cursor, Query};
use crate::registry::TypeRegistry;

/// So many ids [`ItemProvider::get_many`] takes.
const MAX_IDS: usize = 1000;

/// On whose behalf, and by which types: goes with every call to a store.
#[derive(Debug, Clone)]
pub struct Access {
    /// The caller.
    pub caller: Arc<Caller>,
    /// The registry that the request works with.
    pub registry: Arc<TypeRegistry>,
}

impl Access {
    /// Whether the caller has `permission` on `item`.
    pub fn allows(&self, item: &Item, permission: Permission) -> bool {
        crate::acl::decide(&self.registry, &self.caller, item, permission)
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Page {
    /// The items, at most the query's limit.
    pub items: Vec<Item>,
    /// Where the next page begins; `None` when this is the last.
    pub next: Option<Cursor>,
    /// All items that match and are readable, when the query asked for it.
    pub total: Option<u64>,
}

/// A store of items with access control inside.
#[async_trait]
pub trait ItemProvider: Send + Sync {
    /// What the store can do.
    fn capabilities(&self) -> Capabilities;

    /// An item that the caller may read; `None` when there is none.
    async fn get(&self, access: &Access, id: Uuid) -> Result<Option<Item>>;

    /// The readable ones of `ids`, in no order. At most 1000 ids. When they are together larger than a page may be
    /// ([`Query::MAX_PAGE_BYTES`]), none is answered, and the error kind is `TooLarge`; one alone always is.
    async fn get_many(&self, access: &Access, ids: &[Uuid]) -> Result<Vec<Item>>;

    /// The readable ones of any number of `ids`, however large: for those who need all of them at once.
    async fn get_all(&self, access: &Access, ids: &[Uuid]) -> Result<Vec<Item>> {
        let mut found = Vec::new();
        let mut parts: Vec<&[Uuid]> = ids.chunks(MAX_IDS).rev().collect();
        while let Some(part) = parts.pop() {
            match self.get_many(access, part).await {
                Ok(items) => found.extend(items),
                Err(error) if error.kind() == ErrorKind::TooLarge && part.len() > 1 => {
                    let (first, second) = part.split_at(part.len() / 2);
                    parts.extend([second, first]);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    /// A page of the readable items that match. Pages are full unless they are the last.
    async fn list(&self, access: &Access, query: &Query) -> Result<Page>;

    /// Figures of the readable items that match, by group, in the order of the groups' values; those of
    /// [`crate::query::aggregate`], at one moment. `TooLarge` when there are more than [`Aggregate::MAX_GROUPS`].
    async fn aggregate(&self, access: &Access, aggregate: &Aggregate) -> Result<Vec<GroupRow>>;

    /// Applies a change set atomically and durably, or not at all. One outcome per operation, in order.
    ///
    /// When the set carries an idempotency key that was used before, nothing is done and the error kind is
    /// `Conflict`; callers look with [`Self::stored_reply`] first.
    async fn commit(&self, access: &Access, changes: ChangeSet) -> Result<Vec<Outcome>>;

    /// The reply kept under an idempotency key not older than 24 hours.
    async fn stored_reply(&self, key: &IdempotencyKey) -> Result<Option<StoredReply>>;

    /// The changes of one item that the caller may read now, newest first, at most `limit`, those of versions below `before`.
    /// Fewer when they are larger than a page may be ([`Query::MAX_PAGE_BYTES`]), but at least one if there is any.
    async fn history(
        &self,
        access: &Access,
        id: Uuid,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<ChangeRecord>>;

    /// Changes of an org with revisions above `since`, in order, at most `limit`. Not filtered: for the system. Fewer when
    /// they are larger than a page may be, but at least one if there is any.
    async fn changes(&self, org: Uuid, since: i64, limit: usize) -> Result<Vec<ChangeRecord>>;

    /// Changes of an org with revisions of `span`, newest first, at most `limit`. Not filtered by access: for who may look at
    /// all of the org. The span bounds the work, however few changes fulfil the filter. Fewer when they are larger than a page
    /// may be, but at least one if there is any.
    async fn changes_within(
        &self,
        org: Uuid,
        span: Range<i64>,
        filter: &ChangeFilter,
        limit: usize,
    ) -> Result<Vec<ChangeRecord>>;

    /// Those of `ids` that an item names as its content, in no order; at most 1000 ids. Not filtered by access: for the system.
    async fn contents_in_use(&self, ids: &[Uuid]) -> Result<Vec<Uuid>>;

    /// Whether the store answers; an error says why not.
    async fn check(&self) -> Result<()>;
}

//! One transaction of a store, as the commit engine of the core drives it.
//!
//! The engine ([`crate::change::apply`]) holds the rules (access, versions, references, cascades); a store holds the
//! rows. Writes may be deferred to the end of the transaction as long as reads of it see them.

use async_trait::async_trait;
use uuid::Uuid;

use crate::change::{ChangeRecord, IdempotencyKey, SourceRecord, StoredReply};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::model::{Item, TypeDefinition};
use crate::registry::{FieldRef, TypeGrants, TypeRegistry};

/// An item that refers to another through a field: only which, since there may be many, and large ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reference {
    /// The referring item.
    pub item: Uuid,
    /// About how many bytes that takes.
    pub size: usize,
}

/// Which children are asked for: in the order of the parents as they are given, and of each parent by id.
#[derive(Debug, Clone, Copy)]
pub struct ChildrenOf<'a> {
    /// Their parents.
    pub parents: &'a [Uuid],
    /// Of these types, if any are given.
    pub types: Option<&'a [Uuid]>,
    /// Of the first parent only those with ids above this one.
    pub behind: Uuid,
}

/// Some of the items that were asked for: the first ones in their order, so many that they are no burden together.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Part {
    /// The items; none only when there are no more.
    pub items: Vec<Item>,
    /// Whether there may be more behind them.
    pub has_more: bool,
}

impl Part {
    /// The most items.
    pub const ITEMS: usize = 1000;
    /// The most bytes that they take together, unless it is one alone.
    pub const BYTES: usize = 4 * 1024 * 1024;

    /// How many of the first items, by their sizes, fit in.
    pub fn fitting(sizes: impl IntoIterator<Item = usize>) -> usize {
        let mut bytes = 0_usize;
        let fits = |(index, size): &(usize, usize)| {
            bytes = bytes.saturating_add(*size);
            *index == 0 || bytes <= Self::BYTES
        };
        sizes.into_iter().enumerate().take_while(fits).count()
    }
}

/// Rows of one transaction. Every item that it hands out is locked until the end; what it only names is not.
#[async_trait]
pub trait Transaction: Send {
    /// Items by id; those that do not exist are missing. Answers in no order.
    async fn items(&mut self, ids: &[Uuid]) -> Result<Vec<Item>>;

    /// Items that a change only refers to: like [`Self::items`], but they need only stay as they are until the end, so
    /// that many may refer to the same at once.
    async fn targets(&mut self, ids: &[Uuid]) -> Result<Vec<Item>> {
        self.items(ids).await
    }

    /// The next direct children of some items: at most `limit`, and no more than [`Part::BYTES`] of them, however many there are.
    async fn children(&mut self, of: ChildrenOf<'_>, limit: usize) -> Result<Part>;

    /// The next items of `types` that have a parent, where either of the two has grants, own or inherited ones: in an order of the
    /// store's, as many as of [`Self::children`]. `behind`: the last one that has come. Asked only where types change.
    async fn heirs(&mut self, types: &[Uuid], behind: Option<&Item>, limit: usize) -> Result<Part>;

    /// Items that the engine is done with for now, so that a set of any size takes bounded memory: a store that keeps what it
    /// has handed out need not do so any longer. They stay locked. What waits to be written is written.
    async fn let_go(&mut self, _ids: &[Uuid]) -> Result<()> {
        Ok(())
    }

    /// The ancestors of an item, nearest first, at most `limit`.
    async fn ancestors(&mut self, id: Uuid, limit: usize) -> Result<Vec<Uuid>>;

    /// How many levels of descendants an item has, at most `limit`.
    async fn height(&mut self, id: Uuid, limit: usize) -> Result<usize>;

    /// Which items of `org` hold one of `targets` in their reference field `field`, once for each that they hold; at most `limit`
    /// references: no more are read. By when the items are read they may have let go.
    async fn referrers(
        &mut self,
        field: &FieldRef,
        org: Uuid,
        targets: &[Uuid],
        limit: usize,
    ) -> Result<Vec<Reference>>;

    /// Inserts (no `before`) or updates an item with its index entries and grants.
    /// A taken id or unique value is a `Conflict` that names the field.
    async fn put_item(&mut self, registry: &TypeRegistry, before: Option<&Item>, after: &Item) -> Result<()>;

    /// Removes items with everything that hangs on them: index entries, grants, credentials, sessions.
    async fn remove_items(&mut self, items: &[Item]) -> Result<()>;

    /// Appends a change; the store gives it its revision.
    async fn append(&mut self, record: ChangeRecord) -> Result<()>;

    /// The revision of types, locked until the end.
    async fn type_revision(&mut self) -> Result<i64>;

    /// Inserts or replaces a definition, by id, and raises the type revision.
    async fn put_type(&mut self, definition: &TypeDefinition) -> Result<()>;

    /// Removes a definition and the grants on it, and raises the type revision.
    async fn remove_type(&mut self, id: Uuid) -> Result<()>;

    /// Whether there is any item of the type itself.
    async fn has_items(&mut self, type_id: Uuid) -> Result<bool>;

    /// Replaces the grants of an org on a type or instance (none: removes them), and raises the type revision.
    async fn put_type_grants(&mut self, grants: &TypeGrants, remove: bool) -> Result<()>;

    /// Brings the index of `field` in line with `registry` for all items of `types`; one that was begun is ready or gone then.
    async fn reindex(&mut self, registry: &TypeRegistry, field: &FieldRef, types: &[Uuid]) -> Result<()>;

    /// Begins the index of a new field that is to be built behind the commit, by [`Self::extend_index`], and answers no queries
    /// until then; entries of what is written from here on stand in it at once. Answers `false` when it is better built
    /// at once: there are few items of `types`, or the store does not do so.
    async fn begin_index(&mut self, _field: &FieldRef, _types: &[Uuid]) -> Result<bool> {
        Ok(false)
    }

    /// Adds the entries of the next items of `types`, at most `limit`, to an index that was begun. When there are no more, the
    /// index is ready, and the type revision is raised. Answers whether it is ready.
    async fn extend_index(
        &mut self,
        _registry: &TypeRegistry,
        _field: &FieldRef,
        _types: &[Uuid],
        _limit: usize,
    ) -> Result<bool> {
        Ok(true)
    }

    /// Brings the full text in line with `registry` for all items of `types`.
    async fn reindex_words(&mut self, registry: &TypeRegistry, types: &[Uuid]) -> Result<()>;

    /// Items of `types` last written at `since` or later, with ids above `behind`, in the order of ids, at most `limit`.
    async fn written_since(
        &mut self,
        types: &[Uuid],
        since: Timestamp,
        behind: Uuid,
        limit: usize,
    ) -> Result<Vec<Item>>;

    /// Sets the password hash of an account and raises its epoch, which ends all its sessions.
    async fn put_password(&mut self, account: Uuid, password_hash: &str) -> Result<()>;

    /// Raises the epoch of an account, which ends all its sessions.
    async fn raise_epoch(&mut self, account: Uuid) -> Result<()>;

    /// Keeps what was applied from which source (or forgets it).
    async fn put_source(&mut self, source: &SourceRecord, remove: bool) -> Result<()>;

    /// Keeps a reply under a key. A key that is there already is a `Conflict`.
    async fn put_reply(&mut self, key: &IdempotencyKey, reply: &StoredReply) -> Result<()>;
}

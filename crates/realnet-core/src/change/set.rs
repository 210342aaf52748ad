//! The change set: an ordered list of operations with preconditions.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::{Freed, IdempotencyKey, SourceRecord, StoredReply, Trial, Version};
use crate::acl::{Grant, Origin};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::limit::Room;
use crate::model::{Item, TypeDefinition};
use crate::registry::{FieldRef, TypeGrants, TypeRegistry};

/// Computes the next state of an item from its present one, inside the transaction. Must be pure: a store may work a set
/// out beforehand, and again when the item has changed meanwhile.
///
/// The engine sees to id, type, org, version, times and grants, inherited ones too: an edit can not change them. One that raises the version says
/// that it counts as a change even where nothing differs: who sets what it can not see is not told whether it was so already.
pub type Edit = Arc<dyn Fn(&Item) -> Result<Item> + Send + Sync>;

/// Looks at an item inside the transaction and may refuse the operation. Must be pure, as [`Edit`].
pub type Guard = Arc<dyn Fn(&Item) -> Result<()> + Send + Sync>;

/// Makes the reply to keep under an idempotency key from the outcomes. Must be pure, as [`Edit`].
pub type ReplyOf = Arc<dyn Fn(&[Outcome]) -> StoredReply + Send + Sync>;

/// One step of a change set.
#[derive(Clone)]
pub enum Operation {
    /// Creates an item: complete and validated, with a new id; version and times are set by the engine.
    Create(Box<Item>),
    /// Changes an item.
    Update {
        /// Which.
        id: Uuid,
        /// The version that it must have.
        expected_version: Option<Version>,
        /// How.
        edit: Edit,
    },
    /// Writes the secrets of an item anew, sealed under another key: nothing that anybody can see changes, so neither does the
    /// version, and the log has no record. An item that is gone is passed over. For the system.
    Reseal {
        /// Which.
        id: Uuid,
        /// How; only the attributes count.
        edit: Edit,
    },
    /// Deletes an item with its descendants.
    Delete {
        /// Which.
        id: Uuid,
        /// The version that it must have.
        expected_version: Option<Version>,
        /// Asked for the item and each descendant.
        guard: Option<Guard>,
    },
    /// Replaces the grants on an item; needs `share`, and only what one holds oneself can be added.
    SetGrants {
        /// Which.
        id: Uuid,
        /// The version that it must have.
        expected_version: Option<Version>,
        /// The new grants.
        grants: Vec<Grant>,
    },
    /// Inserts or replaces a type, by id.
    PutType(Box<TypeDefinition>),
    /// Removes a type that has neither items nor derived types.
    RemoveType(Uuid),
    /// Looks at items again: whoever plans a change of types looks at the stored items first, outside of the
    /// transaction, and here at those written since.
    Recheck {
        /// Their types.
        types: Vec<Uuid>,
        /// Items written at this moment or later. Clocks of replicas differ, and a change set may wait: leave a margin.
        since: Timestamp,
        /// Asked for each.
        guard: Guard,
    },
    /// Replaces the grants of an org on a type.
    SetTypeGrants {
        /// The grants.
        grants: TypeGrants,
        /// Forget them instead: the declared access holds again.
        remove: bool,
    },
    /// Sets the password of an account and ends its sessions. Who may is decided by the accounts resource.
    SetPassword {
        /// The account item.
        account: Uuid,
        /// The hash in its modular text form.
        password_hash: String,
    },
    /// Ends all sessions of an account.
    EndSessions(Uuid),
    /// Adds the next items, at most so many, to the index of a field that is being built. The system does so, in short change
    /// sets, until [`TypeRegistry::building`] says that nothing is left.
    ExtendIndex {
        /// The field.
        field: FieldRef,
        /// How many.
        limit: usize,
    },
    /// Keeps (or forgets) what was applied from a source.
    Source {
        /// What.
        record: SourceRecord,
        /// Forget it instead.
        remove: bool,
    },
}

impl Operation {
    /// The item that it changes at one version only.
    pub(super) fn pinned(&self) -> Option<Uuid> {
        match self {
            Self::Update { id, expected_version: Some(_), .. }
            | Self::Delete { id, expected_version: Some(_), .. }
            | Self::SetGrants { id, expected_version: Some(_), .. } => Some(*id),
            _ => None,
        }
    }
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create(item) => write!(f, "Create({} {})", item.type_name, item.id),
            Self::Update { id, .. } => write!(f, "Update({id})"),
            Self::Reseal { id, .. } => write!(f, "Reseal({id})"),
            Self::Delete { id, .. } => write!(f, "Delete({id})"),
            Self::SetGrants { id, grants, .. } => write!(f, "SetGrants({id}, {grants:?})"),
            Self::PutType(definition) => write!(f, "PutType({})", definition.name),
            Self::RemoveType(id) => write!(f, "RemoveType({id})"),
            Self::Recheck { types, since, .. } => write!(f, "Recheck({types:?} since {since})"),
            Self::SetTypeGrants { grants, .. } => write!(f, "SetTypeGrants({grants:?})"),
            Self::SetPassword { account, .. } => write!(f, "SetPassword({account})"),
            Self::EndSessions(account) => write!(f, "EndSessions({account})"),
            Self::ExtendIndex { field, limit } => write!(f, "ExtendIndex({}, {limit})", field.name),
            Self::Source { record, .. } => write!(f, "Source({})", record.object),
        }
    }
}

/// Operations to be applied in order, all or none.
#[derive(Clone)]
pub struct ChangeSet {
    /// The operations.
    pub operations: Vec<Operation>,
    /// The moment of the change: `updated_at` of all that it touches, but for what only inherits other grants.
    pub now: Timestamp,
    /// Id of the request, kept in the change log.
    pub request_id: Arc<str>,
    /// Where the request came from, kept there too.
    pub origin: Option<Arc<Origin>>,
    /// The registry as it is after the type operations of this set, when there are any.
    pub next_registry: Option<Arc<TypeRegistry>>,
    /// A key under which the reply is kept, and what makes it.
    pub reply: Option<(IdempotencyKey, ReplyOf)>,
    /// The most items that one deletion may take along, and the most references that it may look at.
    pub max_deleted: usize,
    /// The most items to which one operation may pass down more than they have. What only takes away is not bounded. For a set
    /// that may do so for any number, neither is what one item inherits.
    pub max_inherited: usize,
    /// The most bytes that the states of all changed items may take, before and after; those that only inherit otherwise, and
    /// what a deletion takes along or clears of references, do not count.
    pub max_bytes: usize,
    /// What these states take of the memory that all requests share, when that is bounded. It is held for as long as the set
    /// or a copy of it is.
    pub room: Option<Arc<Room>>,
    /// Where contents are noted that items name no more, for whoever removes them.
    pub freed: Option<Freed>,
    /// Of a set that is only tried: how that goes. Nothing of it is kept, and the error says so where nothing else stands against it.
    pub trial: Option<Arc<Trial>>,
}

impl ChangeSet {
    /// What a deletion may take along unless a set says otherwise.
    pub const MAX_DELETED: usize = 100_000;
    /// As many may inherit more by one operation unless a set says otherwise.
    pub const MAX_INHERITED: usize = 100_000;
    /// What a set may change unless it says otherwise, in bytes of states: they are in memory until the commit.
    pub const MAX_BYTES: usize = 128 * 1024 * 1024;

    /// A set without types and idempotency.
    pub fn new(operations: Vec<Operation>, now: Timestamp, request_id: Arc<str>) -> Self {
        Self {
            operations,
            now,
            request_id,
            origin: None,
            next_registry: None,
            reply: None,
            max_deleted: Self::MAX_DELETED,
            max_inherited: Self::MAX_INHERITED,
            max_bytes: Self::MAX_BYTES,
            room: None,
            freed: None,
            trial: None,
        }
    }

    /// Adds what counts the memory that it takes.
    pub fn with_room(mut self, room: Option<Arc<Room>>) -> Self {
        self.room = room;
        self
    }

    /// Adds where the request came from.
    pub fn with_origin(mut self, origin: Option<Arc<Origin>>) -> Self {
        self.origin = origin;
        self
    }

    /// The error for a set that was made with other types than the present ones. A change of types has to be planned anew,
    /// a conflict; whoever only writes items has done nothing wrong, and just comes again.
    pub fn stale_types(&self) -> Error {
        let message = "the types have just changed: try again";
        let error =
            if self.next_registry.is_some() { Error::conflict(message) } else { Error::unavailable(message) };
        error.with_retry_after(Duration::from_millis(200))
    }
}

impl fmt::Debug for ChangeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.operations).finish()
    }
}

/// What an operation did.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The item as created.
    Created(Item),
    /// The item as it is now.
    Updated(Item),
    /// The edit changed nothing; the item keeps its version.
    Unchanged(Item),
    /// How many items were deleted, descendants and cascades included.
    Deleted(usize),
    /// A step of building an index: whether the index is ready now.
    Indexed(bool),
    /// Done, nothing to show.
    Done,
}

impl Outcome {
    /// The item, if the outcome has one.
    pub fn item(&self) -> Option<&Item> {
        match self {
            Self::Created(item) | Self::Updated(item) | Self::Unchanged(item) => Some(item),
            Self::Deleted(_) | Self::Indexed(_) | Self::Done => None,
        }
    }

    /// The item, owned, if the outcome has one.
    pub fn into_item(self) -> Option<Item> {
        match self {
            Self::Created(item) | Self::Updated(item) | Self::Unchanged(item) => Some(item),
            Self::Deleted(_) | Self::Indexed(_) | Self::Done => None,
        }
    }
}

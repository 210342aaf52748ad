//! An operation: what every protocol turns its requests into. What comes back is a [`Reply`](super::Reply).

use serde_json::Value;
use uuid::Uuid;

use crate::acl::Grant;
use crate::change::{IdempotencyKey, Version};
use crate::error::Result;
use crate::resource::data::{Conditions, DataRequest, Files, ResumableOperation, Upload};
use crate::resource::default::JsonPatch;

/// An operation on an endpoint. The endpoint of `Batch`, `Plan` and `Drift` is empty.
#[derive(Debug)]
pub struct Request {
    /// Endpoint or type name, as in `/api/{endpoint}`.
    pub endpoint: String,
    /// What to do.
    pub operation: Operation,
}

/// The raw parameters of a list, decoded, in the order given: the grammar of `crate::query`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ListRequest {
    /// Name and value pairs.
    pub parameters: Vec<(String, String)>,
}

/// Options of a write.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WriteOptions {
    /// The version that the item must have.
    pub expected_version: Option<Version>,
    /// Key under which the reply is kept, with the SHA-256 of the body.
    pub idempotency: Option<(IdempotencyKey, Vec<u8>)>,
}

/// A patch of a document.
#[derive(Debug, Clone, PartialEq)]
pub enum PatchDocument {
    /// RFC 7396.
    Merge(Value),
    /// RFC 6902.
    Json(Value),
}

impl PatchDocument {
    /// The patched document. A patch that can not be read is malformed, a path that leads nowhere invalid, and a failed
    /// `test` a conflict.
    pub fn apply(self, mut document: Value) -> Result<Value> {
        match self {
            Self::Merge(patch) => {
                ::json_patch::merge(&mut document, &patch);
                Ok(document)
            }
            Self::Json(operations) => JsonPatch::parse(operations)?.apply(document),
        }
    }
}

/// What a caller wants.
#[derive(Debug)]
pub enum Operation {
    /// A page of items.
    List(ListRequest),
    /// One item; the parameters may hold `select` and `attributes`.
    Get {
        /// Which.
        id: Uuid,
        /// Projection.
        parameters: ListRequest,
    },
    /// Creates one item (an object) or several atomically (an array).
    Create {
        /// The document or documents.
        body: Value,
        /// Idempotency.
        options: WriteOptions,
    },
    /// Replaces name and attributes.
    Replace {
        /// Which.
        id: Uuid,
        /// The document.
        body: Value,
        /// Precondition.
        options: WriteOptions,
    },
    /// Patches an item.
    Patch {
        /// Which.
        id: Uuid,
        /// The patch.
        patch: PatchDocument,
        /// Precondition.
        options: WriteOptions,
    },
    /// Deletes an item with its descendants.
    Delete {
        /// Which.
        id: Uuid,
        /// Precondition.
        options: WriteOptions,
    },
    /// Merge-patches all items that match; a filter is required.
    PatchMany {
        /// The filter.
        parameters: ListRequest,
        /// The merge patch.
        patch: Value,
    },
    /// Deletes all items that match; a filter is required.
    DeleteMany {
        /// The filter.
        parameters: ListRequest,
    },
    /// The children of an item.
    Children {
        /// The parent.
        id: Uuid,
        /// As for a list.
        parameters: ListRequest,
    },
    /// Figures of the items that match, by group; filters as in a list, and `select` and `group`.
    Aggregate(ListRequest),
    /// Earlier states of an item, newest first; parameters `limit` and `before` (a version).
    History {
        /// Which.
        id: Uuid,
        /// Paging.
        parameters: ListRequest,
    },
    /// The grants on an item.
    GetGrants {
        /// Which.
        id: Uuid,
    },
    /// Replaces the grants on an item.
    SetGrants {
        /// Which.
        id: Uuid,
        /// The grants.
        grants: Vec<Grant>,
        /// Precondition.
        options: WriteOptions,
    },
    /// Reads the content of an item.
    ReadData {
        /// Which.
        id: Uuid,
        /// Which part, and on which conditions.
        wanted: DataRequest,
    },
    /// Replaces the content of an item. It is no part of a batch.
    WriteData {
        /// Which.
        id: Uuid,
        /// The new content.
        upload: Upload,
        /// Precondition.
        options: WriteOptions,
    },
    /// Takes the content of an item away; the item stays.
    DeleteData {
        /// Which.
        id: Uuid,
        /// What must hold of the content.
        conditions: Conditions,
        /// Precondition.
        options: WriteOptions,
    },
    /// Creates items of files that come as they are: one for each, all or none.
    Upload(Files),
    /// Something about a file that comes in several requests.
    Resumable(ResumableOperation),
    /// Several operations in order, all or none. Each: `{"operation","resource","id","body","if_match"}`.
    Batch {
        /// The operations.
        body: Value,
        /// Idempotency.
        options: WriteOptions,
    },
    /// What an initialization document would do.
    Plan {
        /// The document.
        document: Value,
        /// Where it came from, for messages and drift.
        source: String,
        /// Delete what came from this source and is not in it any more.
        prune: bool,
        /// Overwrite what was changed by hand.
        force: bool,
        /// Take over what has no source.
        adopt: bool,
        /// Turn contradictions of old documents into warnings.
        compat: bool,
        /// Do it, instead of only saying what would be done.
        apply: bool,
    },
    /// Where the store differs from what was applied.
    Drift,
    /// Something about types themselves, which are known by name.
    Type(TypeOperation),
    /// What a resource adds of its own: anything below an endpoint that is none of the operations above.
    Call(Call),
}

/// What a call does, as a verb of REST.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verb {
    /// Read.
    Get,
    /// Do, or add.
    Post,
    /// Replace.
    Put,
    /// Change.
    Patch,
    /// Remove.
    Delete,
}

/// A call of something that only the resource knows.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The segments behind the endpoint, decoded; none for the endpoint itself.
    pub path: Vec<String>,
    /// What to do with it.
    pub verb: Verb,
    /// The document; null when there is none.
    pub body: Value,
    /// Parameters.
    pub parameters: ListRequest,
    /// Precondition and idempotency.
    pub options: WriteOptions,
}

/// Which types are listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TypeList {
    /// What their names begin with, without regard to case.
    pub prefix: Option<String>,
    /// Where the page begins: behind the type of this name and id.
    pub after: Option<(String, Uuid)>,
    /// The most types.
    pub limit: Option<usize>,
}

/// What a caller wants of types, at the endpoint `types`.
#[derive(Debug, Clone)]
pub enum TypeOperation {
    /// The types that the caller's org sees, in the order of their names: all of them, or some.
    List(TypeList),
    /// One type: its definition and what it inherits.
    Get {
        /// Its name.
        name: String,
    },
    /// Creates a type from a document, or several from an array.
    Create {
        /// The document, as a type in an initialization file, or an array of them.
        body: Value,
    },
    /// Replaces a definition.
    Replace {
        /// Its name.
        name: String,
        /// The document.
        body: Value,
        /// Precondition.
        options: WriteOptions,
    },
    /// Changes a part of a definition.
    Patch {
        /// Its name.
        name: String,
        /// The change, of the definition as `Get` shows it.
        patch: PatchDocument,
        /// Precondition.
        options: WriteOptions,
    },
    /// Deletes a type that has neither items nor derived types.
    Delete {
        /// Its name.
        name: String,
        /// Precondition.
        options: WriteOptions,
    },
    /// The grants on the items of a type (or of an instance) that hold in the caller's org.
    GetGrants {
        /// Name of the type.
        name: String,
        /// Name of the instance.
        instance: Option<String>,
    },
    /// Replaces the grants that hold in the caller's org.
    SetGrants {
        /// Name of the type.
        name: String,
        /// Name of the instance.
        instance: Option<String>,
        /// The grants; `None` returns to the declared ones.
        grants: Option<Vec<Grant>>,
    },
}

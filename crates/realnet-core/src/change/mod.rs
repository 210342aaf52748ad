//! The one write primitive: a change set, applied whole or not at all, and the log of what was changed.

mod apply;
mod delete;
mod freed;
mod idempotency;
mod inherit;
mod owners;
mod record;
mod reseal;
mod set;
mod source;
mod trial;
mod types;
mod version;
mod write;

pub use apply::apply;
pub use freed::Freed;
pub use idempotency::{IdempotencyKey, StoredReply};
pub use record::{ChangeFilter, ChangeKind, ChangeRecord, PassedDown};
pub use set::{ChangeSet, Edit, Guard, Operation, Outcome, ReplyOf};
pub use source::{SourceKind, SourceRecord};
pub use trial::Trial;
pub use version::Version;

pub(crate) use write::reference_ids;

//! Whole stores as streams of records: what `copy`, `backup` and `verify` stand on.
//!
//! Below access: a dump shows everything, secrets as they are stored (sealed, or hashes), and a restore writes it as it is. So
//! these traits are for the operator's own commands; nothing that answers requests has them.

mod class;
mod record;
mod wire;

use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::BoxStream;

use super::TypeProvider;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::registry::TypeRegistry;

pub use class::{Census, RecordClass};
pub use record::StoreRecord;

/// The setting that says that a store is being filled; see [`RestoreProvider::restore`]. It is in no dump.
pub const MARK_SETTING: &str = "transfer.under_way";

/// The setting that says which of several equal stores has the storage of contents. It is in no dump: what is made of one is
/// another store, and does not remove what the first one keeps.
pub const TURN_SETTING: &str = "files.turn";

/// Records as they come, in the order of [`StoreRecord::sort_key`]. An error ends them.
pub type RecordStream = BoxStream<'static, Result<StoreRecord>>;

/// Gives all that a store holds.
#[async_trait]
pub trait DumpProvider: Send + Sync {
    /// Everything, as it is at the moment at which the call answers: what is written later is not in the stream, and nobody
    /// who writes waits for it. In memory is a small part at a time, unless the store has all of itself there.
    ///
    /// The order is that of [`StoreRecord::sort_key`]. What has had its time at `now` is left out, as for whoever reads it one
    /// by one: records and sessions that have expired, sessions that are void, events of more than
    /// [`super::AuthEvent::RETENTION_DAYS`] days ago, replies of more than a day ago. Changes that have no revision yet have
    /// those that they would get. [`MARK_SETTING`] and [`TURN_SETTING`] are left out.
    async fn dump(&self, now: Timestamp) -> Result<RecordStream>;

    /// How many records of each class a dump would give.
    async fn census(&self, now: Timestamp) -> Result<Census>;
}

/// Takes what another store holds.
#[async_trait]
pub trait RestoreProvider: TypeProvider {
    /// Writes records as they are: with their ids, versions, revisions, times, epochs and hashes. All of them or none, durably.
    /// What the store keeps of an item for itself (index entries, words, tables of grants) is made by `types`.
    ///
    /// In the same transaction the setting [`MARK_SETTING`] becomes `mark`, or goes when there is none, which says that the store
    /// is whole. Changes of an org come in the order of their revisions, which begin with 1 and have no gaps.
    ///
    /// # Errors
    /// Conflict when a key or unique value is taken; Unavailable or Conflict when items come with other types than the present
    /// ones of the store.
    async fn restore(
        &self,
        types: &Arc<TypeRegistry>,
        records: Vec<StoreRecord>,
        mark: Option<Vec<u8>>,
    ) -> Result<()>;
}

//! What was applied from which document, as a store gives it back to the planner.

use async_trait::async_trait;
use uuid::Uuid;

use crate::change::SourceRecord;
use crate::error::Result;

/// Reads source records. Writing them is part of a change set, with the types and items that they speak of.
#[async_trait]
pub trait SourceProvider: Send + Sync {
    /// All records of an org, or of the system layer (`None`), in no order. One per object.
    async fn sources(&self, org: Option<Uuid>) -> Result<Vec<SourceRecord>>;
}

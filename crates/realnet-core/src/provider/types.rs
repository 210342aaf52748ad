//! Types as a store keeps them.

use async_trait::async_trait;
use futures::stream::BoxStream;

use crate::error::Result;
use crate::registry::TypeSnapshot;

/// Reads types. Writing them is part of a change set, so that types and items change together.
#[async_trait]
pub trait TypeProvider: Send + Sync {
    /// All types and the grants on them, at one revision.
    async fn load_types(&self) -> Result<TypeSnapshot>;

    /// Signals, with the new revision, whenever types have changed: here or on another replica.
    fn type_changes(&self) -> BoxStream<'static, i64>;
}

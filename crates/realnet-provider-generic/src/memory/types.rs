//! Types and sources.

use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt as _};
use realnet_core::Uuid;
use realnet_core::change::SourceRecord;
use realnet_core::error::Result;
use realnet_core::provider::{SourceProvider, TypeProvider};
use realnet_core::registry::TypeSnapshot;

use super::MemoryStore;
use super::state::State;

#[async_trait]
impl TypeProvider for MemoryStore {
    async fn load_types(&self) -> Result<TypeSnapshot> {
        Ok(self.read(State::snapshot).await)
    }

    fn type_changes(&self) -> BoxStream<'static, i64> {
        let receiver = self.types.subscribe();
        stream::unfold(receiver, |mut receiver| async move {
            receiver.changed().await.ok()?;
            let revision = *receiver.borrow_and_update();
            Some((revision, receiver))
        })
        .boxed()
    }
}

#[async_trait]
impl SourceProvider for MemoryStore {
    async fn sources(&self, org: Option<Uuid>) -> Result<Vec<SourceRecord>> {
        let look =
            |state: &State| state.sources.values().filter(|record| record.org == org).cloned().collect();
        Ok(self.read(look).await)
    }
}

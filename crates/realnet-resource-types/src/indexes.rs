//! Building the indexes of fields that were declared where items are already: chunk by chunk, between the writes of others.

use std::sync::Arc;

use realnet_core::acl::Caller;
use realnet_core::change::{ChangeSet, Operation, Outcome};
use realnet_core::provider::Access;
use realnet_core::resource::Services;
use realnet_core::{Result, Uuid};

/// How many items one change set looks at.
const CHUNK: usize = 1000;

/// Goes on with the first of the indexes that are being built, by some items; answers whether there was one. What is built is
/// kept in the store with its progress, so any server goes on where one was stopped, and several that do so at once do
/// each part once. Call it again and again, with a pause in which others write.
pub async fn extend_indexes(services: &Services) -> Result<bool> {
    let registry = services.registry.current();
    let Some(field) = registry.building().next().cloned() else { return Ok(false) };
    let access = Access { caller: Arc::new(Caller::system(Uuid::nil())), registry };
    let operations = vec![Operation::ExtendIndex { field: field.clone(), limit: CHUNK }];
    let changes = ChangeSet::new(operations, services.clock.now(), Arc::from("index"));
    match services.items.commit(&access, changes).await {
        Ok(outcomes) if outcomes.contains(&Outcome::Indexed(false)) => {}
        Ok(_) => {
            tracing::info!(field = %field.name, "an index is ready");
            services.reload_types().await?;
        }
        // The types have changed meanwhile, on another server perhaps.
        Err(error) if error.is_retryable() => services.reload_types().await?,
        Err(error) => return Err(error),
    }
    Ok(true)
}

//! The in-memory store passes the suite of moving.

use std::sync::Arc;

use realnet_core::transfer::Target;
use realnet_provider_generic::MemoryStore;
use realnet_testkit::conformance::Stores;
use realnet_testkit::transfer::TransferBackend;

struct Memory;

#[async_trait::async_trait]
impl TransferBackend for Memory {
    async fn open(&self) -> (Stores, Arc<dyn Target>) {
        let store = Arc::new(MemoryStore::new());
        let stores = Stores {
            items: Arc::clone(&store) as _,
            types: Arc::clone(&store) as _,
            credentials: Arc::clone(&store) as _,
            sources: Arc::clone(&store) as _,
            guard: None,
        };
        (stores, store)
    }
}

realnet_testkit::transfer_conformance!(Memory);

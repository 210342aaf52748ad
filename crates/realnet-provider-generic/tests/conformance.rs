//! The in-memory store passes the suite that every store passes.

use std::sync::Arc;

use realnet_provider_generic::MemoryStore;
use realnet_testkit::conformance::{Backend, Stores};

#[derive(Default)]
struct Memory;

#[async_trait::async_trait]
impl Backend for Memory {
    async fn open(&self) -> Stores {
        let store = Arc::new(MemoryStore::new());
        Stores {
            items: Arc::clone(&store) as _,
            types: Arc::clone(&store) as _,
            credentials: Arc::clone(&store) as _,
            sources: store,
            guard: None,
        }
    }
}

realnet_testkit::conformance!(Memory);

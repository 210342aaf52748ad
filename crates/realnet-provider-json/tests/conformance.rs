//! The store of JSON documents passes the suite that every store passes.

use std::path::Path;
use std::sync::Arc;

use realnet_core::transfer::Target;
use realnet_provider_generic::{DocumentStore, MemoryStore};
use realnet_testkit::conformance::{Backend, Stores};
use realnet_testkit::transfer::TransferBackend;
use tempfile::TempDir;

#[derive(Default)]
struct Json;

struct Guard {
    documents: DocumentStore,
    folder: Arc<TempDir>,
}

fn open(folder: &Path) -> DocumentStore {
    realnet_provider_json::open(folder).expect("a store")
}

fn stores(folder: Arc<TempDir>) -> Stores {
    let documents = open(folder.path());
    let store = Arc::clone(documents.store());
    Stores {
        items: Arc::clone(&store) as _,
        types: Arc::clone(&store) as _,
        credentials: Arc::clone(&store) as _,
        sources: store,
        guard: Some(Arc::new(Guard { documents, folder })),
    }
}

#[async_trait::async_trait]
impl Backend for Json {
    async fn open(&self) -> Stores {
        stores(Arc::new(tempfile::tempdir().expect("a temporary folder")))
    }

    async fn reopen(&self, mut held: Stores) -> Option<Stores> {
        let guard = held.guard.take()?.downcast::<Guard>().ok()?;
        guard.documents.close();
        Some(stores(Arc::clone(&guard.folder)))
    }
}

#[async_trait::async_trait]
impl TransferBackend for Json {
    async fn open(&self) -> (Stores, Arc<dyn Target>) {
        let stores = Backend::open(self).await;
        let guard = stores.guard.clone().and_then(|guard| guard.downcast::<Guard>().ok());
        let store: Arc<MemoryStore> = Arc::clone(guard.expect("a store has its guard").documents.store());
        (stores, store)
    }
}

realnet_testkit::conformance!(Json);

mod transfer {
    realnet_testkit::transfer_conformance!(crate::Json);
}

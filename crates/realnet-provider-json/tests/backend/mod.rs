//! A store of documents as the suites know stores, whatever the format: shared by the tests of all formats.

use std::path::Path;
use std::sync::Arc;

use realnet_core::Result;
use realnet_core::transfer::Target;
use realnet_provider_generic::DocumentStore;
use realnet_testkit::conformance::{Backend, Stores};
use realnet_testkit::transfer::TransferBackend;
use tempfile::TempDir;

/// Opens a folder in a format.
pub struct Documents(pub fn(&Path) -> Result<DocumentStore>);

/// What a case holds.
struct Guard {
    documents: DocumentStore,
    folder: Arc<TempDir>,
}

impl Documents {
    fn stores(&self, folder: Arc<TempDir>) -> Stores {
        let documents = (self.0)(folder.path()).expect("a store");
        let store = Arc::clone(documents.store());
        Stores {
            items: Arc::clone(&store) as _,
            types: Arc::clone(&store) as _,
            credentials: Arc::clone(&store) as _,
            sources: store,
            guard: Some(Arc::new(Guard { documents, folder })),
        }
    }
}

#[async_trait::async_trait]
impl Backend for Documents {
    async fn open(&self) -> Stores {
        self.stores(Arc::new(tempfile::tempdir().expect("a temporary folder")))
    }

    async fn reopen(&self, mut held: Stores) -> Option<Stores> {
        let guard = held.guard.take()?.downcast::<Guard>().ok()?;
        guard.documents.close();
        Some(self.stores(Arc::clone(&guard.folder)))
    }
}

#[async_trait::async_trait]
impl TransferBackend for Documents {
    async fn open(&self) -> (Stores, Arc<dyn Target>) {
        let stores = Backend::open(self).await;
        let guard = stores.guard.clone().and_then(|guard| guard.downcast::<Guard>().ok());
        let store = Arc::clone(guard.expect("a store has its guard").documents.store());
        (stores, store)
    }
}

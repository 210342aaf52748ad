//! The conformance suite: what every store of items, types and credentials must do, as plain async functions.
//!
//! Implement [`Backend`] for a store and put one line into a test file of its crate:
//!
//! ```
//! use realnet_testkit::conformance::{Backend, Stores};
//!
//! #[derive(Default)]
//! struct MyBackend;
//!
//! #[async_trait::async_trait]
//! impl Backend for MyBackend {
//!     async fn open(&self) -> Stores {
//!         open_a_new_store().await
//!     }
//! }
//!
//! realnet_testkit::conformance!(MyBackend);
//! # async fn open_a_new_store() -> Stores { unreachable!("tests of an example are not run") }
//! ```
//!
//! The line expands to one `#[test]` per case, so that a test runner shows and repeats them one by one. Each case
//! gets a [`World`]: an empty store of its own, filled with a set of types and people. What a list must answer is
//! computed by core's own rules ([`realnet_core::acl::decide`], [`realnet_core::query::matches`] and
//! [`realnet_core::query::sort_keys`]) over all items, and compared page by page.

use std::any::Any;
use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;
use realnet_core::provider::{CredentialProvider, ItemProvider, SourceProvider, TypeProvider};

pub mod cases;
mod fixture;
mod list;

use fixture::next_registry;
pub use fixture::{
    Draft, Find, Org, Snapshot, Source, World, by_key, delete, eventually, expect_kind, grant, item, race,
};

/// The parts of one opened store.
#[derive(Clone)]
pub struct Stores {
    /// Items and the change log.
    pub items: Arc<dyn ItemProvider>,
    /// Types.
    pub types: Arc<dyn TypeProvider>,
    /// Credentials, sessions and settings.
    pub credentials: Arc<dyn CredentialProvider>,
    /// What was applied from which document.
    pub sources: Arc<dyn SourceProvider>,
    /// What lives as long as the store, such as a temporary folder or database; dropped when the case is over.
    pub guard: Option<Arc<dyn Any + Send + Sync>>,
}

impl std::fmt::Debug for Stores {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Stores({})", self.items.capabilities().name)
    }
}

/// A kind of store that the suite is run against.
#[async_trait]
pub trait Backend: Send + Sync {
    /// Opens a new and empty store that shares nothing with any other: no types, type revision 0.
    async fn open(&self) -> Stores;

    /// Closes a store and opens the same one again. `None` when what it held is gone with it; a store whose
    /// capabilities say `durable` must answer with one.
    async fn reopen(&self, stores: Stores) -> Option<Stores> {
        drop(stores);
        None
    }
}

/// Runs one case on a new store of `backend`. Panics when the case fails.
pub fn run<B, C, F>(backend: B, case: C)
where
    B: Backend + 'static,
    C: FnOnce(World) -> F,
    F: Future<Output = ()>,
{
    block_on(async {
        let world = World::open(Arc::new(backend)).await;
        case(world).await;
    });
}

/// Runs a case on threads of its own.
pub(crate) fn block_on(case: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .expect("a runtime needs threads of the machine only");
    runtime.block_on(case);
}

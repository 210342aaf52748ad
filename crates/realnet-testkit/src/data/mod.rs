//! The suite of contents: what every store of bytes must do, as plain async functions.
//!
//! Implement [`DataBackend`] for a store and put one line into a test file of its crate:
//!
//! ```
//! use realnet_testkit::data::{DataBackend, DataStore};
//!
//! #[derive(Default)]
//! struct MyBackend;
//!
//! #[async_trait::async_trait]
//! impl DataBackend for MyBackend {
//!     async fn open(&self, quota: Option<u64>) -> DataStore {
//!         open_a_new_store(quota).await
//!     }
//! }
//!
//! realnet_testkit::data_conformance!(MyBackend);
//! # async fn open_a_new_store(_: Option<u64>) -> DataStore { unreachable!("tests of an example are not run") }
//! ```
//!
//! The line expands to one `#[test]` per case. Each case gets a [`DataWorld`]: an empty store of its own.

#![allow(clippy::panic, reason = "a case fails by panicking")]

use std::any::Any;
use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;
use realnet_core::provider::DataProvider;

pub mod cases;
mod fixture;
mod list;

pub use fixture::{DataWorld, broken, checksum, collect, endless, pieces, sample, whole};

/// One opened store of contents.
#[derive(Clone)]
pub struct DataStore {
    /// The store.
    pub data: Arc<dyn DataProvider>,
    /// What lives as long as the store, such as a temporary folder; dropped when the case is over.
    pub guard: Option<Arc<dyn Any + Send + Sync>>,
}

impl std::fmt::Debug for DataStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DataStore({})", self.data.capabilities().name)
    }
}

/// A kind of store that the suite is run against.
#[async_trait]
pub trait DataBackend: Send + Sync {
    /// Opens a new and empty store that shares nothing with any other. A bound of bytes is asked for only of stores whose
    /// capabilities offer it.
    async fn open(&self, quota: Option<u64>) -> DataStore;

    /// Closes a store and opens the same one again, without a bound. `None` when what it held is gone with it; a store whose
    /// capabilities say `durable` must answer with one.
    async fn reopen(&self, store: DataStore) -> Option<DataStore> {
        drop(store);
        None
    }
}

/// Runs one case on a new store of `backend`. Panics when the case fails.
pub fn run<B, C, F>(backend: B, case: C)
where
    B: DataBackend + 'static,
    C: FnOnce(DataWorld) -> F,
    F: Future<Output = ()>,
{
    crate::conformance::block_on(async {
        let world = DataWorld::open(Arc::new(backend)).await;
        case(world).await;
    });
}

//! The suite of moving: what a store must do to give all that it holds to another one.
//!
//! Implement [`TransferBackend`] for a store and put one line into a test file of its crate:
//!
//! ```
//! use std::sync::Arc;
//!
//! use realnet_core::transfer::Target;
//! use realnet_testkit::conformance::Stores;
//! use realnet_testkit::transfer::TransferBackend;
//!
//! #[derive(Default)]
//! struct MyBackend;
//!
//! #[async_trait::async_trait]
//! impl TransferBackend for MyBackend {
//!     async fn open(&self) -> (Stores, Arc<dyn Target>) {
//!         open_a_new_store().await
//!     }
//! }
//!
//! realnet_testkit::transfer_conformance!(MyBackend);
//! # async fn open_a_new_store() -> (Stores, Arc<dyn Target>) { unreachable!("tests of an example are not run") }
//! ```
//!
//! The line expands to one `#[test]` per case. Each case gets [`Pair`]: a store with types, people and much else in it, and an
//! empty one.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a case fails by panicking")]

use std::future::Future;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use realnet_core::transfer::Target;

use crate::conformance::{Backend, Stores, World, block_on};

pub mod cases;
mod fixture;
mod list;

pub use fixture::Pair;

/// A kind of store that the suite is run against.
#[async_trait]
pub trait TransferBackend: Send + Sync {
    /// Opens a new and empty store that shares nothing with any other; answers its parts, and the same as one that can be filled.
    async fn open(&self) -> (Stores, Arc<dyn Target>);
}

/// The backend as the suite of items knows one; keeps what it has opened.
struct Opened<B> {
    backend: B,
    target: Mutex<Option<Arc<dyn Target>>>,
}

#[async_trait]
impl<B: TransferBackend> Backend for Opened<B> {
    async fn open(&self) -> Stores {
        let (stores, target) = self.backend.open().await;
        *self.target.lock().expect("no holder of this lock panics") = Some(target);
        stores
    }
}

/// Runs one case on two new stores of `backend`. Panics when the case fails.
pub fn run<B, C, F>(backend: B, case: C)
where
    B: TransferBackend + 'static,
    C: FnOnce(Pair) -> F,
    F: Future<Output = ()>,
{
    block_on(async {
        let opened = Arc::new(Opened { backend, target: Mutex::default() });
        let world = World::open(Arc::clone(&opened) as Arc<dyn Backend>).await;
        let from = opened.target.lock().expect("no holder of this lock panics").take();
        let (stores, to) = opened.backend.open().await;
        case(Pair { world, from: from.expect("a world opens a store"), stores, to }).await;
    });
}

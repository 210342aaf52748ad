//! Moving whole stores: one is filled with what another one holds, and the two are compared.
//!
//! Below access and apart from requests: the operator's commands (`copy`, `backup`, `restore`, `verify`) drive it. How a store
//! gives and takes its records is told in [`crate::provider::DumpProvider`] and [`crate::provider::RestoreProvider`].

mod digest;
mod filling;
mod mark;

pub use digest::{Digest, Summary, digest};
pub use filling::{Filling, Progress, Target};

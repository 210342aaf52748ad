//! The cases, one file per topic. Each takes a world of its own and panics when the store fails it.

#![allow(clippy::needless_pass_by_value, reason = "a case owns its world: some close it")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a case fails by panicking")]

pub mod aggregates;
pub mod batch;
pub mod changelog;
pub mod contents;
pub mod credentials;
pub mod crud;
pub mod durability;
pub mod events;
pub mod filters;
pub mod geography;
pub mod grants;
pub mod idempotency;
pub mod indexes;
pub mod inheritance;
pub mod inherited;
pub mod limits;
pub mod paging;
pub mod random;
pub mod records;
pub mod references;
pub(crate) mod sample;
pub mod scopes;
pub mod search;
pub mod sessions;
pub mod sizes;
pub mod sort;
pub mod sources;
pub mod tree;
pub mod types;
pub mod unicode;
pub mod unique;
pub mod values;
pub mod versions;
pub mod visibility;

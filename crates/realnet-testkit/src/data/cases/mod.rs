//! The cases, one file per topic. Each takes a store of its own and panics when it fails.

#![allow(clippy::needless_pass_by_value, reason = "a case owns its world: some close it")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a case fails by panicking")]

pub mod contents;
pub mod failures;
pub mod listing;
pub mod quota;
pub mod ranges;
pub mod uploads;

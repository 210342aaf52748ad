//! Files on real stores: what is swept, whose a storage is, uploads that are ended by several at once, pictures that are measured.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;
mod endings;
mod keeper;
mod pictures;
mod sweep;

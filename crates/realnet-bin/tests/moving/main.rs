//! Whole stores on the move, as an operator moves them, and items, as a user takes them along: with commands, between real engines,
//! and with interruptions.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod again;
mod backup;
mod buckets;
#[path = "../common/mod.rs"]
mod common;
mod copy;
mod exchange;
mod faults;
mod hostile_exports;
mod large_exports;
mod left_behind;
mod ring;
mod shop;
mod told;
mod travellers;
mod updates;

//! Whole stores on the move, as an operator moves them: with commands, between real engines, and with interruptions.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod backup;
#[path = "../common/mod.rs"]
mod common;
mod copy;
mod ring;
mod shop;

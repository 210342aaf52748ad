//! What is particular to a store of documents: crashes, full disks, damage, edits by hand. In JSON, for all formats.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test")]

mod behind;
mod common;
mod crash;
mod damage;
mod edits;
mod full;
mod nul;
mod opening;

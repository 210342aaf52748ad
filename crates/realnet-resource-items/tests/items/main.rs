//! The plain item behaviour, through the dispatcher, on the in-memory store.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test")]

mod batch;
mod bodies;
mod bulk;
mod create;
mod delete;
mod dispatch;
mod edit;
mod grants;
mod guesses;
mod history;
mod idempotency;
mod list;
mod render;
mod rotation;
mod secrets;
mod weather;
mod world;

//! The plain item behaviour, through the dispatcher, on the in-memory store.

mod batch;
mod bodies;
mod bulk;
mod create;
mod delete;
mod dispatch;
mod edit;
mod grants;
mod history;
mod idempotency;
mod list;
mod render;
mod world;

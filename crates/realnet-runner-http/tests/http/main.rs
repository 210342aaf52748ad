//! The runner as clients see it: a real server on a free port, the in-memory store and the real resources behind it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that can not go on has failed")]

mod common;

mod aggregate;
mod auth;
mod batch;
mod bodies;
mod cookies;
mod cors;
mod crowds;
mod data;
mod docs;
mod documents;
mod errors;
mod factor;
mod health;
mod hidden;
mod history;
mod hostile;
mod idempotency;
mod item;
mod keys;
mod large;
mod limits;
mod list;
mod logs;
mod many;
mod memory;
mod notices;
mod openapi;
mod proxies;
mod shutdown;
mod stalls;
mod tls;
mod tree;
mod tus;
mod types;
mod uploads;

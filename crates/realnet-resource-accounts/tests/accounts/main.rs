//! Accounts through the dispatcher and the authenticator, on the in-memory store.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test")]

mod first_start;
mod orgs;
mod passwords;
mod raising;
mod self_service;
mod sessions;
mod sign_in;
mod world;

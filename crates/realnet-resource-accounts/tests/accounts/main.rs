//! Accounts through the dispatcher and the authenticator, on the in-memory store.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test")]

mod audit;
mod between;
mod clients;
mod explain;
mod factor;
mod factor_at_once;
mod first_start;
mod keys;
mod lockout;
mod lost;
mod mail;
mod mailed;
mod oidc;
mod orgs;
mod passkeys;
mod passwords;
mod raising;
mod required;
mod self_service;
mod session_list;
mod sessions;
mod sign_in;
mod sign_up;
mod world;

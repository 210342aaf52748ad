//! Contents in a real S3 server: what is large, what fails on the way, who signs, and what clients do by themselves.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail the test")]

mod common;
mod credentials;
mod failures;
mod large;
mod leftovers;
mod presigned;
mod proxy;
mod setup;
mod stub;
mod uploads;

//! What is PostgreSQL's own: connecting and its failures, migrations, several servers on one database, restarts.

#![allow(clippy::unwrap_used, reason = "helpers of tests are not seen as tests")]

mod access;
mod connecting;
mod dumps;
mod encryption;
mod given_up;
mod groups;
mod lookups;
mod migrations;
mod moments;
mod plans;
mod pools;
mod replicas;
mod restarts;
mod silence;
mod support;
mod types;

//! What is particular to contents in local files: crashes, full disks, links, rights, damage, and how much memory it takes.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail the test")]

mod common;
mod crash;
mod damage;
mod full;
mod links;
mod memory;
mod opening;

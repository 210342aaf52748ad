#![doc = include_str!("../README.md")]

mod access;
mod compile;
mod dialect;
mod field_id;
mod kept_grants;
mod marks;
mod page;
mod pending;
pub mod postgres;
mod principal;
mod row;
mod sqlite;
mod statement;
mod transfer;

pub use pending::Pending;
pub use sqlite::{SqliteConfig, SqliteDump, SqliteStore};

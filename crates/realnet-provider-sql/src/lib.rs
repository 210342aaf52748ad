#![doc = include_str!("../README.md")]

mod access;
mod compile;
mod dialect;
mod field_id;
mod kept_grants;
mod marks;
mod page;
pub mod postgres;
mod principal;
mod row;
mod sqlite;
mod statement;

pub use sqlite::{SqliteConfig, SqliteStore};

//! Whole stores as streams of records: what both backends share of it. Their `transfer` modules read and write by it.

mod outlet;
mod read;
mod write;

pub(crate) use outlet::Outlet;
pub(crate) use read::{columns, count, read, select};
pub(crate) use write::{CHANGE_COLUMNS, change_row, insert, mark};

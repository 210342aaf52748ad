#![doc = include_str!("../README.md")]

mod field_id;
pub mod postgres;
mod principal;
mod statement;

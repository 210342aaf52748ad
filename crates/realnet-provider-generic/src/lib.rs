#![doc = include_str!("../README.md")]

mod local;
mod memory;
mod quota;

pub use local::{LocalData, LocalOptions};
pub use memory::{MemoryData, MemoryStore};

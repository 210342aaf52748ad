#![doc = include_str!("../README.md")]

mod documents;
mod files;
mod local;
mod memory;
mod quota;

pub use documents::{Codec, DocumentStore, Edits, Fault, Ordered, Problem, ordered};
pub use local::{LocalData, LocalLook, LocalOptions};
pub use memory::{MemoryData, MemoryStore};

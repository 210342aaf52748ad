#![doc = include_str!("../README.md")]

mod copy;
mod documents;
mod kind;
mod name;
mod peek;
mod pending;
mod presigned;
mod resource;
mod resumable;
mod sweep;
mod thumb;
mod upload;

pub use resource::Files;
pub use sweep::{Swept, claim, claim_for, sweep};

#![doc = include_str!("../README.md")]

pub mod acl;
pub mod canonical;
pub mod change;
pub mod clock;
pub mod error;
pub mod index;
pub mod limit;
pub mod load;
pub mod model;
mod near;
pub mod provider;
pub mod query;
pub mod registry;
pub mod resource;
pub mod secret;
pub mod transfer;

pub use error::{Error, ErrorKind, Result, Violation};
pub use near::nearest;
pub use uuid::Uuid;

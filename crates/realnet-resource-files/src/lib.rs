#![doc = include_str!("../README.md")]

mod copy;
mod documents;
mod keeper;
mod kind;
mod measure;
mod name;
mod peek;
mod pending;
mod picture;
mod presigned;
mod resource;
mod resumable;
mod sweep;
mod thumb;
mod upload;

pub use keeper::Keeper;
pub use resource::Files;
pub use sweep::{
    DATABASE_SETTING, Swept, check_owned, check_owner, check_shared, claim, claim_for, sweep, take_over,
};

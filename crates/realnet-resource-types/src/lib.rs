#![doc = include_str!("../README.md")]

mod apply;
mod define;
mod describe;
mod drift;
mod grants;
mod initializer;
mod resource;
mod scan;
mod state;

pub use initializer::Initializer;
pub use resource::Types;

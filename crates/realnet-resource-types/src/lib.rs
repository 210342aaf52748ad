#![doc = include_str!("../README.md")]

mod apply;
mod define;
mod describe;
mod drift;
mod grants;
mod indexes;
mod initializer;
mod list;
mod resource;
mod scan;
mod sealing;
mod state;
mod subjects;

pub use indexes::IndexBuilder;
pub use initializer::Initializer;
pub use resource::Types;

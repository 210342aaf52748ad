//! Initialization documents: what one would do, doing it, and what differs from it since.

mod apply;
mod drift;
mod options;
mod plan;

pub(crate) use apply::apply;
pub(crate) use drift::drift;
pub(crate) use plan::plan;

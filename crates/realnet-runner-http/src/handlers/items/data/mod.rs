//! `/api/{resource}/{id}/data`: the content of an item, streamed.

mod delete;
mod read;
mod write;

pub(crate) use delete::delete;
pub(crate) use read::read;
pub(crate) use write::write;

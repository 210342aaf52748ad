//! `/api/{resource}`: items, one operation per file.

mod aggregate;
mod children;
mod create;
pub(crate) mod data;
mod delete;
mod delete_many;
mod get;
mod get_grants;
mod history;
mod list;
mod patch;
mod patch_many;
mod replace;
mod set_grants;
mod untyped;
mod upload;

pub(crate) use aggregate::aggregate;
pub(crate) use children::children;
pub(crate) use create::create;
pub(crate) use delete::delete;
pub(crate) use delete_many::delete_many;
pub(crate) use get::get;
pub(crate) use get_grants::get_grants;
pub(crate) use history::history;
pub(crate) use list::list;
pub(crate) use patch::patch;
pub(crate) use patch_many::patch_many;
pub(crate) use replace::replace;
pub(crate) use set_grants::set_grants;

//! `/api/types`: types, which are known by name, one operation per file.

mod create;
mod delete;
mod get;
mod get_grants;
mod list;
mod patch;
mod replace;
mod reset_grants;
mod set_grants;
mod tagged;

pub(crate) use create::create;
pub(crate) use delete::delete;
pub(crate) use get::get;
pub(crate) use get_grants::get_grants;
pub(crate) use list::list;
pub(crate) use patch::patch;
pub(crate) use replace::replace;
pub(crate) use reset_grants::reset_grants;
pub(crate) use set_grants::set_grants;

/// The endpoint of types.
const TYPES: &str = "types";

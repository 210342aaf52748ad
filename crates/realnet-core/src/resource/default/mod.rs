//! The plain item behaviour: what a resource does where it does not say otherwise.
//!
//! Reads go to the store with the caller's access; writes become a plan (`plan`) that is committed as one change set. Edits
//! are computed inside the transaction from the item as it is then, so a write costs one round trip.

mod aggregate;
mod apply;
mod create;
mod data;
mod delete;
mod edit;
mod expand;
mod get;
mod grants;
mod history;
mod idempotency;
mod json_patch;
mod list;
mod many;
mod owner;
mod plan;
mod property;
mod unseen;
mod violations;

pub use aggregate::aggregate;
pub use create::create;
pub use data::{
    NewFile, check_new_file, check_parent, create_files, delete_data, forget_content, read_data, write_data,
};
pub use delete::delete;
pub use edit::{patch, replace};
pub use get::get;
pub use grants::{get_grants, readable_sources, set_grants};
pub use history::history;
pub use list::{children, list};
pub use many::{delete_many, patch_many};

pub(super) use create::plan_create;
pub(super) use delete::plan_delete;
pub(super) use edit::{Edited, plan_edit};
pub(super) use idempotency::{Begin, begin};
pub(super) use json_patch::JsonPatch;
pub(super) use plan::Plan;

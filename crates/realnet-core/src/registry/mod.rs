//! The type registry: an immutable snapshot of all types, resolved once and read by every request.

mod build;
mod check;
mod fields;
pub(crate) mod formats;
mod handle;
mod info;
mod order;
pub(crate) mod problems;
mod references;
mod resolve;
mod schema;
mod schema_bounds;
mod snapshot;
mod types;
mod validator;

pub use handle::RegistryHandle;
pub use info::{FieldInfo, FieldRef, InstanceInfo, TypeInfo};
pub use snapshot::TypeRegistry;
pub use types::{TypeGrants, TypeSnapshot};

#[cfg(test)]
mod tests;

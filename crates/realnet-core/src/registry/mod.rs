//! The type registry: an immutable snapshot of all types, resolved once and read by every request.

mod bounds;
mod build;
mod change;
mod check;
mod fields;
pub(crate) mod formats;
mod handle;
mod info;
mod order;
mod positions;
pub(crate) mod problems;
mod references;
mod resolve;
mod retired;
mod schema;
mod schema_bounds;
mod snapshot;
mod together;
mod types;
mod unseen;
mod validator;
mod weight;

pub use change::FIXED_ROUTES;
pub use handle::RegistryHandle;
pub use info::{FieldInfo, FieldRef, InstanceInfo, TypeInfo};
pub use snapshot::TypeRegistry;
pub use together::Together;
pub use types::{TypeGrants, TypeSnapshot};

#[cfg(test)]
mod narrow_tests;
#[cfg(test)]
mod org_tests;
#[cfg(test)]
mod retired_tests;
#[cfg(test)]
mod tests;

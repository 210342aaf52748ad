//! Access control: grants, callers, scopes of keys, and the one rule that decides.

mod caller;
mod decide;
mod grant;
mod inherit;
mod origin;
mod scope;
mod shown;

pub use caller::{Caller, OrgRole, Principal};
pub use decide::{ClassAccess, Reason, decide, explain, may_create};
pub use grant::{Grant, Permission, Permissions, Subject};
pub use inherit::{InheritedGrant, inherited};
pub use origin::Origin;
pub use scope::{Scope, ScopeRule};
pub use shown::ShownGrants;

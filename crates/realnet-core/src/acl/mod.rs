//! Access control: grants, callers and the one rule that decides.

mod caller;
mod decide;
mod grant;
mod origin;

pub use caller::{Caller, OrgRole, Principal};
pub use decide::{ClassAccess, Reason, decide, explain, may_create};
pub use grant::{Grant, Permission, Permissions, Subject};
pub use origin::Origin;

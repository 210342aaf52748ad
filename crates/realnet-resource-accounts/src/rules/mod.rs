//! The rules that hold for accounts, orgs, groups and roles on every path: nobody raises themselves, no administrator makes,
//! raises to or alters a superuser. Asked inside the transaction where something changes.

pub(crate) mod account;
pub(crate) mod org;

use realnet_core::acl::Caller;
use realnet_core::model::Item;
use realnet_core::{Error, Result};

/// The name of the role that only the role in an org can give.
const RESERVED: &str = "superuser";

/// Groups, roles and memberships decide who may do what, so only administrators touch them, whatever grants say.
pub(crate) fn administrators_only(caller: &Caller) -> Result<()> {
    if caller.is_admin() {
        Ok(())
    } else {
        Err(Error::forbidden("only administrators change groups, roles and memberships"))
    }
}

/// A role of the name of the superusers' would stand for them in grants.
pub(crate) fn reserved_name(caller: &Caller, role: &Item) -> Result<()> {
    if role.name.trim().to_lowercase() == RESERVED && !caller.is_superuser() {
        return Err(Error::forbidden("only superusers have a role of this name"));
    }
    Ok(())
}

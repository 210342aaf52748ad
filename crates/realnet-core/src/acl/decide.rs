//! The one rule: `superuser ∨ public grant ∨ (same org ∧ (admin ∨ owner ∨ grant))`.
//!
//! [`decide`] is pure and the oracle: stores compile the same rule into their queries, and the conformance
//! suite proves the two equal.

use uuid::Uuid;

use super::{Caller, Grant, Permission};
use crate::error::{Error, Result};
use crate::model::{Item, Visibility};
use crate::registry::{TypeInfo, TypeRegistry};

/// What the grants on a type say about its items, for one caller, org and permission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassAccess {
    /// Whether items without an instance are covered, and those of instances without access of their own.
    pub by_type: bool,
    /// Instances whose own access differs from `by_type`: name and whether it covers.
    pub exceptions: Vec<(std::sync::Arc<str>, bool)>,
}

impl ClassAccess {
    /// What the type grants say to `caller` about items of `info` in `org`.
    pub fn of(
        registry: &TypeRegistry,
        info: &TypeInfo,
        caller: &Caller,
        org: Uuid,
        permission: Permission,
    ) -> Self {
        let member = caller.is_member_of(org);
        let by_type = covers(registry.access(org, info, None), caller, member, permission);
        let exceptions = registry
            .instances_with_access(org, info)
            .filter_map(|instance| {
                let own = covers(registry.access(org, info, Some(&instance)), caller, member, permission);
                (own != by_type).then_some((instance, own))
            })
            .collect();
        Self { by_type, exceptions }
    }

    /// Whether the grants on the type cover items of `instance`.
    pub fn covers(&self, instance: Option<&str>) -> bool {
        instance
            .and_then(|name| {
                self.exceptions.iter().find(|(exception, _)| exception.eq_ignore_ascii_case(name))
            })
            .map_or(self.by_type, |(_, covers)| *covers)
    }
}

fn covers(grants: &[Grant], caller: &Caller, member: bool, permission: Permission) -> bool {
    grants.iter().any(|grant| {
        grant.permissions.contains(permission)
            && (grant.subject == super::Subject::Public || (member && caller.matches(&grant.subject)))
    })
}

/// Which part of the rule decided.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Reason {
    /// The caller is a superuser.
    Superuser,
    /// The item is public (read only).
    Public,
    /// A grant on the item.
    ItemGrant {
        /// The grant that decided.
        grant: Grant,
    },
    /// A grant on the type or instance.
    TypeGrant,
    /// The caller is an administrator of the org.
    Admin,
    /// The caller owns the item.
    Owner,
}

/// Whether `caller` has `permission` on `item`.
pub fn decide(registry: &TypeRegistry, caller: &Caller, item: &Item, permission: Permission) -> bool {
    explain(registry, caller, item, permission).is_some()
}

/// Why `caller` has `permission` on `item`; `None` when it has not.
pub fn explain(
    registry: &TypeRegistry,
    caller: &Caller,
    item: &Item,
    permission: Permission,
) -> Option<Reason> {
    if caller.is_superuser() {
        return Some(Reason::Superuser);
    }
    let member = caller.is_member_of(item.org);
    if member && caller.is_admin() {
        return Some(Reason::Admin);
    }
    if member && caller.account.is_some() && item.owner == caller.account {
        return Some(Reason::Owner);
    }
    if item.public && permission == Permission::Read {
        return Some(Reason::Public);
    }
    let on_item =
        item.grants.iter().find(|grant| covers(std::slice::from_ref(grant), caller, member, permission));
    if let Some(grant) = on_item {
        return Some(Reason::ItemGrant { grant: grant.clone() });
    }
    if item.visibility == Visibility::Restricted {
        return None;
    }
    let info = registry.by_id(item.type_id)?;
    covers(registry.access(item.org, info, item.instance.as_deref()), caller, member, permission)
        .then_some(Reason::TypeGrant)
}

/// Whether `caller` may create items of `info` (and `instance`) in `org`; an error that says why not.
pub fn may_create(
    registry: &TypeRegistry,
    caller: &Caller,
    info: &TypeInfo,
    instance: Option<&str>,
    org: Uuid,
) -> Result<()> {
    let member = caller.is_member_of(org);
    let allowed = caller.is_superuser()
        || (member && caller.is_admin())
        || covers(registry.access(org, info, instance), caller, member, Permission::Create);
    if allowed {
        Ok(())
    } else if caller.role.is_none() {
        Err(Error::new(crate::error::ErrorKind::Unauthenticated, "sign in to create items"))
    } else {
        Err(Error::forbidden(format!("you may not create items of type {}", info.name())))
    }
}

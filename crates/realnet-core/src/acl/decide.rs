//! The one rule: `superuser ∨ public grant ∨ (same org ∧ (admin ∨ owner ∨ grant))`, and what the caller's key leaves of it. A
//! grant is one on the item, one that it inherits of an item above, or one on its type.
//!
//! [`decide`] is pure and the oracle: stores compile the same rule into their queries, and the conformance
//! suite proves the two equal.

use uuid::Uuid;

use super::{Caller, Grant, OrgRole, Permission};
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
        if !caller.scope_allows(registry, info.id(), permission) {
            return Self { by_type: false, exceptions: Vec::new() };
        }
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
    covering(grants, caller, member, permission).is_some()
}

/// The first of some grants that gives the permission to the caller.
fn covering<'a>(
    grants: &'a [Grant],
    caller: &Caller,
    member: bool,
    permission: Permission,
) -> Option<&'a Grant> {
    grants.iter().find(|grant| gives(grant, caller, member, permission))
}

fn gives(grant: &Grant, caller: &Caller, member: bool, permission: Permission) -> bool {
    grant.permissions.contains(permission)
        && (grant.subject == super::Subject::Public || (member && caller.matches(&grant.subject)))
}

/// Which part of the rule decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Reason<'a> {
    /// The caller is a superuser.
    Superuser,
    /// The item is public (read only).
    Public,
    /// A grant on the item.
    ItemGrant {
        /// The grant that decided.
        grant: &'a Grant,
    },
    /// A grant on an item above, which the item inherits.
    InheritedGrant {
        /// The grant that decided.
        grant: &'a Grant,
        /// The item that it stands on.
        from: Uuid,
    },
    /// A grant on the type or instance, or on a type that it is derived from.
    TypeGrant {
        /// The grant that decided.
        grant: &'a Grant,
    },
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
pub fn explain<'a>(
    registry: &'a TypeRegistry,
    caller: &Caller,
    item: &'a Item,
    permission: Permission,
) -> Option<Reason<'a>> {
    if !caller.scope_allows(registry, item.type_id, permission) {
        return None;
    }
    if caller.has_role(OrgRole::Superuser) {
        return Some(Reason::Superuser);
    }
    let member = caller.is_member_of(item.org);
    if member && caller.has_role(OrgRole::Admin) {
        return Some(Reason::Admin);
    }
    if member && caller.account.is_some() && item.owner == caller.account {
        return Some(Reason::Owner);
    }
    if item.public && permission == Permission::Read {
        return Some(Reason::Public);
    }
    if let Some(grant) = covering(&item.grants, caller, member, permission) {
        return Some(Reason::ItemGrant { grant });
    }
    let mut inherited = item.inherited.iter();
    if let Some(found) = inherited.find(|one| gives(&one.grant, caller, member, permission)) {
        return Some(Reason::InheritedGrant { grant: &found.grant, from: found.from });
    }
    if item.visibility == Visibility::Restricted {
        return None;
    }
    let info = registry.by_id(item.type_id)?;
    let access = registry.access(item.org, info, item.instance.as_deref());
    covering(access, caller, member, permission).map(|grant| Reason::TypeGrant { grant })
}

/// Whether `caller` may create items of `info` (and `instance`) in `org`; an error that says why not.
pub fn may_create(
    registry: &TypeRegistry,
    caller: &Caller,
    info: &TypeInfo,
    instance: Option<&str>,
    org: Uuid,
) -> Result<()> {
    if !caller.scope_allows(registry, info.id(), Permission::Create) {
        let message = format!("outside of the key's scope: it does not create items of type {}", info.name());
        return Err(Error::forbidden(message));
    }
    let member = caller.is_member_of(org);
    let allowed = caller.has_role(OrgRole::Superuser)
        || (member && caller.has_role(OrgRole::Admin))
        || covers(registry.access(org, info, instance), caller, member, Permission::Create);
    if allowed {
        Ok(())
    } else if caller.role.is_none() {
        Err(Error::new(crate::error::ErrorKind::Unauthenticated, "sign in to create items"))
    } else {
        Err(Error::forbidden(format!("you may not create items of type {}", info.name())))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::acl::{InheritedGrant, Permissions, Principal, Scope, ScopeRule, Subject};
    use crate::model::{InstanceDefinition, Map, TypeDefinition};
    use crate::registry::TypeSnapshot;

    const ORG: Uuid = Uuid::from_u128(1);
    const OTHER: Uuid = Uuid::from_u128(2);
    const ITEM: Uuid = Uuid::from_u128(10);
    const NOTE: Uuid = Uuid::from_u128(11);

    fn grant(subject: Subject, permission: Permission) -> Grant {
        Grant { subject, permissions: Permissions::of(&[permission]) }
    }

    fn definition(id: Uuid, name: &str, base: Option<&str>, access: Option<Vec<Grant>>) -> TypeDefinition {
        TypeDefinition {
            id,
            org: None,
            name: name.to_owned(),
            base: base.map(str::to_owned),
            attributes: Map::new(),
            fields: Vec::new(),
            access,
            instances: Vec::new(),
            version: 1,
            retired: Vec::new(),
        }
    }

    fn registry(access: Option<Vec<Grant>>) -> TypeRegistry {
        let users = grant(Subject::NamedRole("user".into()), Permission::Create);
        let mut note = definition(NOTE, "Note", Some("Item"), access);
        note.instances.push(InstanceDefinition {
            name: "Secret".into(),
            attributes: Map::new(),
            access: Some(Vec::new()),
        });
        let definitions = vec![definition(ITEM, "Item", None, Some(vec![users])), note];
        TypeRegistry::build(TypeSnapshot::of(definitions)).unwrap()
    }

    fn caller(org: Uuid, role: OrgRole) -> Caller {
        Caller { account: Some(Uuid::from_u128(100)), role: Some(role), ..Caller::anonymous(org) }
    }

    fn item() -> Item {
        Item::new(Uuid::from_u128(50), NOTE, Arc::from("Note"), ORG)
    }

    #[test]
    fn nobody_has_what_nobody_granted() {
        let registry = registry(None);
        for caller in [Caller::anonymous(ORG), caller(ORG, OrgRole::User), caller(OTHER, OrgRole::Admin)] {
            for permission in
                Permission::ALL.into_iter().filter(|permission| *permission != Permission::Create)
            {
                assert!(!decide(&registry, &caller, &item(), permission), "{caller:?} {permission:?}");
            }
        }
    }

    #[test]
    fn roles_reach_as_far_as_they_say() {
        let registry = registry(None);
        assert_eq!(
            explain(&registry, &caller(OTHER, OrgRole::Superuser), &item(), Permission::Delete),
            Some(Reason::Superuser)
        );
        assert_eq!(
            explain(&registry, &caller(ORG, OrgRole::Admin), &item(), Permission::Delete),
            Some(Reason::Admin)
        );
        let mut own = item();
        own.owner = Some(Uuid::from_u128(100));
        assert_eq!(
            explain(&registry, &caller(ORG, OrgRole::Visitor), &own, Permission::Share),
            Some(Reason::Owner)
        );
        // The same id in another org is somebody else.
        assert!(!decide(&registry, &caller(OTHER, OrgRole::User), &own, Permission::Read));
    }

    #[test]
    fn public_is_read_only_unless_more_is_granted_by_name() {
        let registry = registry(None);
        let mut public = item();
        public.public = true;
        let stranger = Caller::anonymous(OTHER);
        assert!(decide(&registry, &stranger, &public, Permission::Read));
        assert!(!decide(&registry, &stranger, &public, Permission::Execute));
        public.grants.push(grant(Subject::Public, Permission::Execute));
        assert!(decide(&registry, &stranger, &public, Permission::Execute));
    }

    #[test]
    fn grants_speak_of_members_only() {
        let registry = registry(None);
        let group = Uuid::from_u128(7);
        let mut shared = item();
        shared.grants.push(grant(Subject::Group(group), Permission::Write));
        let mut member = caller(ORG, OrgRole::User);
        member.groups.push(Principal { id: group, name: Arc::from("team") });
        assert!(decide(&registry, &member, &shared, Permission::Write));
        assert!(!decide(&registry, &member, &shared, Permission::Read));
        member.org = OTHER;
        assert!(!decide(&registry, &member, &shared, Permission::Write));
    }

    #[test]
    fn inherited_grants_come_between_those_on_the_item_and_on_the_type() {
        let group = Subject::Group(Uuid::from_u128(7));
        let mut member = caller(ORG, OrgRole::User);
        member.groups.push(Principal { id: Uuid::from_u128(7), name: Arc::from("team") });
        let from = Uuid::from_u128(60);
        let grant = |permission| grant(group.clone(), permission);
        let registry = registry(Some(vec![grant(Permission::Read), grant(Permission::Write)]));
        let above = InheritedGrant { grant: grant(Permission::Read), from };
        let mut below = Item { inherited: vec![above.clone()], ..item() };
        let reason = |item: &Item, permission| match explain(&registry, &member, item, permission) {
            Some(Reason::ItemGrant { .. }) => "item",
            Some(Reason::InheritedGrant { grant, from: place }) if (grant, place) == (&above.grant, from) => {
                "above"
            }
            Some(Reason::TypeGrant { .. }) => "type",
            other => panic!("{other:?}"),
        };
        assert_eq!(reason(&below, Permission::Read), "above");
        assert_eq!(reason(&below, Permission::Write), "type");
        below.grants.push(grant(Permission::Read));
        assert_eq!(reason(&below, Permission::Read), "item");
        let elsewhere = Caller { org: OTHER, ..member.clone() };
        assert!(!decide(&registry, &elsewhere, &below, Permission::Read));
    }

    #[test]
    fn restricted_items_and_instances_shut_type_grants_out() {
        let readers = grant(Subject::NamedRole("user".into()), Permission::Read);
        let registry = registry(Some(vec![readers]));
        let user = caller(ORG, OrgRole::User);
        let readers = grant(Subject::NamedRole("user".into()), Permission::Read);
        let open = item();
        let reason = explain(&registry, &user, &open, Permission::Read);
        assert_eq!(reason, Some(Reason::TypeGrant { grant: &readers }));
        let restricted = Item { visibility: Visibility::Restricted, ..item() };
        assert!(!decide(&registry, &user, &restricted, Permission::Read));
        let secret = Item { instance: Some(Arc::from("Secret")), ..item() };
        assert!(!decide(&registry, &user, &secret, Permission::Read));
        let note = registry.by_id(NOTE).unwrap();
        let class = ClassAccess::of(&registry, note, &user, ORG, Permission::Read);
        assert!(class.covers(None) && class.covers(Some("other")) && !class.covers(Some("secret")));
    }

    #[test]
    fn a_scope_takes_away_and_never_gives() {
        let registry = registry(None);
        let limited = |caller: Caller, of, permissions: &[Permission]| {
            let rule = ScopeRule { of, permissions: Permissions::of(permissions) };
            Caller { key: Some(Uuid::from_u128(5)), scope: Some(Arc::new(Scope::new(vec![rule]))), ..caller }
        };
        let mut own = item();
        own.owner = Some(Uuid::from_u128(100));
        own.public = true;
        for role in [OrgRole::Superuser, OrgRole::Admin, OrgRole::User] {
            let reader = limited(caller(ORG, role), Some(NOTE), &[Permission::Read]);
            assert!(decide(&registry, &reader, &own, Permission::Read), "{role:?}");
            assert!(!decide(&registry, &reader, &own, Permission::Write), "{role:?}");
            let elsewhere = limited(caller(ORG, role), Some(Uuid::from_u128(12)), &Permission::ALL);
            assert!(
                !decide(&registry, &elsewhere, &own, Permission::Read),
                "{role:?}: not even what is public"
            );
            let note = registry.by_id(NOTE).unwrap();
            assert!(may_create(&registry, &reader, note, None, ORG).is_err(), "{role:?}");
            assert!(!ClassAccess::of(&registry, note, &elsewhere, ORG, Permission::Read).by_type);
            // Powers that are no permissions are gone.
            assert!(!reader.is_admin() && !reader.is_superuser() && reader.has_role(role), "{role:?}");
            assert_eq!(reader.power(), Some(OrgRole::User));
            let whole = limited(caller(ORG, role), None, &Permission::ALL);
            assert_eq!((whole.power(), whole.is_limited()), (Some(role), false));
        }
        let visitor = limited(caller(ORG, OrgRole::Visitor), None, &Permission::ALL);
        assert!(!decide(&registry, &visitor, &item(), Permission::Read), "the account may not");
        assert_eq!(limited(caller(ORG, OrgRole::Visitor), None, &[]).power(), Some(OrgRole::Visitor));
    }

    #[test]
    fn access_declared_on_a_type_replaces_the_inherited_one() {
        let user = caller(ORG, OrgRole::User);
        let inherited = registry(None);
        assert!(may_create(&inherited, &user, inherited.by_id(NOTE).unwrap(), None, ORG).is_ok());
        let closed = registry(Some(Vec::new()));
        assert!(may_create(&closed, &user, closed.by_id(NOTE).unwrap(), None, ORG).is_err());
        assert!(
            may_create(&closed, &caller(ORG, OrgRole::Admin), closed.by_id(NOTE).unwrap(), None, ORG).is_ok()
        );
        assert!(may_create(&inherited, &user, inherited.by_id(NOTE).unwrap(), None, OTHER).is_err());
    }
}

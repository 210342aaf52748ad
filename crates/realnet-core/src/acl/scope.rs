//! The scope of a key: which permissions on which types it leaves of what its account may do.
//!
//! A scope gives nothing. [`super::decide`] asks it beside the rule of access, and everything that is not about single items
//! asks [`Scope::reaches`] or [`Scope::is_whole`].

use uuid::Uuid;

use super::{Permission, Permissions};
use crate::registry::TypeRegistry;

/// What a key may do on items of one type and of those derived from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScopeRule {
    /// The type; none: every type there is or will be.
    pub of: Option<Uuid>,
    /// What is left of the permissions on its items.
    pub permissions: Permissions,
}

/// What a key may do at most: what one of its rules allows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scope(Vec<ScopeRule>);

impl Scope {
    /// A scope of some rules; without any it allows nothing.
    pub fn new(rules: Vec<ScopeRule>) -> Self {
        Self(rules)
    }

    /// Its rules.
    pub fn rules(&self) -> &[ScopeRule] {
        &self.0
    }

    /// Whether it leaves everything: then there is also what is no permission on items, such as declaring types.
    pub fn is_whole(&self) -> bool {
        let of_all = self.0.iter().filter(|rule| rule.of.is_none());
        of_all.fold(Permissions::NONE, |all, rule| all.union(rule.permissions)) == Permissions::ALL
    }

    /// Whether it leaves something of every type.
    pub fn is_of_all_types(&self) -> bool {
        self.0.iter().any(|rule| rule.of.is_none() && !rule.permissions.is_empty())
    }

    /// Whether it leaves a permission on the items of a type.
    pub fn allows(&self, registry: &TypeRegistry, type_id: Uuid, permission: Permission) -> bool {
        self.0.iter().any(|rule| {
            rule.permissions.contains(permission)
                && rule.of.is_none_or(|of| registry.is_derived_from(type_id, of))
        })
    }

    /// Whether it leaves all that another does.
    pub fn covers(&self, registry: &TypeRegistry, other: &Self) -> bool {
        let of_all =
            |permission| self.0.iter().any(|rule| rule.of.is_none() && rule.permissions.contains(permission));
        let leaves = |of: Option<Uuid>, permission| {
            of.map_or_else(|| of_all(permission), |of| self.allows(registry, of, permission))
        };
        other.0.iter().all(|rule| rule.permissions.iter().all(|permission| leaves(rule.of, permission)))
    }

    /// Whether it leaves a permission (none: any) on items of a type, or of one derived from it.
    pub fn reaches(&self, registry: &TypeRegistry, type_id: Uuid, permission: Option<Permission>) -> bool {
        self.0.iter().any(|rule| {
            permission
                .map_or(!rule.permissions.is_empty(), |permission| rule.permissions.contains(permission))
                && rule.of.is_none_or(|of| {
                    registry.is_derived_from(type_id, of) || registry.is_derived_from(of, type_id)
                })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Map, TypeDefinition};
    use crate::registry::TypeSnapshot;

    const ITEM: Uuid = Uuid::from_u128(1);
    const NOTE: Uuid = Uuid::from_u128(2);
    const MEMO: Uuid = Uuid::from_u128(3);
    const FILE: Uuid = Uuid::from_u128(4);

    fn registry() -> TypeRegistry {
        let types = [(ITEM, "Item", None), (NOTE, "Note", Some("Item")), (MEMO, "Memo", Some("Note"))];
        let types = types.into_iter().chain([(FILE, "File", Some("Item"))]);
        let definition = |(id, name, base): (Uuid, &str, Option<&str>)| TypeDefinition {
            id,
            org: None,
            name: name.to_owned(),
            base: base.map(str::to_owned),
            attributes: Map::new(),
            fields: Vec::new(),
            access: None,
            instances: Vec::new(),
            version: 1,
            retired: Vec::new(),
        };
        TypeRegistry::build(TypeSnapshot::of(types.map(definition).collect())).unwrap()
    }

    fn scope(rules: &[(Option<Uuid>, &[Permission])]) -> Scope {
        let rule = |(of, permissions): &(Option<Uuid>, &[Permission])| ScopeRule {
            of: *of,
            permissions: Permissions::of(permissions),
        };
        Scope::new(rules.iter().map(rule).collect())
    }

    #[test]
    fn a_rule_speaks_of_its_type_and_those_below() {
        let (registry, read) = (registry(), Permission::Read);
        let scope = scope(&[(Some(NOTE), &[read]), (Some(FILE), &[Permission::Write])]);
        let readable = [ITEM, NOTE, MEMO, FILE].map(|id| scope.allows(&registry, id, read));
        assert_eq!(readable, [false, true, true, false]);
        // At the endpoint of a base there may be something.
        let reached = [ITEM, NOTE, MEMO, FILE].map(|id| scope.reaches(&registry, id, Some(read)));
        assert_eq!(reached, [true, true, true, false]);
        assert!(scope.reaches(&registry, FILE, None) && !scope.reaches(&registry, Uuid::max(), None));
        assert!(!scope.allows(&registry, Uuid::max(), read), "a type that is gone");
        assert!(!Scope::default().reaches(&registry, ITEM, None));
    }

    #[test]
    fn a_scope_covers_what_it_leaves_as_well() {
        let (registry, read, write) = (registry(), Permission::Read, Permission::Write);
        let notes = scope(&[(Some(NOTE), &[read, write])]);
        for (rules, is_covered) in [
            (&[][..], true),
            (&[(Some(MEMO), &[read][..])], true),
            (&[(Some(NOTE), &[read, write])], true),
            (&[(Some(NOTE), &[read, Permission::Delete])], false),
            (&[(Some(NOTE), &[read]), (Some(ITEM), &[read])], false),
            (&[(None, &[read])], false),
        ] {
            assert_eq!(notes.covers(&registry, &scope(rules)), is_covered, "{rules:?}");
        }
        let reader = scope(&[(None, &[read])]);
        assert!(reader.covers(&registry, &scope(&[(None, &[read]), (Some(FILE), &[read])])));
        assert!(!scope(&[(Some(ITEM), &[read])]).covers(&registry, &reader), "types that are yet to come");
    }

    #[test]
    fn only_everything_of_everything_is_the_whole() {
        assert!(scope(&[(None, &Permission::ALL)]).is_whole());
        assert!(scope(&[(None, &Permission::ALL[..3]), (None, &Permission::ALL[3..])]).is_whole());
        assert!(!scope(&[(None, &Permission::ALL[1..])]).is_whole());
        assert!(!scope(&[(Some(ITEM), &Permission::ALL)]).is_whole(), "of items, and of nothing else");
        assert!(!Scope::default().is_whole());
        assert!(scope(&[(None, &[Permission::Read])]).is_of_all_types());
        assert!(!scope(&[(None, &[]), (Some(ITEM), &[Permission::Read])]).is_of_all_types());
    }
}

//! Grants that items have from the items above them: the rule by which they pass down.
//!
//! They are kept with each item ([`Item::inherited`]), so that [`super::decide`] and the stores look at one item alone. The
//! commit engine keeps them right whenever something changes that they come from.

use std::collections::HashMap;

use uuid::Uuid;

use super::{Grant, Permissions, Subject};
use crate::model::{Item, Visibility};
use crate::registry::{TypeInfo, TypeRegistry};

/// A grant on an item above, which holds for this one as well.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct InheritedGrant {
    /// The grant.
    #[serde(flatten)]
    pub grant: Grant,
    /// The item that it stands on.
    pub from: Uuid,
}

impl InheritedGrant {
    /// The most that one item is given. It may have more: where less is given, which can uncover grants further up, and where the
    /// system has changed its types.
    pub const MAX_PER_OBJECT: usize = Grant::MAX_PER_OBJECT;
}

/// What `item` inherits of `parent`: the grants on it and those that it inherits itself, nearest first. Nothing unless the
/// item's type says so, nothing of another org, and nothing while the item is restricted.
///
/// A grant from further up is left out where a nearer one gives its subject as much. Neither ownership passes down, nor that an
/// item is public: that is for a grant to everybody to say.
pub fn inherited(registry: &TypeRegistry, item: &Item, parent: &Item) -> Vec<InheritedGrant> {
    let inherits = registry.by_id(item.type_id).is_some_and(TypeInfo::inherits_access);
    if !inherits || item.org != parent.org || item.visibility == Visibility::Restricted {
        return Vec::new();
    }
    let mut nearer: HashMap<&Subject, Permissions> = HashMap::new();
    let mut found = Vec::with_capacity(parent.grants.len() + parent.inherited.len());
    let own = parent.grants.iter().map(|grant| (grant, parent.id));
    let above = parent.inherited.iter().map(|inherited| (&inherited.grant, inherited.from));
    for (grant, from) in own.chain(above) {
        let given = nearer.entry(&grant.subject).or_default();
        if !given.covers(grant.permissions) {
            *given = given.union(grant.permissions);
            found.push(InheritedGrant { grant: grant.clone(), from });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Map, json};

    use super::*;
    use crate::acl::Permission;
    use crate::model::TypeDefinition;
    use crate::registry::TypeSnapshot;

    const ORG: Uuid = Uuid::from_u128(1);
    const ITEM: Uuid = Uuid::from_u128(2);
    const FOLDER: Uuid = Uuid::from_u128(3);

    fn registry() -> TypeRegistry {
        let definition = |id, name: &str, base: Option<&str>, attributes| TypeDefinition {
            id,
            org: None,
            name: name.to_owned(),
            base: base.map(str::to_owned),
            attributes,
            fields: Vec::new(),
            access: None,
            instances: Vec::new(),
            version: 1,
            retired: Vec::new(),
        };
        let says = Map::from_iter([("inherits_access".to_owned(), json!(true))]);
        let definitions = vec![
            definition(ITEM, "Item", None, Map::new()),
            definition(FOLDER, "Folder", Some("Item"), says),
        ];
        TypeRegistry::build(TypeSnapshot::of(definitions)).unwrap()
    }

    fn folder(number: u128, grants: &[(u128, &[Permission])]) -> Item {
        let grant = |(account, permissions): &(u128, &[Permission])| Grant {
            subject: Subject::Account(Uuid::from_u128(*account)),
            permissions: Permissions::of(permissions),
        };
        let grants = grants.iter().map(grant).collect();
        Item { grants, ..Item::new(Uuid::from_u128(number), FOLDER, Arc::from("Folder"), ORG) }
    }

    #[test]
    fn nearer_grants_come_first_and_hide_what_they_cover() {
        let (read, write) = (Permission::Read, Permission::Write);
        let registry = registry();
        let top = folder(10, &[(1, &[read, write]), (2, &[read])]);
        let mut middle = folder(11, &[(1, &[read]), (2, &[read, write]), (3, &[])]);
        middle.inherited = inherited(&registry, &middle, &top);
        assert_eq!(middle.inherited.len(), 2);
        let below = inherited(&registry, &folder(12, &[]), &middle);
        let shown: Vec<_> = below.iter().map(|one| (&one.grant.subject, one.from.as_u128())).collect();
        let subject = |account| Subject::Account(Uuid::from_u128(account));
        assert_eq!(shown, [(&subject(1), 11), (&subject(2), 11), (&subject(1), 10)]);
    }

    #[test]
    fn nothing_passes_where_it_must_not() {
        let registry = registry();
        let top = folder(10, &[(1, &[Permission::Read])]);
        let open = folder(11, &[]);
        assert_eq!(inherited(&registry, &open, &top).len(), 1);
        let restricted = Item { visibility: Visibility::Restricted, ..open.clone() };
        let plain = Item { type_id: ITEM, ..open.clone() };
        let abroad = Item { org: Uuid::from_u128(9), ..open.clone() };
        let gone = Item { type_id: Uuid::max(), ..open };
        for item in [restricted, plain, abroad, gone] {
            assert!(inherited(&registry, &item, &top).is_empty(), "{item:?}");
        }
        let public = Item { public: true, owner: Some(Uuid::from_u128(5)), ..folder(10, &[]) };
        assert!(inherited(&registry, &folder(11, &[]), &public).is_empty());
    }

    #[test]
    fn documents_round_trip() {
        let registry = registry();
        let top = folder(10, &[(1, &[Permission::Read])]);
        let inherited = inherited(&registry, &folder(11, &[]), &top);
        let document = serde_json::to_value(&inherited).unwrap();
        let (account, from) = (Uuid::from_u128(1), Uuid::from_u128(10));
        let grant =
            json!({"subject": {"type": "account", "id": account}, "permissions": ["read"], "from": from});
        assert_eq!(document, json!([grant]));
        assert_eq!(serde_json::from_value::<Vec<InheritedGrant>>(document).unwrap(), inherited);
    }
}

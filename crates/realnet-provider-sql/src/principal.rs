//! Rows of the table `grants`: who may do what with an item, in a form that an index finds.

use std::collections::BTreeMap;

use realnet_core::acl::{Caller, Permission, Permissions, Subject};
use realnet_core::model::Item;

/// A subject as a key: a tag byte, then the id or the name.
pub(crate) fn principal(subject: &Subject) -> Vec<u8> {
    let (tag, rest): (u8, &[u8]) = match subject {
        Subject::Public => (0, &[]),
        Subject::Org(id) => (1, id.as_bytes()),
        Subject::Group(id) => (2, id.as_bytes()),
        Subject::Role(id) => (3, id.as_bytes()),
        Subject::Account(id) => (4, id.as_bytes()),
        Subject::NamedGroup(name) => (5, name.as_bytes()),
        Subject::NamedRole(name) => (6, name.as_bytes()),
    };
    let mut key = Vec::with_capacity(1 + rest.len());
    key.push(tag);
    key.extend_from_slice(rest);
    key
}

/// The rows of an item: its grants, those that it inherits, its owner with every permission, and everybody when it is public (read).
pub(crate) fn grant_rows(item: &Item) -> BTreeMap<Vec<u8>, Permissions> {
    let mut rows: BTreeMap<Vec<u8>, Permissions> = BTreeMap::new();
    let mut add = |subject: &Subject, permissions: Permissions| {
        let row = rows.entry(principal(subject)).or_default();
        *row = row.union(permissions);
    };
    for grant in item.grants.iter().chain(item.inherited.iter().map(|one| &one.grant)) {
        add(&grant.subject, grant.permissions);
    }
    if let Some(owner) = item.owner {
        add(&Subject::Account(owner), Permissions::ALL);
    }
    if item.public {
        add(&Subject::Public, Permissions::of(&[Permission::Read]));
    }
    rows
}

/// The principals whose rows speak of the caller in its own org. In other orgs only the first, everybody, counts.
pub(crate) fn principals(caller: &Caller) -> Vec<Vec<u8>> {
    if caller.role.is_none() {
        return vec![principal(&Subject::Public)];
    }
    let mut subjects = caller.subjects();
    subjects.extend(caller.groups.iter().map(|group| Subject::NamedGroup(group.name.to_string())));
    subjects.extend(caller.roles.iter().map(|role| Subject::NamedRole(role.name.to_string())));
    subjects.extend(caller.role.map(|role| Subject::NamedRole(role.as_str().to_owned())));
    let mut keys: Vec<Vec<u8>> = subjects.iter().map(principal).collect();
    keys.sort();
    keys.dedup();
    keys
}

//! The column `grants` of an item: one JSON list of the grants on it and of those that it inherits, which say where from.
//!
//! One column, since rows are read far more often than they hold grants; and a program that knows nothing of inheriting reads
//! all of them as the item's own, as they stand in the table `grants` beside it.

use realnet_core::acl::{Grant, InheritedGrant, Permissions, Subject};
use realnet_core::model::Item;
use uuid::Uuid;

/// A grant as it is kept.
#[derive(serde::Serialize, serde::Deserialize)]
pub(crate) struct KeptGrant {
    subject: Subject,
    permissions: Permissions,
    /// The item that it stands on, if that is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<Uuid>,
}

impl KeptGrant {
    fn of(grant: &Grant, from: Option<Uuid>) -> Self {
        Self { subject: grant.subject.clone(), permissions: grant.permissions, from }
    }
}

/// What to keep of an item; nothing when there is none.
pub(crate) fn kept_grants(item: &Item) -> Option<Vec<KeptGrant>> {
    if item.grants.is_empty() && item.inherited.is_empty() {
        return None;
    }
    let own = item.grants.iter().map(|grant| KeptGrant::of(grant, None));
    let inherited = item.inherited.iter().map(|one| KeptGrant::of(&one.grant, Some(one.from)));
    Some(own.chain(inherited).collect())
}

/// Gives an item the grants that were kept of it.
pub(crate) fn restore_grants(item: &mut Item, kept: Vec<KeptGrant>) {
    for KeptGrant { subject, permissions, from } in kept {
        let grant = Grant { subject, permissions };
        match from {
            Some(from) => item.inherited.push(InheritedGrant { grant, from }),
            None => item.grants.push(grant),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use realnet_core::acl::Permission;

    use super::*;

    #[test]
    fn what_is_kept_is_restored() {
        let id = Uuid::from_u128;
        let grant = |account, permission| Grant {
            subject: Subject::Account(id(account)),
            permissions: Permissions::of(&[permission]),
        };
        let bare = || Item::new(id(1), id(2), Arc::from("File"), id(3));
        assert!(kept_grants(&bare()).is_none());
        let mut item = bare();
        item.grants.push(grant(4, Permission::Read));
        let own = serde_json::to_value(kept_grants(&item)).unwrap();
        assert_eq!(own, serde_json::to_value(&item.grants).unwrap(), "as it always was");
        item.inherited.push(InheritedGrant { grant: grant(5, Permission::Write), from: id(6) });
        let text = serde_json::to_string(&kept_grants(&item)).unwrap();
        let mut read = bare();
        restore_grants(&mut read, serde_json::from_str(&text).unwrap());
        assert_eq!(read, item);
    }
}

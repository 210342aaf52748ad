//! A grant: which permissions a subject has on a type, an instance or an item.

use std::fmt;

use uuid::Uuid;

use crate::error::{Error, Result};

/// One thing that can be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Permission {
    /// Make items of a type (on types and instances only).
    Create = 1,
    /// See it.
    Read = 2,
    /// Change it, attach children to it.
    Write = 4,
    /// Delete it.
    Delete = 8,
    /// Run it.
    Execute = 16,
    /// Send it messages.
    Message = 32,
    /// Grant others what one holds oneself.
    Share = 64,
}

impl Permission {
    /// All permissions.
    pub const ALL: [Self; 7] =
        [Self::Create, Self::Read, Self::Write, Self::Delete, Self::Execute, Self::Message, Self::Share];

    /// The name used in documents.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Read => "read",
            Self::Write => "write",
            Self::Delete => "delete",
            Self::Execute => "execute",
            Self::Message => "message",
            Self::Share => "share",
        }
    }
}

/// A set of permissions, as bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Permissions(u8);

impl Permissions {
    /// No permission.
    pub const NONE: Self = Self(0);
    /// Every permission.
    pub const ALL: Self = Self(127);

    /// The set of the given permissions.
    pub fn of(permissions: &[Permission]) -> Self {
        Self(permissions.iter().fold(0, |bits, permission| bits | *permission as u8))
    }

    /// From stored bits; unknown bits are dropped.
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits & Self::ALL.0)
    }

    /// As bits, for stores.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether `permission` is in the set.
    pub const fn contains(self, permission: Permission) -> bool {
        self.0 & permission as u8 != 0
    }

    /// Whether every permission of `other` is in the set.
    pub const fn covers(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both sets together.
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the set is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The permissions in the set.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.into_iter().filter(move |permission| self.contains(*permission))
    }
}

impl fmt::Debug for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Permission::as_str)).finish()
    }
}

impl serde::Serialize for Permissions {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(Permission::as_str))
    }
}

impl<'de> serde::Deserialize<'de> for Permissions {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let names = Vec::<String>::deserialize(deserializer)?;
        names.iter().try_fold(Self::NONE, |set, name| {
            Permission::ALL
                .into_iter()
                .find(|permission| permission.as_str() == name)
                .map(|permission| Self(set.0 | permission as u8))
                .ok_or_else(|| {
                    let known = Permission::ALL.map(Permission::as_str).join(", ");
                    serde::de::Error::custom(format!("unknown permission '{name}', expected {known}"))
                })
        })
    }
}

/// Who a grant speaks of. Roles and groups may be named where the org is not known: on declared types.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// Everybody, signed in or not.
    Public,
    /// Members of an org.
    Org(Uuid),
    /// Members of a group.
    Group(Uuid),
    /// Holders of a role.
    Role(Uuid),
    /// One account.
    Account(Uuid),
    /// Members of the group of that name in their own org (type access only; lower case).
    NamedGroup(String),
    /// Holders of the role of that name in their own org (type access only; lower case).
    NamedRole(String),
}

/// A subject with its permissions.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Grant {
    /// Who.
    pub subject: Subject,
    /// What.
    pub permissions: Permissions,
}

impl Grant {
    /// The most grants that one item, instance or type may have.
    pub const MAX_PER_OBJECT: usize = 1000;

    /// Reads `[{"subject":{"type","id"},"permissions":[…]}]`; `pointer` tells errors where they are.
    pub fn list_from_json(value: &serde_json::Value, pointer: &str) -> Result<Vec<Self>> {
        Self::read_list(value, pointer, |_| true)
    }

    /// As [`Self::list_from_json`], of a list as [`super::ShownGrants`] shows it of an item: what the item inherits is left out,
    /// so that a list that was read can be sent back.
    pub fn own_list_from_json(value: &serde_json::Value, pointer: &str) -> Result<Vec<Self>> {
        Self::read_list(value, pointer, |entry| !super::shown::is_inherited(entry))
    }

    fn read_list(
        value: &serde_json::Value,
        pointer: &str,
        counts: fn(&serde_json::Value) -> bool,
    ) -> Result<Vec<Self>> {
        let serde_json::Value::Array(values) = value else {
            let expected = "expected a list of grants: [{\"subject\":{\"type\",\"id\"},\"permissions\":[…]}]";
            return Err(Error::malformed_at(pointer, expected));
        };
        let entries = || values.iter().enumerate().filter(move |(_, entry)| counts(entry));
        if entries().count() > Self::MAX_PER_OBJECT {
            return Err(Error::malformed_at(pointer, "at most 1000 grants"));
        }
        let grant = |(index, value): (usize, &serde_json::Value)| {
            serde_json::from_value(value.clone())
                .map_err(|error| Error::malformed_at(format!("{pointer}/{index}"), error.to_string()))
        };
        entries().map(grant).collect()
    }
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct SubjectDocument {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
}

impl serde::Serialize for Subject {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (kind, id) = match self {
            Self::Public => ("public", None),
            Self::Org(id) => ("org", Some(id.to_string())),
            Self::Group(id) => ("group", Some(id.to_string())),
            Self::Role(id) => ("role", Some(id.to_string())),
            Self::Account(id) => ("account", Some(id.to_string())),
            Self::NamedGroup(name) => ("group", Some(name.clone())),
            Self::NamedRole(name) => ("role", Some(name.clone())),
        };
        SubjectDocument { kind: kind.to_owned(), id }.serialize(serializer)
    }
}

impl<'de> serde::Deserialize<'de> for Subject {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;
        let document = SubjectDocument::deserialize(deserializer)?;
        let id = document.id.as_deref();
        let uuid = || id.and_then(|id| Uuid::parse_str(id).ok());
        match document.kind.as_str() {
            "public" => Ok(Self::Public),
            "org" => uuid().map(Self::Org).ok_or_else(|| D::Error::custom("an org subject needs an id")),
            "account" => {
                uuid().map(Self::Account).ok_or_else(|| D::Error::custom("an account subject needs an id"))
            }
            "group" => match (uuid(), id) {
                (Some(id), _) => Ok(Self::Group(id)),
                (None, Some(name)) => Ok(Self::NamedGroup(name.to_lowercase())),
                (None, None) => Err(D::Error::custom("a group subject needs an id or a name")),
            },
            "role" => match (uuid(), id) {
                (Some(id), _) => Ok(Self::Role(id)),
                (None, Some(name)) => Ok(Self::NamedRole(name.to_lowercase())),
                (None, None) => Err(D::Error::custom("a role subject needs an id or a name")),
            },
            other => Err(D::Error::custom(format!(
                "unknown subject type '{other}', expected public, org, group, role or account"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn documents_round_trip() {
        let id = Uuid::from_u128(7);
        let document = json!([
            {"subject": {"type": "public"}, "permissions": ["read"]},
            {"subject": {"type": "group", "id": id.to_string()}, "permissions": ["read", "write"]},
            {"subject": {"type": "role", "id": "user"}, "permissions": ["create"]},
        ]);
        let grants = Grant::list_from_json(&document, "").unwrap();
        assert_eq!(grants[1].subject, Subject::Group(id));
        assert_eq!(grants[2].subject, Subject::NamedRole("user".into()));
        assert_eq!(serde_json::to_value(&grants).unwrap(), document);
    }

    #[test]
    fn unknown_words_are_refused() {
        for bad in [
            json!([{"subject": {"type": "everyone"}, "permissions": ["read"]}]),
            json!([{"subject": {"type": "public"}, "permissions": ["fly"]}]),
            json!([{"subject": {"type": "org"}, "permissions": ["read"]}]),
        ] {
            let error = Grant::list_from_json(&bad, "/acl").unwrap_err();
            assert_eq!(error.violations()[0].pointer, "/acl/0", "{bad}");
        }
        assert_eq!(Grant::list_from_json(&json!({}), "").unwrap_err().violations()[0].pointer, "");
    }
}

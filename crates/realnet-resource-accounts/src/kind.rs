//! Which of the types of this resource an item is of, and what accounts say about themselves.

use realnet_core::Uuid;
use realnet_core::acl::OrgRole;
use realnet_core::model::{Item, Map};
use realnet_core::registry::TypeRegistry;
use serde_json::Value;

/// The longest username, in bytes.
pub(crate) const MAX_USERNAME: usize = 128;

/// What an item of this resource is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Somebody who signs in.
    Account,
    /// An org.
    Org,
    /// A role.
    Role,
    /// A program that signs in as itself.
    Client,
    /// A provider of identities.
    Provider,
    /// A group, a membership, what a role is offered.
    Other,
}

impl Kind {
    /// The kind of a type.
    pub(crate) fn of(registry: &TypeRegistry, type_id: Uuid) -> Self {
        let is = |name: &str| {
            registry.system(name).is_some_and(|info| registry.is_derived_from(type_id, info.id()))
        };
        if is("Account") {
            Self::Account
        } else if is("Org") {
            Self::Org
        } else if is("Role") {
            Self::Role
        } else if is("Client") {
            Self::Client
        } else if is("Auth") {
            Self::Provider
        } else {
            Self::Other
        }
    }
}

/// The role that an account has. Only what the item itself stores counts: a constant of its type raises nobody.
pub(crate) fn role_of(attributes: &Map) -> OrgRole {
    attributes.get("role").and_then(Value::as_str).and_then(OrgRole::parse).unwrap_or(OrgRole::Visitor)
}

/// Whether an account is a superuser's.
pub(crate) fn is_superuser(account: &Item) -> bool {
    role_of(account.attributes.as_map()) == OrgRole::Superuser
}

/// Whether signing in is refused.
pub(crate) fn is_disabled(account: &Item) -> bool {
    account.attributes.get("disabled").and_then(Value::as_bool).unwrap_or_default()
}

/// The name that an account signs in with.
pub(crate) fn username_of(account: &Item) -> &str {
    account.attributes.get("username").and_then(Value::as_str).unwrap_or(&account.name)
}

/// The address of an account.
pub(crate) fn address_of(account: &Item) -> Option<&str> {
    account.attributes.get("email").and_then(Value::as_str)
}

/// What an attacker knows of an account.
pub(crate) fn names_of(account: &Item) -> Vec<&str> {
    [Some(username_of(account)), address_of(account)].into_iter().flatten().collect()
}

/// Writes the name and the address of an account as they are kept: in lower case, so that two that look alike are one.
/// Usernames are ASCII; of addresses no other letters are touched, since their small forms may be those of others.
pub(crate) fn fold(attributes: &mut Map) {
    for key in ["username", "email"] {
        if let Some(Value::String(text)) = attributes.get_mut(key) {
            text.make_ascii_lowercase();
        }
    }
}

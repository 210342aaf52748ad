//! Definitions of types and instances, as declared and stored (not yet resolved against their bases).

use uuid::Uuid;

use super::{Field, Map};
use crate::acl::Grant;

/// Attributes that steer the system and stay on the type.
const META_ATTRIBUTES: &[&str] = &[
    "icon",
    "module",
    "resource",
    "endpoint",
    "provider",
    "access",
    "fields",
    "form",
    "forms",
    "menu",
    "menus",
    "members",
    "views",
    "query",
    "queries",
    "types",
    "creatable",
    "layout",
    "controls",
    "columns",
    "app",
    "abstract",
    "strict",
    "inherits_access",
    "unique_together",
];

/// Whether `key`, set undeclared on a type or instance, is a meta attribute.
pub fn is_meta_attribute(key: &str) -> bool {
    META_ATTRIBUTES.contains(&key)
}

/// A type as declared: single inheritance by `base`, attributes (meta and data), fields, instances.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct TypeDefinition {
    /// Stable id (UUIDv7).
    pub id: Uuid,
    /// The org that owns it; `None` for the system layer.
    pub org: Option<Uuid>,
    /// Unique within system ∪ org, compared without regard to case.
    pub name: String,
    /// Name of the base; only the root type `Item` has none.
    pub base: Option<String>,
    /// Own attributes, meta and data.
    pub attributes: Map,
    /// Own fields.
    pub fields: Vec<Field>,
    /// Declared access: replaces the inherited one when present. Roles and groups by name.
    pub access: Option<Vec<Grant>>,
    /// Named presets.
    pub instances: Vec<InstanceDefinition>,
    /// 1 at creation, +1 per change.
    pub version: i64,
    /// Protected fields that are gone; kept by [`crate::registry::TypeRegistry::successor`], whatever a change says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retired: Vec<RetiredField>,
}

/// What is left of a field that was not for everybody: items and their earlier states still hold its values, which stay
/// hidden as they were.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RetiredField {
    /// The name it had.
    pub name: String,
    /// Names of the roles that could read it; nobody could when absent, since it was a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<Vec<String>>,
}

/// A named preset of a type: its attributes lie between those of the type and of the item.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct InstanceDefinition {
    /// Unique within the type chain.
    pub name: String,
    /// Own attributes.
    pub attributes: Map,
    /// Declared access, replacing that of the type for its items.
    pub access: Option<Vec<Grant>>,
}

//! What a store keeps about types: the material of a registry.

use uuid::Uuid;

use super::FieldRef;
use crate::acl::Grant;
use crate::model::TypeDefinition;

/// Grants that an org has set on a type or instance; they replace the declared access in that org.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct TypeGrants {
    /// The org whose items they concern.
    pub org: Uuid,
    /// The type.
    pub type_id: Uuid,
    /// The instance, or the type itself.
    pub instance: Option<String>,
    /// The grants, replacing inherited ones.
    pub grants: Vec<Grant>,
}

/// All types of a store at one revision.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TypeSnapshot {
    /// Rises with every change of types or type grants.
    pub revision: i64,
    /// All definitions, in no order.
    pub definitions: Vec<TypeDefinition>,
    /// All grants on types.
    pub grants: Vec<TypeGrants>,
    /// The fields whose index is being built: entries are written, but do not answer queries yet.
    pub building: Vec<FieldRef>,
}

impl TypeSnapshot {
    /// Definitions alone, at revision 1.
    pub fn of(definitions: Vec<TypeDefinition>) -> Self {
        Self { revision: 1, definitions, ..Self::default() }
    }
}

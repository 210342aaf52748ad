//! What the store has of a key, and how its owner sees it.

use std::fmt;
use std::net::IpAddr;

use realnet_core::acl::{Permissions, Scope, ScopeRule};
use realnet_core::clock::Timestamp;
use realnet_core::provider::AuthRecord;
use realnet_core::registry::TypeRegistry;
use realnet_core::{Error, Result, Uuid};
use serde_json::{Value, json};

/// The value of a record of a key. Of the secret it holds a hash only.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Kept {
    pub(crate) name: String,
    pub(crate) hash: [u8; 32],
    pub(crate) scopes: Vec<KeptRule>,
    /// The account that made it.
    pub(crate) by: Option<Uuid>,
    /// Whether that was a superuser then.
    #[serde(default)]
    pub(crate) by_superuser: bool,
    /// Of a client's secret: the account as which the client acted when it was made. Its scopes are those of that moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) acts_as: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) used_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) used_from: Option<IpAddr>,
}

/// A rule of its scope. A type is kept by id: another that gets its name later is not meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct KeptRule {
    pub(crate) of: Option<Uuid>,
    pub(crate) permissions: Permissions,
}

impl From<&ScopeRule> for KeptRule {
    fn from(rule: &ScopeRule) -> Self {
        Self { of: rule.of, permissions: rule.permissions }
    }
}

impl Kept {
    /// What a record says.
    pub(crate) fn read(record: &AuthRecord) -> Result<Self> {
        // The value is not repeated: it is secret.
        serde_json::from_slice(&record.value)
            .map_err(|_| Error::internal(format!("the record of the key {} can not be read", record.key)))
    }

    /// As the value of a record.
    pub(crate) fn value(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self).map_err(|error| Error::internal("a key can not be kept").with_source(error))
    }

    /// Its scope.
    pub(crate) fn scope(&self) -> Scope {
        let rule = |rule: &KeptRule| ScopeRule { of: rule.of, permissions: rule.permissions };
        Scope::new(self.scopes.iter().map(rule).collect())
    }

    /// The key as its owner sees it. A type that is gone has no name any more.
    pub(crate) fn shown(&self, record: &AuthRecord, registry: &TypeRegistry) -> Value {
        let name = |of: Uuid| registry.by_id(of).map(|info| info.name().to_string());
        let rule = |rule: &KeptRule| {
            let resource = rule.of.map_or(Some("*".to_owned()), name);
            json!({"resource": resource, "permissions": rule.permissions})
        };
        json!({
            "id": record.key,
            "name": self.name,
            "account": record.account,
            "scopes": self.scopes.iter().map(rule).collect::<Vec<_>>(),
            "created_at": record.created_at,
            "created_by": self.by,
            "expires": record.expires_at,
            "used_at": self.used_at,
            "address": self.used_from,
        })
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kept({:?}, {:?}, …)", self.name, self.scopes)
    }
}

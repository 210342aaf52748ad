//! What was applied from which document, so that applying again is a three-way merge.

use serde_json::Value;
use uuid::Uuid;

/// The kind of an applied object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// A type.
    Type,
    /// An item.
    Item,
}

/// The last applied form of a type or item.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceRecord {
    /// The org that it was applied in; `None` for the system layer (types only).
    pub org: Option<Uuid>,
    /// What it is.
    pub kind: SourceKind,
    /// The type's or item's id.
    pub object: Uuid,
    /// The document that it came from.
    pub source: String,
    /// Its normalized form when last applied.
    pub applied: Value,
}

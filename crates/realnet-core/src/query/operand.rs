//! What a filter or order looks at: an item property, an attribute, or either through a reference.

use std::sync::Arc;

use uuid::Uuid;

use crate::model::FieldKind;
use crate::registry::FieldRef;

/// A property that every item has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are those of Item")]
pub enum Property {
    Id,
    Type,
    Instance,
    Name,
    Status,
    Visibility,
    ValidFrom,
    ValidTo,
    ParentId,
    LinkedItemId,
    Owner,
    Org,
    Public,
    Version,
    CreatedAt,
    UpdatedAt,
}

/// An attribute, or a value inside it.
#[derive(Debug, Clone, PartialEq)]
pub struct AttributePath {
    /// The attribute's key.
    pub key: Arc<str>,
    /// Keys (or indexes of lists) into its JSON; empty for the attribute itself.
    pub path: Vec<String>,
    /// Kind of the declared field, if `key` is one and `path` is empty.
    pub kind: Option<FieldKind>,
    /// Whether the field is a list.
    pub multiple: bool,
    /// The field's index, if it is kept in the index, has the same meaning in all types of the query, and no type
    /// or instance has a constant for it.
    pub index: Option<FieldRef>,
    /// Whether the index lacks rows for absent values: it serves comparisons, but neither orders nor tests for null.
    pub sparse: bool,
    /// Constants of types and instances for `key`, for the types of the query that have any:
    /// items of these whose own attributes lack the key have this one (an own null counts as a value). An entry with
    /// an instance goes before that of the type. (type, instance compared without regard to ASCII case, value)
    pub constants: Vec<(Uuid, Option<Arc<str>>, serde_json::Value)>,
}

/// Something with a value for each item.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    /// A property.
    Property(Property),
    /// An effective attribute.
    Attribute(AttributePath),
    /// `target` of the item that `reference` refers to; null when that is absent or not readable.
    Through {
        /// A reference field, or the property parent, owner or linked item.
        reference: Box<Operand>,
        /// What to look at there.
        target: Box<Operand>,
    },
}

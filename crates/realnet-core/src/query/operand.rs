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

impl Property {
    /// The name in documents and filters.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Type => "type",
            Self::Instance => "instance",
            Self::Name => "name",
            Self::Status => "status",
            Self::Visibility => "visibility",
            Self::ValidFrom => "valid_from",
            Self::ValidTo => "valid_to",
            Self::ParentId => "parent_id",
            Self::LinkedItemId => "linked_item_id",
            Self::Owner => "owner",
            Self::Org => "org",
            Self::Public => "public",
            Self::Version => "version",
            Self::CreatedAt => "created_at",
            Self::UpdatedAt => "updated_at",
        }
    }

    /// The inverse of [`Self::as_str`].
    pub fn parse(name: &str) -> Option<Self> {
        const ALL: [Property; 16] = [
            Property::Id,
            Property::Type,
            Property::Instance,
            Property::Name,
            Property::Status,
            Property::Visibility,
            Property::ValidFrom,
            Property::ValidTo,
            Property::ParentId,
            Property::LinkedItemId,
            Property::Owner,
            Property::Org,
            Property::Public,
            Property::Version,
            Property::CreatedAt,
            Property::UpdatedAt,
        ];
        ALL.into_iter().find(|property| property.as_str() == name)
    }
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

impl AttributePath {
    /// The constant of an item that has no value of its own for the key.
    pub fn constant(&self, type_id: Uuid, instance: Option<&str>) -> Option<&serde_json::Value> {
        let of = |wanted: &dyn Fn(Option<&str>) -> bool| {
            let fits =
                |(id, name, _): &&(Uuid, Option<Arc<str>>, _)| *id == type_id && wanted(name.as_deref());
            self.constants.iter().find(fits).map(|(_, _, value)| value)
        };
        let same = |name: Option<&str>| name.zip(instance).is_some_and(|(a, b)| a.eq_ignore_ascii_case(b));
        of(&same).or_else(|| of(&|name| name.is_none()))
    }
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

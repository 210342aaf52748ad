//! Where the rows of a list come from, and by which names their columns go.

use realnet_core::model::Bounds;
use realnet_core::query::{Predicate, Property, geography};
use realnet_core::registry::FieldRef;
use uuid::Uuid;

use super::test::KeyTest;
use crate::dialect::Dialect;

/// The rows that a part of a list starts from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Source {
    /// All items of these pairs of org and type.
    Types(Vec<(Uuid, Uuid)>),
    /// All items in scope.
    Everything,
    /// Rows of the key index.
    Keys(Keys),
    /// The children of an item.
    Children(Uuid),
    /// The descendants of an item.
    Descendants(Uuid),
    /// Items by id.
    Ids(Vec<Uuid>),
    /// Items that the caller has a grant on.
    Granted,
    /// Items in whose own words all tokens occur.
    Search(Vec<String>),
    /// Items whose bounds touch one of the boxes.
    Boxes(Vec<Bounds>),
}

/// Rows of one field's index.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Keys {
    /// The field.
    pub(super) field: FieldRef,
    /// Which rows.
    pub(super) test: KeyTest,
    /// Whether it holds rows of other types than those of the query.
    pub(super) has_other_types: bool,
}

/// The boxes that the bounds of an item touch where a predicate of places holds; others touch them, too.
pub(super) fn boxes_of(predicate: &Predicate) -> Option<Vec<Bounds>> {
    match predicate {
        Predicate::Near { lon, lat, metres } => Some(geography::near_bounds(*lon, *lat, *metres)),
        Predicate::Within(area) => Some(geography::area_bounds(area)),
        _ => None,
    }
}

/// Columns of the item that a row stands for; knows whether the item itself has been asked for.
pub(super) struct Names<'a> {
    dialect: &'a dyn Dialect,
    of_keys: bool,
    uses_items: std::cell::Cell<bool>,
}

impl<'a> Names<'a> {
    pub(super) fn new(dialect: &'a dyn Dialect, source: &Source) -> Self {
        Self { dialect, of_keys: matches!(source, Source::Keys(_)), uses_items: std::cell::Cell::new(false) }
    }

    pub(super) fn dialect(&self) -> &'a dyn Dialect {
        self.dialect
    }

    /// Whether a column of the item was used that the source does not have.
    pub(super) fn uses_items(&self) -> bool {
        self.uses_items.get()
    }

    /// Says that the item is needed.
    pub(super) fn use_items(&self) {
        self.uses_items.set(true);
    }

    /// The column of a property.
    pub(super) fn column(&self, property: Property) -> &'static str {
        if self.of_keys {
            let copy = match property {
                Property::Id => Some("k.item"),
                Property::Org => Some("k.org"),
                _ => self.dialect.key_column(property),
            };
            if let Some(copy) = copy {
                return copy;
            }
        }
        self.use_items();
        item_column(property)
    }
}

/// The column of a property in the row of the item.
pub(super) fn item_column(property: Property) -> &'static str {
    match property {
        Property::Id => "i.id",
        Property::Type => "i.type",
        Property::Instance => "i.instance",
        Property::Name => "i.name",
        Property::Status => "i.status",
        Property::Visibility => "i.visibility",
        Property::ValidFrom => "i.valid_from",
        Property::ValidTo => "i.valid_to",
        Property::ParentId => "i.parent",
        Property::LinkedItemId => "i.linked",
        Property::Owner => "i.owner",
        Property::Org => "i.org",
        Property::Public => "i.public",
        Property::Version => "i.version",
        Property::CreatedAt => "i.created_at",
        Property::UpdatedAt => "i.updated_at",
    }
}

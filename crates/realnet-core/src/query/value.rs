//! What an operand means for an item: the values that it has there, each with the key that it compares by.

use std::borrow::Cow;

use serde_json::Value;
use uuid::Uuid;

use super::{AttributePath, Operand, Property};
use crate::clock::Timestamp;
use crate::index::{NULL_KEY, sort_key};
use crate::model::{FieldKind, Item, Visibility};
use crate::registry::TypeRegistry;

/// Where the evaluator finds other items.
pub trait Lookup {
    /// An item that the caller may read.
    fn item(&self, id: Uuid) -> Option<Item>;

    /// The ancestors of an item in the tree, whether readable or not.
    fn ancestors(&self, id: Uuid) -> Vec<Uuid>;
}

/// Finds nothing: for queries that look at nothing but the item itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoLookup;

impl Lookup for NoLookup {
    fn item(&self, _id: Uuid) -> Option<Item> {
        None
    }

    fn ancestors(&self, _id: Uuid) -> Vec<Uuid> {
        Vec::new()
    }
}

/// One value, not null.
pub(super) enum Cell<'a> {
    Json(&'a Value, FieldKind),
    Id(Uuid),
    Text(Cow<'a, str>),
    Boolean(bool),
    Number(f64),
    Time(Timestamp),
}

impl Cell<'_> {
    pub(super) fn key(&self) -> Vec<u8> {
        match self {
            Self::Json(value, kind) => sort_key(value, *kind),
            Self::Id(id) => sort_key(&Value::String(id.to_string()), FieldKind::Uuid),
            Self::Text(text) => sort_key(&Value::String(text.to_string()), FieldKind::String),
            Self::Boolean(value) => sort_key(&Value::Bool(*value), FieldKind::Boolean),
            Self::Number(number) => crate::index::number_key(*number),
            Self::Time(moment) => sort_key(&Value::String(moment.to_string()), FieldKind::Datetime),
        }
    }

    /// The kind by which literals are read against it.
    pub(super) fn kind(&self) -> FieldKind {
        match self {
            Self::Json(_, kind) => *kind,
            Self::Id(_) => FieldKind::Uuid,
            Self::Text(_) => FieldKind::String,
            Self::Boolean(_) => FieldKind::Boolean,
            Self::Number(_) => FieldKind::Number,
            Self::Time(_) => FieldKind::Datetime,
        }
    }

    /// As it is shown.
    pub(super) fn value(&self) -> Value {
        match self {
            Self::Json(value, _) => (*value).clone(),
            Self::Id(id) => id.to_string().into(),
            Self::Text(text) => text.as_ref().into(),
            Self::Boolean(value) => (*value).into(),
            // Versions are counted from one.
            Self::Number(number) => (*number as i64).into(),
            Self::Time(moment) => moment.to_string().into(),
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Json(value, _) => value.as_str(),
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn list(&self) -> Option<&[Value]> {
        match self {
            Self::Json(Value::Array(values), _) => Some(values),
            _ => None,
        }
    }
}

/// The effective value of an attribute: the item's own where the key is there (even with null), else the constant
/// of its instance or type.
pub fn effective<'a>(registry: &'a TypeRegistry, item: &'a Item, key: &str) -> Option<&'a Value> {
    let own = item.attributes.get(key);
    own.or_else(|| registry.by_id(item.type_id)?.constant(item.instance.as_deref(), key))
}

/// What evaluation works with.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub registry: &'a TypeRegistry,
    pub lookup: &'a dyn Lookup,
}

impl Scope<'_> {
    /// Calls `visit` with every value of the operand that is not null: none or one, more through a list of
    /// references. Lists are visited as such.
    pub(super) fn values(self, operand: &Operand, item: &Item, visit: &mut dyn FnMut(Cell<'_>)) {
        match operand {
            Operand::Property(property) => {
                if let Some(cell) = property_cell(self.registry, *property, item) {
                    visit(cell);
                }
            }
            Operand::Attribute(path) => {
                let value = effective(self.registry, item, &path.key).and_then(|value| inside(value, path));
                if let Some(value) = value.filter(|value| !value.is_null()) {
                    visit(Cell::Json(value, path.kind.unwrap_or(FieldKind::Json)));
                }
            }
            Operand::Through { reference, target } => {
                for id in self.references(reference, item) {
                    if let Some(other) = self.lookup.item(id) {
                        self.values(target, &other, visit);
                    }
                }
            }
        }
    }

    /// Calls `visit` with every value and every element of lists.
    pub(super) fn elements(self, operand: &Operand, item: &Item, visit: &mut dyn FnMut(Cell<'_>)) {
        self.values(operand, item, &mut |cell| match (cell.list(), cell.kind()) {
            (Some(values), kind) => values
                .iter()
                .filter(|value| !value.is_null())
                .for_each(|value| visit(Cell::Json(value, kind))),
            (None, _) => visit(cell),
        });
    }

    fn references(self, reference: &Operand, item: &Item) -> Vec<Uuid> {
        let mut ids = Vec::new();
        self.elements(reference, item, &mut |cell| match cell {
            Cell::Id(id) => ids.push(id),
            cell => ids.extend(cell.text().and_then(|text| Uuid::parse_str(text).ok())),
        });
        ids
    }

    /// The sort key of an operand: that of its (first) value, of the whole JSON for lists, [`NULL_KEY`] without one.
    pub(super) fn key(self, operand: &Operand, item: &Item) -> Vec<u8> {
        let mut key = None;
        self.values(operand, item, &mut |cell| {
            key.get_or_insert_with(|| cell.key());
        });
        key.unwrap_or_else(|| NULL_KEY.to_vec())
    }
}

fn inside<'a>(value: &'a Value, path: &AttributePath) -> Option<&'a Value> {
    path.path.iter().try_fold(value, |value, step| match value {
        Value::Object(map) => map.get(step),
        Value::Array(values) => values.get(step.parse::<usize>().ok()?),
        _ => None,
    })
}

fn property_cell<'a>(registry: &'a TypeRegistry, property: Property, item: &'a Item) -> Option<Cell<'a>> {
    let text = |text: &'a str| Cell::Text(Cow::Borrowed(text));
    Some(match property {
        Property::Id => Cell::Id(item.id),
        Property::Type => {
            text(registry.by_id(item.type_id).map_or(&*item.type_name, |info| info.name().as_ref()))
        }
        Property::Instance => text(item.instance.as_deref()?),
        Property::Name => text(&item.name),
        Property::Status => text(item.status.as_deref()?),
        Property::Visibility => text(Visibility::as_str(item.visibility)),
        Property::ValidFrom => Cell::Time(item.valid_from?),
        Property::ValidTo => Cell::Time(item.valid_to?),
        Property::ParentId => Cell::Id(item.parent_id?),
        Property::LinkedItemId => Cell::Id(item.linked_item_id?),
        Property::Owner => Cell::Id(item.owner?),
        Property::Org => Cell::Id(item.org),
        Property::Public => Cell::Boolean(item.public),
        Property::Version => Cell::Number(item.version as f64),
        Property::CreatedAt => Cell::Time(item.created_at),
        Property::UpdatedAt => Cell::Time(item.updated_at),
    })
}

//! The data of RealNet: types, instances, items and the values in them.

mod attributes;
mod field;
mod item;
mod location;
mod size;
mod type_definition;
pub mod value;

pub use attributes::Attributes;
pub use field::{Field, FieldKind, OnDelete};
pub use item::{Item, Visibility};
pub use location::{Bounds, Location};
pub use type_definition::{InstanceDefinition, RetiredField, TypeDefinition, is_meta_attribute};

/// A JSON object with sorted keys.
pub type Map = serde_json::Map<String, serde_json::Value>;

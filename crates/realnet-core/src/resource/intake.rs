//! A write on its way in: what a resource may look at and adapt before the change set is made.

use serde_json::Value;
use uuid::Uuid;

use super::Body;
use crate::change;
use crate::registry::TypeInfo;

/// What is asked to become of an item.
#[derive(Debug, Clone)]
pub enum Change {
    /// It is created.
    Create(Body),
    /// Name and attributes are replaced, other properties set where given.
    Replace(Body),
    /// RFC 7396: what is given is set, null removes.
    Merge(Body),
    /// RFC 6902, on the item's document with its own attributes.
    Json(Value),
}

impl Change {
    /// The document, unless it is a JSON Patch.
    pub fn body_mut(&mut self) -> Option<&mut Body> {
        match self {
            Self::Create(body) | Self::Replace(body) | Self::Merge(body) => Some(body),
            Self::Json(_) => None,
        }
    }
}

/// A write as it came in. A resource may take values out of it and add operations of its own.
#[derive(Debug)]
pub struct Intake<'a> {
    /// The item's own type.
    pub info: &'a TypeInfo,
    /// The item; a new id when it is to be created.
    pub id: Uuid,
    /// What is asked for.
    pub change: Change,
    /// Whether the same is asked for many items at once.
    pub bulk: bool,
    /// Operations to be applied behind the write, in the same change set.
    pub then: Vec<change::Operation>,
}

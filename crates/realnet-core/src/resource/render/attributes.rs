//! Which attributes of an item are shown, and where their values come from.

use std::sync::Arc;

use serde_json::Value;
use uuid::Uuid;

use super::text;
use crate::acl::Caller;
use crate::model::{Item, Map};
use crate::registry::{TypeInfo, TypeRegistry};
use crate::resource::AttributeSet;

/// What holds for all items of one type and instance.
pub(super) struct Shape<'a> {
    type_id: Uuid,
    instance: Option<Arc<str>>,
    /// The name of the type; none when it is not in the registry.
    pub(super) info: Option<&'a TypeInfo>,
    /// What lies below the item's own attributes.
    below: Option<&'a Map>,
    /// Attributes that this caller is not shown.
    hidden: Vec<&'a str>,
}

impl<'a> Shape<'a> {
    /// The shape of an item for a caller.
    pub(super) fn of(registry: &'a TypeRegistry, caller: &'a Caller, set: AttributeSet, item: &Item) -> Self {
        let info = registry.by_id(item.type_id);
        let instance = item.instance.as_deref();
        let below = info.and_then(|info| match set {
            AttributeSet::Own => None,
            AttributeSet::Effective => Some(info.constants_of(instance)),
            AttributeSet::All => Some(
                instance
                    .and_then(|name| info.instance(name))
                    .map_or(info.attributes(), |instance| &instance.attributes),
            ),
        });
        let hidden = info.into_iter().flat_map(|info| info.hidden_from(caller)).collect();
        let below = below.filter(|map| !map.is_empty());
        Self { type_id: item.type_id, instance: item.instance.clone(), info, below, hidden }
    }

    /// Whether the shape is that of `item` too.
    pub(super) fn fits(&self, item: &Item) -> bool {
        self.type_id == item.type_id && self.instance == item.instance
    }

    /// Appends all attributes as an object.
    pub(super) fn write_all(&self, out: &mut Vec<u8>, item: &Item) {
        if self.below.is_none() && self.hidden.is_empty() {
            out.extend_from_slice(item.attributes.as_text().as_bytes());
            return;
        }
        let own = item.attributes.as_map();
        let below = self.below.into_iter().flatten().filter(|(key, _)| !own.contains_key(*key));
        let shown = below.chain(own).filter(|(key, _)| !self.hidden.contains(&key.as_str()));
        out.push(b'{');
        for (index, (key, value)) in shown.enumerate() {
            if index > 0 {
                out.push(b',');
            }
            text::string(out, key);
            out.push(b':');
            text::json(out, value);
        }
        out.push(b'}');
    }

    /// One attribute, if it is there and shown.
    pub(super) fn value<'b>(&'b self, item: &'b Item, key: &str) -> Option<&'b Value> {
        if self.hidden.contains(&key) {
            return None;
        }
        item.attributes.get(key).or_else(|| self.below.and_then(|below| below.get(key)))
    }
}

//! Which attributes of an item are shown, and where their values come from.

use std::sync::Arc;

use serde_json::Value;
use uuid::Uuid;

use super::text;
use crate::acl::Caller;
use crate::model::{Item, Map};
use crate::registry::{TypeInfo, TypeRegistry};
use crate::resource::AttributeSet;
use crate::secret::is_stored_form;

/// What the text of attributes has where one of them is what is stored of a secret, and hardly anywhere else.
const STORED_FORM: &str = "{\"$";

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
            let text = item.attributes.as_text();
            if !text.contains(STORED_FORM) {
                out.extend_from_slice(text.as_bytes());
                return;
            }
        }
        let own = item.attributes.as_map();
        let below = self.below.into_iter().flatten().filter(|(key, _)| !own.contains_key(*key));
        let shown = below.chain(own).filter(|(key, value)| self.shows(key, value));
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
        let value = item.attributes.get(key).or_else(|| self.below.and_then(|below| below.get(key)));
        value.filter(|value| self.shows(key, value))
    }

    /// What is stored of a secret is shown to nobody, whatever the type says: it may be of another day than the items, as in a
    /// folder of documents that came without what its server knew of it.
    fn shows(&self, key: &str, value: &Value) -> bool {
        !self.hidden.contains(&key) && !is_stored_form(value)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::{Attributes, TypeDefinition};
    use crate::registry::TypeSnapshot;

    #[test]
    fn what_is_stored_of_a_secret_is_not_shown_whatever_the_type_says() {
        let id = Uuid::from_u128(1);
        for (attributes, fields) in [
            (json!({}), json!([])),
            (json!({}), json!([{"name": "pin", "type": "json"}])),
            (json!({"floor": 2}), json!([])),
            (json!({}), json!([{"name": "pay", "type": "integer", "read": ["HR"]}])),
        ] {
            let definition: TypeDefinition = serde_json::from_value(json!({
                "id": id, "org": null, "name": "Item", "base": null, "attributes": attributes, "fields": fields,
                "access": null, "instances": [], "version": 1,
            }))
            .unwrap();
            let registry = TypeRegistry::build(TypeSnapshot::of(vec![definition])).unwrap();
            let caller = Caller::anonymous(id);
            let own = json!({"pin": {"$sealed": "k:AAAA"}, "code": {"$plain": 7}, "note": {"$price": 5}});
            let stored = [
                own.to_string(),
                "{\"pin\": {\"$sealed\": \"k:AAAA\"}, \"note\": {\"$price\": 5}}".to_owned(),
            ];
            for text in stored {
                let item = Item {
                    attributes: Attributes::from_stored(text),
                    ..Item::new(id, id, "Item".into(), id)
                };
                let shape = Shape::of(&registry, &caller, AttributeSet::Effective, &item);
                let mut out = Vec::new();
                shape.write_all(&mut out, &item);
                let shown: Map = serde_json::from_slice(&out).unwrap();
                assert_eq!(shown.get("note"), Some(&json!({"$price": 5})));
                assert!(!shown.contains_key("pin") && !shown.contains_key("code"), "{shown:?}");
                assert_eq!((shape.value(&item, "pin"), shape.value(&item, "code")), (None, None));
                assert_eq!(shape.value(&item, "note"), Some(&json!({"$price": 5})));
            }
        }
    }
}

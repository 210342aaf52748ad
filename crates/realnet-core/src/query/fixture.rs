//! A small world for the tests of queries: types, a caller, items, a look-up.

#![allow(clippy::needless_pass_by_value, reason = "documents are written where they are used")]

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Lookup, ParsedQuery, matches, parse};
use crate::acl::{Caller, OrgRole};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::model::{Attributes, InstanceDefinition, Item, Map, TypeDefinition};
use crate::registry::{TypeRegistry, TypeSnapshot};

pub(super) const ORG: Uuid = Uuid::from_u128(0xa);
pub(super) const NOW: Timestamp = Timestamp::from_micros(1_770_000_000_000_000);

fn map(value: &Value) -> Map {
    value.as_object().cloned().unwrap_or_default()
}

fn definition(
    number: u128,
    name: &str,
    base: Option<&str>,
    attributes: Value,
    fields: Value,
) -> TypeDefinition {
    TypeDefinition {
        id: Uuid::from_u128(number),
        org: None,
        name: name.to_owned(),
        base: base.map(str::to_owned),
        attributes: map(&attributes),
        fields: serde_json::from_value(fields).unwrap(),
        access: None,
        instances: Vec::new(),
        version: 1,
        retired: Vec::new(),
    }
}

/// `Item`; `Thing` with a field of every kind; `Part` derived from it, with constants; `Sealed`, which is strict.
pub(super) fn registry() -> &'static TypeRegistry {
    static REGISTRY: LazyLock<TypeRegistry> = LazyLock::new(build);
    &REGISTRY
}

fn build() -> TypeRegistry {
    let thing = json!([
        {"name": "title", "type": "string", "index": true},
        {"name": "size", "type": "integer", "index": true},
        {"name": "price", "type": "decimal", "index": true},
        {"name": "done", "type": "boolean"},
        {"name": "day", "type": "date"},
        {"name": "seen", "type": "datetime", "index": true},
        {"name": "tier", "type": "enum", "values": ["free", "pro"]},
        {"name": "code", "type": "uuid", "unique": true},
        {"name": "maker", "type": "reference", "reference": "Thing"},
        {"name": "friends", "type": "reference", "reference": "Thing", "multiple": true},
        {"name": "words", "type": "string", "multiple": true, "index": true},
        {"name": "extra", "type": "json"},
        {"name": "salary", "type": "number", "read": ["payroll"]},
        {"name": "pin", "type": "secret"},
    ]);
    let mut part =
        definition(3, "Part", Some("Thing"), json!({"colour": "Signal red", "size": 7}), json!([]));
    part.instances = vec![InstanceDefinition {
        name: "Spare".to_owned(),
        attributes: map(&json!({"colour": "blue", "shelf": "B"})),
        access: None,
    }];
    let sealed =
        json!([{"name": "label", "type": "string"}, {"name": "wage", "type": "number", "read": ["payroll"]}]);
    let definitions = vec![
        definition(1, "Item", None, json!({}), json!([])),
        definition(2, "Thing", Some("Item"), json!({}), thing),
        part,
        definition(4, "Sealed", Some("Item"), json!({"strict": true}), sealed),
    ];
    TypeRegistry::build(TypeSnapshot::of(definitions)).unwrap()
}

pub(super) fn caller(role: OrgRole) -> Caller {
    Caller { account: Some(Uuid::from_u128(0xb)), role: Some(role), ..Caller::anonymous(ORG) }
}

/// An item of a type (by name), with own attributes.
pub(super) fn item(registry: &TypeRegistry, number: u128, type_name: &str, attributes: Value) -> Item {
    let info = registry.find(ORG, type_name).unwrap();
    Item {
        name: format!("item {number}"),
        attributes: Attributes::from_map(map(&attributes)),
        created_at: NOW,
        updated_at: NOW,
        ..info.item(Uuid::from_u128(number), ORG)
    }
}

/// Items by id.
#[derive(Default)]
pub(super) struct Shelf(pub HashMap<Uuid, Item>);

impl Lookup for Shelf {
    fn item(&self, id: Uuid) -> Option<Item> {
        self.0.get(&id).cloned()
    }

    fn ancestors(&self, id: Uuid) -> Vec<Uuid> {
        let parent = self.0.get(&id).and_then(|item| item.parent_id);
        parent.into_iter().flat_map(|parent| [vec![parent], self.ancestors(parent)].concat()).collect()
    }
}

/// Parses `a=b` pairs for a user, on `Thing`.
pub(super) fn parsed(registry: &TypeRegistry, parameters: &[(&str, &str)]) -> Result<ParsedQuery> {
    parsed_as(registry, OrgRole::User, "Thing", parameters)
}

pub(super) fn parsed_as(
    registry: &TypeRegistry,
    role: OrgRole,
    base: &str,
    parameters: &[(&str, &str)],
) -> Result<ParsedQuery> {
    let parameters: Vec<(String, String)> =
        parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    parse(registry, &caller(role), registry.find(ORG, base), &parameters, NOW)
}

/// Whether an item is found by the parameters.
pub(super) fn finds(
    registry: &TypeRegistry,
    parameters: &[(&str, &str)],
    item: &Item,
    shelf: &Shelf,
) -> bool {
    let parsed = parsed(registry, parameters).unwrap_or_else(|error| panic!("{parameters:?}: {error}"));
    parsed.query.types.contains(&item.type_id) && matches(registry, &parsed.query.filter, item, shelf)
}

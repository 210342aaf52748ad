//! The rows that a store keeps in its indexes for one item.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{NULL_KEY, item_tokens, joined_key, sort_key};
use crate::error::Result;
use crate::model::{Bounds, Item, Location};
use crate::registry::{FieldInfo, FieldRef, Together, TypeRegistry};

/// One row of the key index.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyEntry {
    /// The field.
    pub field: FieldRef,
    /// The sortable form of the value; [`NULL_KEY`] when absent.
    pub value: Vec<u8>,
    /// Whether no other item of the org may have it (never for [`NULL_KEY`]).
    pub unique: bool,
}

/// Everything that a store indexes of one item.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct IndexEntries {
    /// Keys of indexed, unique and reference fields: own values only, constants of types are folded into queries.
    pub keys: Vec<KeyEntry>,
    /// Distinct words of name and text attributes, sorted, for the full text. Own values only, too.
    pub tokens: Vec<String>,
    /// The box around the location.
    pub bounds: Option<Bounds>,
}

/// The entries of an item.
///
/// A field with one value has exactly one row, with [`NULL_KEY`] when the value is absent or null; except a reference
/// that is neither indexed nor unique, which has none then. A list has one row per distinct element. Fields that are unique
/// together have one more row, where all of them have a value.
pub fn entries(registry: &TypeRegistry, item: &Item) -> Result<IndexEntries> {
    let info = registry.require(item.type_id)?;
    let mut keys = Vec::new();
    for field in info.fields().iter().filter(|field| field.field.is_keyed()) {
        field_entries(field, item.attributes.get(&field.field.name), &mut keys);
    }
    keys.extend(info.unique_together().iter().filter_map(|rule| entry_together(rule, item)));
    Ok(IndexEntries {
        keys,
        tokens: item_tokens(info, item).into_iter().collect(),
        bounds: item.location.as_ref().map(Location::bounds),
    })
}

fn field_entries(info: &FieldInfo, value: Option<&Value>, keys: &mut Vec<KeyEntry>) {
    let field = &info.field;
    let mut push = |value: Vec<u8>| {
        let unique = field.unique && value != NULL_KEY;
        keys.push(KeyEntry { field: info.key.clone(), value, unique });
    };
    match value {
        Some(Value::Array(elements)) if field.multiple => {
            let distinct: BTreeSet<Vec<u8>> = elements
                .iter()
                .filter(|element| !element.is_null())
                .map(|element| sort_key(element, field.kind))
                .collect();
            distinct.into_iter().for_each(push);
        }
        None | Some(Value::Null) => {
            if !is_sparse(info) {
                push(NULL_KEY.to_vec());
            }
        }
        Some(value) => push(sort_key(value, field.kind)),
    }
}

/// The row of values that are unique together, where the item has them all.
fn entry_together(rule: &Together, item: &Item) -> Option<KeyEntry> {
    let values = rule.fields.iter().map(|(name, kind)| {
        let value = item.attributes.get(name).filter(|value| !value.is_null());
        value.map(|value| sort_key(value, *kind))
    });
    let values: Option<Vec<Vec<u8>>> = values.collect();
    values.map(|values| KeyEntry { field: rule.key.clone(), value: joined_key(&values), unique: true })
}

/// Whether the index of a field has no rows for absent values: lists, and references kept for deletions only.
pub(crate) fn is_sparse(info: &FieldInfo) -> bool {
    let field = &info.field;
    field.multiple || (field.is_reference() && !field.index && !field.unique)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::index::sort_key;
    use crate::model::{Attributes, FieldKind, Map, TypeDefinition};
    use crate::registry::TypeSnapshot;

    fn registry() -> TypeRegistry {
        let fields = json!([
            {"name": "code", "type": "string", "unique": true},
            {"name": "size", "type": "integer", "index": true},
            {"name": "words", "type": "string", "multiple": true, "index": true},
            {"name": "maker", "type": "reference", "reference": "Item"},
            {"name": "owner_of", "type": "reference", "reference": "Item", "index": true},
            {"name": "plain", "type": "text"},
            {"name": "quiet", "type": "text", "hidden": true},
            {"name": "inner", "type": "text", "read": ["payroll"]},
            {"name": "pin", "type": "secret"},
        ]);
        let root = TypeDefinition {
            id: Uuid::from_u128(1),
            org: None,
            name: "Item".to_owned(),
            base: None,
            attributes: json!({"motto": "constant"}).as_object().cloned().unwrap_or_default(),
            fields: serde_json::from_value(fields).unwrap(),
            access: None,
            instances: Vec::new(),
            version: 1,
            retired: Vec::new(),
        };
        TypeRegistry::build(TypeSnapshot::of(vec![root])).unwrap()
    }

    fn item(attributes: &Value) -> Item {
        Item {
            name: "Big Name".to_owned(),
            attributes: Attributes::from_map(attributes.as_object().cloned().unwrap_or_else(Map::new)),
            location: Some(Location::Point([8.0, 47.0])),
            ..Item::new(Uuid::from_u128(9), Uuid::from_u128(1), Arc::from("Item"), Uuid::from_u128(2))
        }
    }

    fn rows(attributes: &Value) -> Vec<(String, Vec<u8>, bool)> {
        let entries = entries(&registry(), &item(attributes)).unwrap();
        entries.keys.into_iter().map(|row| (row.field.name.to_string(), row.value, row.unique)).collect()
    }

    #[test]
    fn absent_values_have_a_row_unless_the_index_is_sparse() {
        let null = NULL_KEY.to_vec();
        let of = |name: &str| (name.to_owned(), null.clone(), false);
        let expected = vec![of("code"), of("size"), of("owner_of")];
        assert_eq!(rows(&json!({})), expected);
        assert_eq!(rows(&json!({"code": null, "size": null, "words": [], "maker": null})), expected);
    }

    #[test]
    fn values_have_a_row_each_and_lists_one_per_distinct_element() {
        let id = Uuid::from_u128(77);
        let text = |text: &str| sort_key(&json!(text), FieldKind::String);
        let found =
            rows(&json!({"code": "x", "size": 3, "words": ["b", "a", "b", null], "maker": id.to_string()}));
        assert!(found.contains(&("code".to_owned(), text("x"), true)));
        assert!(found.contains(&("size".to_owned(), sort_key(&json!(3), FieldKind::Integer), false)));
        let words: Vec<_> =
            found.iter().filter(|(name, ..)| name == "words").map(|row| row.1.clone()).collect();
        assert_eq!(words, [text("a"), text("b")]);
        let maker = found.iter().find(|(name, ..)| name == "maker").unwrap();
        assert_eq!(crate::index::id_of_key(&maker.1), Some(id));
    }

    #[test]
    fn words_are_those_that_every_reader_may_read() {
        let attributes = json!({
            "plain": "Open words", "quiet": "hush", "inner": "wages", "pin": "1234",
            "free": "undeclared", "list": ["one", 2, ["deep"]], "number": 5, "object": {"a": "within"},
        });
        let found = entries(&registry(), &item(&attributes)).unwrap();
        assert_eq!(found.tokens, ["big", "name", "one", "open", "undeclared", "words"]);
        assert!(found.bounds.is_some_and(|bounds| (bounds.min_lon - 8.0).abs() < f64::EPSILON));
    }

    #[test]
    fn an_unknown_type_is_an_error() {
        let stray = Item { type_id: Uuid::from_u128(404), ..item(&json!({})) };
        assert!(entries(&registry(), &stray).is_err());
    }
}

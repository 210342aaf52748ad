//! Reading the items of a document: properties, attributes, items inside items.

use serde_json::Value;

use super::document::{ItemEntry, folded_attributes, required_text, tolerant_bool};
use super::place::Place;
use crate::clock::Timestamp;
use crate::error::Violation;
use crate::model::{Location, Map, Visibility};

const ITEM_KEYS: &[&str] = &[
    "name",
    "type",
    "instance",
    "status",
    "visibility",
    "location",
    "valid_from",
    "valid_to",
    "public",
    "linked_item_id",
    "tags",
    "access",
    "items",
    "id",
    "org",
    "owner",
    "parent_id",
    "version",
    "created_at",
    "updated_at",
];
/// Properties that a document has no say in.
const OWN_BY_SYSTEM: &[&str] = &["id", "org", "owner", "parent_id", "version", "created_at", "updated_at"];

/// Reads a list of items.
pub(super) fn list(value: &Value, place: &Place, violations: &mut Vec<Violation>) -> Vec<ItemEntry> {
    let Some(entries) = value.as_array() else {
        violations.push(place.violation("expected a list of items"));
        return Vec::new();
    };
    let read = |(position, entry)| one(entry, &place.below(position), violations);
    entries.iter().enumerate().filter_map(read).collect()
}

fn one(value: &Value, place: &Place, violations: &mut Vec<Violation>) -> Option<ItemEntry> {
    let Value::Object(map) = value else {
        violations.push(place.violation("expected an item (an object)"));
        return None;
    };
    let name = required_text(map, "name", place, violations);
    let type_name = required_text(map, "type", place, violations);
    let attributes = folded_attributes(map, ITEM_KEYS, place, violations);
    for key in OWN_BY_SYSTEM.iter().filter(|key| map.contains_key(**key)) {
        violations.push(place.below(key).violation(format!(
            "{key} is given by the system; the place in the tree is the place in the document"
        )));
    }
    let properties = properties(map, place, violations);
    let items = match map.get("items") {
        None | Some(Value::Null) => Vec::new(),
        Some(items) => list(items, &place.below("items"), violations),
    };
    Some(ItemEntry {
        name: name?,
        type_name: type_name?,
        properties,
        attributes,
        items,
        place: place.clone(),
    })
}

/// The properties that are given, each in its canonical form.
fn properties(map: &Map, place: &Place, violations: &mut Vec<Violation>) -> Map {
    let mut properties = Map::new();
    for key in ITEM_KEYS.iter().filter(|key| !["name", "type", "items"].contains(key)) {
        let Some(value) = map.get(*key).filter(|value| !value.is_null()) else { continue };
        if OWN_BY_SYSTEM.contains(key) {
            continue;
        }
        match property(key, value) {
            Ok(value) => drop(properties.insert((*key).to_owned(), value)),
            Err(expected) => violations.push(place.below(key).violation(format!("{key}: {expected}"))),
        }
    }
    properties
}

fn property(key: &str, value: &Value) -> Result<Value, String> {
    let text = || value.as_str().ok_or_else(|| "expected text".to_owned());
    match key {
        "instance" | "status" => text().map(Value::from),
        "visibility" => text().and_then(|text| {
            Visibility::parse(text)
                .map(|visibility| Value::from(visibility.as_str()))
                .ok_or_else(|| "expected visible, hidden or restricted".to_owned())
        }),
        "location" => Location::from_json(value)
            .map(|location| super::flat::location(&location))
            .map_err(|error| error.message().trim_start_matches("/location: ").to_owned()),
        "valid_from" | "valid_to" => text().and_then(|text| {
            Timestamp::parse(text)
                .map(|time| Value::from(time.to_string()))
                .ok_or_else(|| "expected a time such as 2026-01-31T12:00:00Z".to_owned())
        }),
        "public" => tolerant_bool(value).map(Value::Bool).ok_or_else(|| "expected true or false".to_owned()),
        "tags" => tags(value).ok_or_else(|| "expected a list of texts".to_owned()),
        // References are resolved, and grants read, when all items are known.
        _ => Ok(value.clone()),
    }
}

/// Sorted, without duplicates.
fn tags(value: &Value) -> Option<Value> {
    let mut tags: Vec<&str> = value.as_array()?.iter().map(Value::as_str).collect::<Option<_>>()?;
    tags.sort_unstable();
    tags.dedup();
    Some(Value::from(tags))
}

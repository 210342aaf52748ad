//! The properties of an item that a document may set, and those that only the server sets.

use std::sync::Arc;

use serde_json::Value;
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::error::Violation;
use crate::model::{Item, Location, Visibility};
use crate::registry::TypeInfo;

/// The most tags of an item.
const MAX_TAGS: usize = 256;
/// The longest tag or status, in bytes.
const MAX_WORD: usize = 256;
/// What a violation says of a property that only the server sets.
const BY_THE_SERVER: &str = "is set by the server and can not be changed";

/// Properties that only the server sets. `org` and `owner` have rules of their own.
pub(super) const FIXED: [&str; 5] = ["id", "type", "version", "created_at", "updated_at"];

/// Sets a property from its JSON form; null resets it. `false` for a key that can not be set this way.
pub(super) fn set(item: &mut Item, info: &TypeInfo, key: &str, value: &Value) -> Result<bool, String> {
    match key {
        "name" => item.name = optional_text(value)?.unwrap_or_default(),
        "instance" => item.instance = instance(info, value)?,
        "tags" => item.tags = tags(value)?,
        "status" => item.status = optional_text(value)?.map(bounded).transpose()?,
        "visibility" => item.visibility = visibility(value)?,
        "location" => item.location = location(value)?,
        "valid_from" => item.valid_from = time(value)?,
        "valid_to" => item.valid_to = time(value)?,
        "parent_id" => item.parent_id = id(value)?,
        "linked_item_id" => item.linked_item_id = id(value)?,
        "public" => item.public = flag(value)?,
        _ => return Ok(false),
    }
    Ok(true)
}

/// Puts a property back to what it is when nothing is said.
pub(super) fn reset_absent(item: &mut Item, info: &TypeInfo, given: &crate::model::Map) {
    const SETTABLE: [&str; 11] = [
        "name",
        "instance",
        "tags",
        "status",
        "visibility",
        "location",
        "valid_from",
        "valid_to",
        "parent_id",
        "linked_item_id",
        "public",
    ];
    for key in SETTABLE.into_iter().filter(|key| !given.contains_key(*key)) {
        // Null is a value of each of them.
        let _ = set(item, info, key, &Value::Null);
    }
}

/// Checks a fixed property in a document against the item: the same value is fine, so that what was read can be
/// written back.
pub(super) fn check_fixed(item: &Item, info: &TypeInfo, key: &str, value: &Value) -> Result<(), String> {
    let text = value.as_str();
    let same = match key {
        "id" => text.and_then(parse_id) == Some(item.id),
        "type" => text.is_some_and(|name| name.eq_ignore_ascii_case(info.name())),
        "version" => value.as_i64() == Some(item.version),
        "created_at" => text.and_then(Timestamp::parse) == Some(item.created_at),
        "updated_at" => text.and_then(Timestamp::parse) == Some(item.updated_at),
        "org" => text.and_then(parse_id) == Some(item.org),
        _ => true,
    };
    if same { Ok(()) } else { Err(BY_THE_SERVER.to_owned()) }
}

/// What a new item may not bring along. Its id is a matter of its own.
pub(super) fn refuse_fixed(properties: &crate::model::Map) -> Vec<Violation> {
    let given = |key: &&str| properties.get(*key).is_some_and(|value| !value.is_null());
    FIXED
        .iter()
        .filter(|key| !matches!(**key, "id" | "type") && given(key))
        .map(|key| Violation::new(format!("/{key}"), BY_THE_SERVER))
        .collect()
}

/// A rule between properties.
pub(super) fn check_validity(item: &Item, violations: &mut Vec<Violation>) {
    if let (Some(from), Some(to)) = (item.valid_from, item.valid_to)
        && from >= to
    {
        violations.push(Violation::new("/valid_to", "must be later than valid_from"));
    }
}

fn optional_text(value: &Value) -> Result<Option<String>, String> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        _ => Err("expected text".to_owned()),
    }
}

fn bounded(text: String) -> Result<String, String> {
    if text.len() > MAX_WORD { Err(format!("at most {MAX_WORD} bytes")) } else { Ok(text) }
}

fn instance(info: &TypeInfo, value: &Value) -> Result<Option<Arc<str>>, String> {
    let Some(name) = optional_text(value)? else { return Ok(None) };
    let found = info.instance(&name).map(|instance| Some(Arc::clone(&instance.name)));
    found.ok_or_else(|| format!("type {} has no instance {name}", info.name()))
}

fn tags(value: &Value) -> Result<Vec<String>, String> {
    let expected = || "expected a list of words".to_owned();
    let values = match value {
        Value::Null => return Ok(Vec::new()),
        Value::Array(values) => values,
        _ => return Err(expected()),
    };
    if values.len() > MAX_TAGS {
        return Err(format!("at most {MAX_TAGS} tags"));
    }
    let mut tags = values
        .iter()
        .map(|value| match value.as_str() {
            Some("") => Err("a tag may not be empty".to_owned()),
            Some(tag) => bounded(tag.to_owned()),
            None => Err(expected()),
        })
        .collect::<Result<Vec<String>, String>>()?;
    tags.sort_unstable();
    tags.dedup();
    Ok(tags)
}

fn visibility(value: &Value) -> Result<Visibility, String> {
    if value.is_null() {
        return Ok(Visibility::default());
    }
    let found = value.as_str().and_then(Visibility::parse);
    found.ok_or_else(|| "expected visible, hidden or restricted".to_owned())
}

fn location(value: &Value) -> Result<Option<Location>, String> {
    if value.is_null() {
        return Ok(None);
    }
    Location::from_json(value).map(Some).map_err(|error| {
        error.violations().first().map_or_else(|| error.message().to_owned(), |found| found.detail.clone())
    })
}

fn time(value: &Value) -> Result<Option<Timestamp>, String> {
    if value.is_null() {
        return Ok(None);
    }
    let found = value.as_str().and_then(Timestamp::parse);
    found.map(Some).ok_or_else(|| "expected an RFC 3339 time such as 2026-01-31T12:00:00Z".to_owned())
}

fn id(value: &Value) -> Result<Option<Uuid>, String> {
    if value.is_null() {
        return Ok(None);
    }
    value.as_str().and_then(parse_id).map(Some).ok_or_else(|| "expected the id of an item".to_owned())
}

pub(super) fn parse_id(text: &str) -> Option<Uuid> {
    Uuid::parse_str(text).ok()
}

fn flag(value: &Value) -> Result<bool, String> {
    match value {
        Value::Null => Ok(false),
        Value::Bool(flag) => Ok(*flag),
        _ => Err("expected true or false".to_owned()),
    }
}

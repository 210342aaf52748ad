//! Types and items as flat maps from path to value: the form in which they are compared, merged and recorded.
//!
//! Paths of a type: `name base access attributes/KEY fields/NAME instances/NAME`; of an item: `name type parent_id
//! instance status visibility location valid_from valid_to public linked_item_id tags access attributes/KEY`.
//! Absent and default are the same, so that a document need not say what is usual.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};
use uuid::Uuid;

use super::gather::GatheredType;
use crate::acl::{Grant, Permissions, Subject};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::model::{
    Attributes, Field, InstanceDefinition, Item, Location, Map, TypeDefinition, Visibility, value,
};

/// Path to value.
pub(super) type Flat = BTreeMap<String, Value>;

fn from_parts<T: serde::Serialize>(value: &T) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

/// The flat form of a stored type.
pub(super) fn of_definition(definition: &TypeDefinition) -> Flat {
    let fields = definition.fields.iter().map(|field| (field.name.clone(), from_parts(field)));
    let instances = definition.instances.iter().map(|one| (one.name.clone(), from_parts(one)));
    of_type_parts(
        &definition.name,
        definition.base.as_deref(),
        &definition.attributes,
        definition.access.as_deref(),
        fields,
        instances,
    )
}

/// The flat form of a type of a load.
pub(super) fn of_gathered(gathered: &GatheredType) -> Flat {
    let fields = gathered.fields.iter().map(|(field, _)| (field.name.clone(), from_parts(field)));
    let instances = gathered.instances.iter().map(|(one, _)| (one.name.clone(), from_parts(one)));
    of_type_parts(
        &gathered.name,
        gathered.base.as_deref(),
        &gathered.attributes,
        gathered.access.as_deref(),
        fields,
        instances,
    )
}

fn of_type_parts(
    name: &str,
    base: Option<&str>,
    attributes: &Map,
    access: Option<&[Grant]>,
    fields: impl Iterator<Item = (String, Value)>,
    instances: impl Iterator<Item = (String, Value)>,
) -> Flat {
    let mut flat = Flat::from([("name".to_owned(), json!(name))]);
    if let Some(base) = base {
        flat.insert("base".to_owned(), json!(base));
    }
    if let Some(access) = access {
        flat.insert("access".to_owned(), from_parts(&merged_grants(access)));
    }
    flat.extend(attributes.iter().map(|(key, value)| (format!("attributes/{key}"), value.clone())));
    flat.extend(fields.map(|(name, value)| (format!("fields/{name}"), value)));
    flat.extend(instances.map(|(name, value)| (format!("instances/{name}"), value)));
    flat
}

/// A definition from its flat form. Fields and instances stand in the order of `order`, others behind.
pub(super) fn to_definition(
    flat: &Flat,
    id: Uuid,
    org: Option<Uuid>,
    version: i64,
    order: &[String],
) -> Result<TypeDefinition> {
    let broken = |error: serde_json::Error| Error::internal("a planned type is not one").with_source(error);
    let text = |key: &str| flat.get(key).and_then(Value::as_str).map(str::to_owned);
    let ranks: HashMap<&str, usize> =
        order.iter().enumerate().map(|(rank, path)| (path.as_str(), rank)).collect();
    let parts = |prefix: &str| {
        let mut parts: Vec<(usize, &Value)> = flat
            .iter()
            .filter(|(path, _)| path.starts_with(prefix))
            .map(|(path, value)| (ranks.get(path.as_str()).copied().unwrap_or(usize::MAX), value))
            .collect();
        parts.sort_by_key(|(rank, _)| *rank);
        parts.into_iter().map(|(_, value)| value.clone()).collect::<Vec<Value>>()
    };
    let fields: Vec<Field> = serde_json::from_value(parts("fields/").into()).map_err(broken)?;
    let instances: Vec<InstanceDefinition> =
        serde_json::from_value(parts("instances/").into()).map_err(broken)?;
    let access = match flat.get("access") {
        Some(access) => Some(serde_json::from_value(access.clone()).map_err(broken)?),
        None => None,
    };
    Ok(TypeDefinition {
        id,
        org,
        name: text("name").unwrap_or_default(),
        base: text("base"),
        attributes: below(flat, "attributes/"),
        fields,
        access,
        instances,
        version,
        retired: Vec::new(),
    })
}

fn below(flat: &Flat, prefix: &str) -> Map {
    flat.iter()
        .filter_map(|(path, value)| Some((path.strip_prefix(prefix)?.to_owned(), value.clone())))
        .collect()
}

/// The flat form of an item; its secrets as they are.
pub(super) fn of_item(item: &Item) -> Flat {
    let mut flat = Flat::new();
    let mut set = |key: &str, value: Value| drop(flat.insert(key.to_owned(), value));
    set("name", json!(item.name));
    set("type", json!(item.type_name));
    set("parent_id", json!(item.parent_id));
    set("instance", json!(item.instance));
    set("status", json!(item.status));
    set("visibility", json!(item.visibility.as_str()));
    set("location", item.location.as_ref().map(location).unwrap_or_default());
    set("valid_from", json!(item.valid_from));
    set("valid_to", json!(item.valid_to));
    set("public", json!(item.public));
    set("linked_item_id", json!(item.linked_item_id));
    set("tags", json!(item.tags));
    set("access", from_parts(&merged_grants(&item.grants)));
    flat.extend(
        item.attributes.as_map().iter().map(|(key, value)| (format!("attributes/{key}"), value.clone())),
    );
    flat.retain(|path, value| !is_default(path, value));
    flat
}

/// Whether the value says what would hold anyway.
pub(super) fn is_default(path: &str, value: &Value) -> bool {
    match path {
        "public" => value == &Value::Bool(false),
        "visibility" => value == Visibility::Visible.as_str(),
        "tags" => value.as_array().is_some_and(Vec::is_empty),
        _ if path.starts_with("attributes/") => false,
        "access" => value.as_array().is_some_and(Vec::is_empty),
        _ => value.is_null(),
    }
}

/// Lays a flat form over an item: properties, grants and attributes; name and parent too.
pub(super) fn onto_item(flat: &Flat, mut item: Item) -> Result<Item> {
    let text = |key: &str| flat.get(key).and_then(Value::as_str);
    let time = |key: &str| text(key).and_then(Timestamp::parse);
    let id = |key: &str| text(key).and_then(|text| Uuid::parse_str(text).ok());
    text("name").unwrap_or_default().clone_into(&mut item.name);
    item.parent_id = id("parent_id");
    item.instance = text("instance").map(Into::into);
    item.status = text("status").map(str::to_owned);
    item.visibility = text("visibility").and_then(Visibility::parse).unwrap_or_default();
    item.location = flat.get("location").map(Location::from_json).transpose()?;
    item.valid_from = time("valid_from");
    item.valid_to = time("valid_to");
    item.public = flat.get("public").and_then(Value::as_bool).unwrap_or_default();
    item.linked_item_id = id("linked_item_id");
    item.tags = flat
        .get("tags")
        .and_then(Value::as_array)
        .map(|tags| tags.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        .unwrap_or_default();
    item.grants = match flat.get("access") {
        Some(access) => Grant::list_from_json(access, "/access")?,
        None => Vec::new(),
    };
    item.attributes = Attributes::from_map(below(flat, "attributes/"));
    Ok(item)
}

/// One grant per subject, sorted, as the engine keeps them.
pub(super) fn merged_grants(grants: &[Grant]) -> Vec<Grant> {
    let mut merged: BTreeMap<Subject, Permissions> = BTreeMap::new();
    for grant in grants {
        let entry = merged.entry(grant.subject.clone()).or_default();
        *entry = entry.union(grant.permissions);
    }
    let kept = merged.into_iter().filter(|(_, permissions)| !permissions.is_empty());
    kept.map(|(subject, permissions)| Grant { subject, permissions }).collect()
}

/// A location as JSON with canonical numbers.
pub(super) fn location(location: &Location) -> Value {
    value::canonicalize(from_parts(location)).unwrap_or_default()
}

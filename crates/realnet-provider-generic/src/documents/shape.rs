//! The documents: items, types, grants and applied forms as people read and write them.
//!
//! What has the value that it has when nothing is said of it is left out.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use realnet_core::Uuid;
use realnet_core::change::SourceRecord;
use realnet_core::clock::Timestamp;
use realnet_core::error::{Error, Result};
use realnet_core::model::{Item, Location, Map, TypeDefinition};
use realnet_core::nearest;
use realnet_core::provider::StoreRecord;
use realnet_core::registry::{TypeGrants, TypeRegistry};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::blame;
use crate::memory::Effect;

/// The members that the document of an item may have.
static ITEM_KEYS: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let item = Item::new(Uuid::nil(), Uuid::nil(), Arc::from(""), Uuid::nil());
    let members = serde_json::to_value(item).unwrap_or_default();
    let named = members.as_object().into_iter().flat_map(Map::keys).cloned();
    named
        .chain(Item::PROPERTIES.map(str::to_owned))
        .chain(["content", "inherited"].map(str::to_owned))
        .collect()
});

/// The type from which all others derive: the only one without a base, unless another says so.
const ROOT: &str = "Item";

/// The document of an effect that has one.
pub(super) fn document(effect: &Effect) -> Result<Value> {
    match effect {
        Effect::Put(StoreRecord::Item(item)) => item_document(item),
        Effect::Put(StoreRecord::Type(info)) => type_document(info),
        Effect::Put(StoreRecord::Source(source)) => {
            Ok(json!({ "source": source.source, "applied": source.applied }))
        }
        Effect::Grants(_, grants) => plain(&json!({ "grants": grants })),
        _ => Err(Error::internal("a document of what has none")),
    }
}

fn plain<T: serde::Serialize>(value: &T) -> Result<Value> {
    serde_json::to_value(value).map_err(|error| Error::internal("a document has no JSON").with_source(error))
}

fn item_document(item: &Item) -> Result<Value> {
    let mut value = plain(item)?;
    let Some(members) = value.as_object_mut() else { return Err(Error::internal("an item is an object")) };
    // What it has of items above follows from them.
    members.remove("inherited");
    drop_defaults(
        members,
        &[("name", json!("")), ("visibility", json!("visible")), ("public", json!(false))],
    );
    Ok(value)
}

fn type_document(info: &TypeDefinition) -> Result<Value> {
    let mut value = plain(info)?;
    let Some(members) = value.as_object_mut() else { return Err(Error::internal("a type is an object")) };
    for instance in members.get_mut("instances").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(instance) = instance.as_object_mut() {
            drop_defaults(instance, &[]);
        }
    }
    drop_declared_access(members, info);
    if info.base.is_none() && info.name != ROOT {
        members.insert("base".to_owned(), Value::Null);
    }
    Ok(value)
}

/// As [`drop_defaults`], but that access for nobody is not the same as none that is declared.
fn drop_declared_access(members: &mut Map, info: &TypeDefinition) {
    drop_defaults(members, &[]);
    if let Some(access) = info.access.as_ref().filter(|access| access.is_empty()) {
        members.insert("access".to_owned(), json!(access));
    }
    for (instance, declared) in
        members.get_mut("instances").and_then(Value::as_array_mut).into_iter().flatten().zip(&info.instances)
    {
        if let Some(instance) = instance.as_object_mut().filter(|_| declared.access == Some(Vec::new())) {
            instance.insert("access".to_owned(), json!([]));
        }
    }
}

/// Drops nulls, empty lists and empty objects, and what has these values.
fn drop_defaults(members: &mut Map, defaults: &[(&str, Value)]) {
    let is_default = |key: &str, value: &Value| match value {
        Value::Null => true,
        Value::Array(values) => values.is_empty(),
        Value::Object(map) => map.is_empty(),
        other => defaults.iter().any(|(name, default)| *name == key && default == other),
    };
    let dropped: Vec<String> =
        members.iter().filter(|(key, value)| is_default(key, value)).map(|(key, _)| key.clone()).collect();
    for key in dropped {
        members.remove(&key);
    }
}

/// What stands at the top of a document, with what is missing filled in.
fn members(value: Value, defaults: &[(&str, Value)]) -> Result<Map, String> {
    let Value::Object(mut members) = value else { return Err("expected an object".to_owned()) };
    for (key, default) in defaults {
        if members.get(*key).is_none_or(Value::is_null) {
            members.insert((*key).to_owned(), default.clone());
        }
    }
    Ok(members)
}

fn read<T: DeserializeOwned>(members: Map) -> Result<T, String> {
    serde_json::from_value(Value::Object(members)).map_err(|error| error.to_string())
}

/// The item of a document whose name is `id`. Type and org are looked up by name and filled in where that is possible.
pub(super) fn item(
    value: Value,
    id: Uuid,
    registry: &TypeRegistry,
    orgs: &[Uuid],
    now: Timestamp,
) -> Result<Item, String> {
    let now = json!(now);
    let mut members = members(
        value,
        &[
            ("id", json!(id)),
            ("name", json!("")),
            ("attributes", json!({})),
            ("tags", json!([])),
            ("visibility", json!("visible")),
            ("public", json!(false)),
            ("version", json!(1)),
            ("created_at", now.clone()),
            ("updated_at", now),
            ("grants", json!([])),
        ],
    )?;
    if let Some(unknown) = members.keys().find(|key| !ITEM_KEYS.contains(*key)) {
        let meant = nearest(unknown, ITEM_KEYS.iter().map(String::as_str));
        let meant = meant.map(|meant| format!(": is '{meant}' meant?")).unwrap_or_default();
        return Err(format!(
            "'{unknown}' is no member of an item (values of one's own stand in 'attributes'){meant}"
        ));
    }
    if members.get("id").and_then(Value::as_str).and_then(|text| Uuid::parse_str(text).ok()) != Some(id) {
        return Err("the id is not the name of the file".to_owned());
    }
    if members.get("org").is_none_or(Value::is_null) {
        let [org] = orgs else { return Err("'org' is missing: there are several orgs".to_owned()) };
        members.insert("org".to_owned(), json!(org));
    }
    // Whatever it says of items above: that follows from them.
    members.remove("inherited");
    name_type(&mut members, registry)?;
    if let Some(location) = members.get("location").filter(|location| !location.is_null()) {
        Location::from_json(location).map_err(|error| error.message().to_owned())?;
    }
    let others = members.iter().filter(|(key, _)| *key != "attributes");
    let others: Map = others.map(|(key, value)| (key.clone(), value.clone())).collect();
    let mut item: Item = read(members).map_err(|error| blame::item(&error, &others))?;
    item.tags.sort_unstable();
    item.tags.dedup();
    // What is read is a map already: as text it takes less memory, and is what is compared.
    item.attributes.as_text();
    Ok(item)
}

/// Fills in the id of the type, or its name.
fn name_type(members: &mut Map, registry: &TypeRegistry) -> Result<(), String> {
    let text = |key: &str| members.get(key).and_then(Value::as_str);
    let org = text("org").and_then(|org| Uuid::parse_str(org).ok()).ok_or("'org' is not an id")?;
    let info = match (text("type_id"), text("type")) {
        (Some(id), name) => {
            let id = Uuid::parse_str(id).map_err(|_| "'type_id' is not an id")?;
            let info = registry
                .by_id(id)
                .ok_or_else(|| format!("there is no type {} ({id})", name.unwrap_or_default()))?;
            // The name is what the type was called then: it may have another one now.
            if name.is_some_and(|name| registry.find(org, name).is_some_and(|other| other.id() != id)) {
                return Err(format!(
                    "'type' and 'type_id' are of different types: '{}' is {}, and an item keeps its type",
                    name.unwrap_or_default(),
                    info.name()
                ));
            }
            info
        }
        (None, Some(name)) => registry.find(org, name).ok_or_else(|| format!("there is no type {name}"))?,
        (None, None) => return Err("'type' is missing".to_owned()),
    };
    let (id, name) = (json!(info.id()), json!(info.name()));
    members.insert("type_id".to_owned(), id);
    if members.get("type").is_none_or(|name| !name.is_string()) {
        members.insert("type".to_owned(), name);
    }
    Ok(())
}

/// The type of a document of a layer whose name is `name`.
pub(super) fn type_definition(
    value: Value,
    org: Option<Uuid>,
    name: &str,
    new_id: Uuid,
) -> Result<TypeDefinition, String> {
    let mut members = members(
        value,
        &[
            ("id", json!(new_id)),
            ("name", json!(name)),
            ("org", json!(org)),
            ("attributes", json!({})),
            ("fields", json!([])),
            ("instances", json!([])),
            ("version", json!(1)),
        ],
    )?;
    members.entry("base").or_insert_with(|| if name == ROOT { Value::Null } else { json!(ROOT) });
    for instance in members.get_mut("instances").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(instance) = instance.as_object_mut() {
            instance.entry("attributes").or_insert_with(|| json!({}));
        }
    }
    let info: TypeDefinition =
        read(members.clone()).map_err(|error| blame::type_definition(error, &members))?;
    if info.name != name {
        return Err(format!("the name is not that of the file: '{}'", info.name));
    }
    if info.org != org {
        return Err("the org is not that of the folder".to_owned());
    }
    Ok(info)
}

/// The grants of a document of an org.
pub(super) fn grants(value: Value, org: Uuid) -> Result<Vec<TypeGrants>, String> {
    let mut members = members(value, &[("grants", json!([]))])?;
    let grants: Vec<TypeGrants> = serde_json::from_value(members.remove("grants").unwrap_or_default())
        .map_err(|error| error.to_string())?;
    match grants.iter().find(|grants| grants.org != org) {
        Some(_) => Err("grants are of another org than the file".to_owned()),
        None => Ok(grants),
    }
}

/// What a document says was applied to an object.
pub(super) fn source(
    value: Value,
    (org, kind, object): (Option<Uuid>, realnet_core::change::SourceKind, Uuid),
) -> Result<SourceRecord, String> {
    let mut members = members(value, &[])?;
    let source = members.remove("source").and_then(|source| source.as_str().map(str::to_owned));
    let applied = members.remove("applied");
    match (source, applied) {
        (Some(source), Some(applied)) => Ok(SourceRecord { org, kind, object, source, applied }),
        _ => Err("expected 'source' and 'applied'".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use realnet_core::registry::TypeSnapshot;

    const ORG: Uuid = Uuid::from_u128(9);

    fn registry() -> TypeRegistry {
        let root = type_definition(json!({}), None, "Item", Uuid::from_u128(1)).unwrap();
        let task =
            type_definition(json!({"instances": [{"name": "Urgent"}]}), None, "Task", Uuid::from_u128(2));
        TypeRegistry::build(TypeSnapshot::of(vec![root, task.unwrap()])).unwrap()
    }

    fn read_item(value: Value) -> Result<Item, String> {
        item(value, Uuid::from_u128(5), &registry(), &[ORG], Timestamp::from_micros(1))
    }

    #[test]
    fn a_document_says_what_is_not_as_always() {
        let mut item =
            read_item(json!({"type": "task", "name": "n", "attributes": {"a": 1}, "tags": ["b", "a", "b"]}))
                .unwrap();
        assert_eq!(
            (item.type_id, item.org, &*item.tags),
            (Uuid::from_u128(2), ORG, &["a".to_owned(), "b".to_owned()][..])
        );
        item.type_name = "Task".into();
        let document = item_document(&item).unwrap();
        assert_eq!(
            document.as_object().unwrap().keys().map(String::as_str).collect::<BTreeSet<_>>(),
            [
                "attributes",
                "created_at",
                "id",
                "name",
                "org",
                "tags",
                "type",
                "type_id",
                "updated_at",
                "version"
            ]
            .into()
        );
        assert_eq!(read_item(document).unwrap(), item);
    }

    #[test]
    fn mistakes_are_told() {
        for (value, words) in [
            (json!([]), "an object"),
            (json!({}), "'type' is missing"),
            (json!({"type": "Nothing"}), "no type Nothing"),
            (json!({"type": "Task", "atributes": {}}), "is 'attributes' meant?"),
            (json!({"type": "Task", "id": ORG}), "the name of the file"),
            (json!({"type": "Item", "type_id": Uuid::from_u128(2)}), "different types"),
            (json!({"type_id": Uuid::from_u128(77)}), "no type"),
            (json!({"type": "Task", "location": {"type": "Point", "coordinates": [200, 0]}}), "180"),
            (json!({"type": "Task", "tags": "x"}), "'tags': invalid type"),
            (json!({"type": "Task", "owner": "root"}), "'owner': "),
            (json!({"type": "Task", "created_at": "yesterday"}), "'created_at': expected an RFC 3339 time"),
            (json!({"type": "Task", "name": 42}), "'name': invalid type: integer `42`"),
            (json!({"type": "Task", "attributes": 5}), "'attributes': "),
            (json!({"type": "Task", "org": "x"}), "not an id"),
        ] {
            let error = read_item(value.clone()).unwrap_err();
            assert!(error.contains(words), "{value}: {error}");
        }
        let two = item(
            json!({"type": "Task"}),
            Uuid::nil(),
            &registry(),
            &[ORG, Uuid::nil()],
            Timestamp::default(),
        );
        assert!(two.unwrap_err().contains("several orgs"));
    }

    #[test]
    fn types_come_back_as_they_were() {
        let mut info =
            type_definition(json!({"base": "Item"}), Some(ORG), "Task", Uuid::from_u128(2)).unwrap();
        info.access = Some(Vec::new());
        info.instances
            .push(serde_json::from_value(json!({"name": "A", "attributes": {}, "access": []})).unwrap());
        info.instances.push(serde_json::from_value(json!({"name": "B", "attributes": {"x": 1}})).unwrap());
        let document = type_document(&info).unwrap();
        assert_eq!(
            document["instances"],
            json!([{"name": "A", "access": []}, {"name": "B", "attributes": {"x": 1}}])
        );
        assert_eq!(type_definition(document, Some(ORG), "Task", Uuid::nil()).unwrap(), info);
        assert!(type_definition(json!({"name": "Other"}), None, "Task", ORG).unwrap_err().contains("name"));
        assert!(type_definition(json!({"org": ORG}), None, "Task", ORG).unwrap_err().contains("folder"));
    }
}

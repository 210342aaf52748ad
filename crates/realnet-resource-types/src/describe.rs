//! Types as documents for people and tools.

use realnet_core::acl::Caller;
use realnet_core::registry::{TypeInfo, TypeRegistry};
use serde_json::{Map, Value, json};

/// The key under which a description names protected fields that are gone.
pub(crate) const RETIRED: &str = "retired_fields";

/// A definition as an initialization file would have it, with id, version and layer. `with_access` shows grants.
pub(crate) fn definition(info: &TypeInfo, with_access: bool) -> Value {
    let definition = info.definition();
    let mut document = json!({
        "id": definition.id,
        "name": definition.name,
        "base": definition.base,
        "layer": if definition.org.is_some() { "org" } else { "system" },
        "version": definition.version,
        "attributes": definition.attributes,
        "fields": definition.fields,
    });
    let instances: Vec<Value> = definition
        .instances
        .iter()
        .map(|instance| {
            let mut document = json!({"name": instance.name, "attributes": instance.attributes});
            if let (true, Some(access)) = (with_access, &instance.access) {
                document["access"] = json!(access);
            }
            document
        })
        .collect();
    document["instances"] = json!(instances);
    if let (true, Some(access)) = (with_access, &definition.access) {
        document["access"] = json!(access);
    }
    if with_access && !definition.retired.is_empty() {
        document[RETIRED] = json!(definition.retired);
    }
    document
}

/// A described type without what its items would not show to the caller: constants and defaults of fields that are left to
/// others. Administrators write types, so they see the whole definition.
pub(crate) fn shown(mut document: Value, info: &TypeInfo, caller: &Caller) -> Value {
    if !caller.is_admin() {
        conceal(&mut document, info, caller);
    }
    document
}

fn conceal(document: &mut Value, info: &TypeInfo, caller: &Caller) {
    for name in info.hidden_from(caller) {
        for path in ["/attributes", "/effective/attributes"] {
            document.pointer_mut(path).into_iter().for_each(|map| remove(map, name));
        }
        for instance in document["instances"].as_array_mut().into_iter().flatten() {
            remove(&mut instance["attributes"], name);
        }
        if let Some(Value::Object(instances)) = document.pointer_mut("/effective/instances") {
            instances.values_mut().for_each(|attributes| remove(attributes, name));
        }
        for path in ["/fields", "/effective/fields"] {
            let fields = document.pointer_mut(path).and_then(Value::as_array_mut).into_iter().flatten();
            fields.filter(|shown| shown["name"] == name).for_each(|shown| remove(shown, "default"));
        }
    }
}

fn remove(map: &mut Value, key: &str) {
    if let Value::Object(map) = map {
        map.shift_remove(key);
    }
}

/// The definition with everything that it inherits and the JSON Schema of its items' attributes.
pub(crate) fn resolved(registry: &TypeRegistry, info: &TypeInfo, with_access: bool) -> Value {
    let mut document = definition(info, with_access);
    let chain: Vec<&str> = registry.chain(info).map(|link| &**link.name()).collect();
    let fields: Vec<Value> = info.fields().iter().map(|info| json!(info.field)).collect();
    let instances: Map<String, Value> = info
        .instances()
        .iter()
        .map(|instance| (instance.name.to_string(), json!(instance.attributes)))
        .collect();
    document["effective"] = json!({
        "chain": chain,
        "attributes": info.attributes(),
        "fields": fields,
        "instances": instances,
        "abstract": info.is_abstract(),
        "strict": info.is_strict(),
        "inherits_access": info.inherits_access(),
        "module": info.module(),
    });
    document["schema"] = info.schema().clone();
    let building: Vec<&str> =
        info.fields().iter().filter(|info| info.is_building).map(|info| info.field.name.as_str()).collect();
    if !building.is_empty() {
        document["building"] = json!(building);
    }
    document
}

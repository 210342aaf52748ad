//! Component schemas: the item as every type has it, and one schema per type.

use serde_json::{Map, Value, json};

use super::names::Named;
use super::operations::schema;

/// All schemas.
pub(super) fn build(types: &[Named<'_>]) -> Value {
    let mut map = Map::new();
    map.insert("realnet.Item".to_owned(), item());
    map.insert("realnet.Problem".to_owned(), problem());
    map.insert("realnet.Grants".to_owned(), grants());
    map.insert("realnet.JsonPatch".to_owned(), json_patch());
    map.insert("realnet.Tokens".to_owned(), tokens());
    map.insert("realnet.Batch".to_owned(), batch());
    map.insert("realnet.Change".to_owned(), change());
    map.insert("realnet.Document".to_owned(), document());
    map.insert("realnet.Location".to_owned(), location());
    for named in types {
        map.insert(named.schema.clone(), of_type(named));
    }
    Value::Object(map)
}

/// The schema of a type: an item whose attributes are those of the type.
fn of_type(named: &Named<'_>) -> Value {
    let mut attributes = named.info.schema().clone();
    if let Some(map) = attributes.as_object_mut() {
        map.remove("$schema");
        // What is required of a new item may still be hidden from a reader, so answers do not promise it.
        if let Some(required) = map.remove("required") {
            map.insert("x-required-on-create".to_owned(), required);
        }
    }
    let mut own = json!({"type": "object", "properties": {"attributes": attributes}});
    let instances: Vec<&str> = named.info.instances().iter().map(|instance| &*instance.name).collect();
    if !instances.is_empty() {
        own["properties"]["instance"] = json!({"enum": instances.iter().map(|name| json!(name)).chain([Value::Null]).collect::<Vec<_>>()});
    }
    let mut schema_of_type = json!({"title": &**named.info.name(), "allOf": [schema("realnet.Item"), own]});
    if let Some(text) = named.info.attributes().get("description").and_then(Value::as_str) {
        schema_of_type["description"] = json!(text);
    }
    schema_of_type
}

fn item() -> Value {
    let id = |text: &str| json!({"type": ["string", "null"], "format": "uuid", "description": text});
    let time = |text: &str| json!({"type": ["string", "null"], "format": "date-time", "description": text});
    let fixed_time =
        |text: &str| json!({"type": "string", "format": "date-time", "readOnly": true, "description": text});
    json!({
        "type": "object",
        "description": "A record. A key of a body that is no property is an attribute.",
        "properties": {
            "id": {"type": "string", "format": "uuid", "description": "Made by the server, unless an administrator gives the id of a new item"},
            "type": {"type": "string", "description": "Name of its type"},
            "instance": {"type": ["string", "null"], "description": "Preset of the type"},
            "name": {"type": "string", "maxLength": 1024},
            "attributes": {"type": "object"},
            "tags": {"type": "array", "items": {"type": "string"}},
            "status": {"type": ["string", "null"]},
            "visibility": {"enum": ["visible", "hidden", "restricted"]},
            "location": {"anyOf": [schema("realnet.Location"), {"type": "null"}]},
            "valid_from": time("Valid from, inclusive"),
            "valid_to": time("Valid to, exclusive"),
            "parent_id": id("The parent in the tree"),
            "linked_item_id": id("The item that this one stands for"),
            "owner": id("The owning account"),
            "org": id("The org that it belongs to"),
            "public": {"type": "boolean", "description": "Whether everybody may read it"},
            "version": {"type": "integer", "minimum": 1, "readOnly": true},
            "created_at": fixed_time("When it was created"),
            "updated_at": fixed_time("When it was last changed"),
        },
    })
}

fn location() -> Value {
    json!({
        "type": "object",
        "description": "A GeoJSON point or polygon in WGS 84",
        "required": ["type", "coordinates"],
        "properties": {"type": {"enum": ["Point", "Polygon"]}, "coordinates": {"type": "array"}},
    })
}

fn problem() -> Value {
    json!({
        "type": "object",
        "description": "RFC 9457",
        "required": ["type", "title", "status", "detail", "instance"],
        "properties": {
            "type": {"type": "string", "format": "uri-reference"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "instance": {"type": "string", "description": "The id of the request"},
            "operation": {"type": "integer", "description": "Index of the operation of a batch that failed"},
            "errors": {"type": "array", "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}},
            }},
        },
    })
}

fn grants() -> Value {
    let permissions = json!(["create", "read", "write", "delete", "execute", "message", "share"]);
    let inherited =
        "Of items: stands on the item `from` above. Shown, and left alone when the grants are replaced";
    json!({"type": "array", "maxItems": 2000, "items": {
        "type": "object",
        "required": ["subject", "permissions"],
        "properties": {
            "subject": {
                "type": "object",
                "required": ["type"],
                "properties": {
                    "type": {"enum": ["public", "org", "group", "role", "account"]},
                    "id": {"type": "string"},
                },
            },
            "permissions": {"type": "array", "items": {"enum": permissions}},
            "inherited": {"type": "boolean", "description": inherited},
            "from": {"type": "string", "format": "uuid", "readOnly": true},
        },
    }})
}

fn json_patch() -> Value {
    json!({"type": "array", "description": "RFC 6902", "items": {
        "type": "object",
        "required": ["op", "path"],
        "properties": {
            "op": {"enum": ["add", "remove", "replace", "move", "copy", "test"]},
            "path": {"type": "string"},
            "from": {"type": "string"},
            "value": {},
        },
    }})
}

fn tokens() -> Value {
    json!({
        "type": "object",
        "required": ["expires", "account"],
        "properties": {
            "token": {"type": "string", "description": "For `Authorization: Bearer`"},
            "expires": {"type": "string", "format": "date-time"},
            "refresh_token": {"type": "string", "description": "Gives new tokens, once"},
            "csrf_token": {"type": "string", "description": "In place of the tokens, when these are in cookies"},
            "account": {"type": "object"},
        },
    })
}

fn batch() -> Value {
    json!({
        "type": "object",
        "required": ["operations"],
        "properties": {"operations": {"type": "array", "items": {
            "type": "object",
            "required": ["operation", "resource"],
            "properties": {
                "operation": {"enum": ["create", "replace", "patch", "delete"]},
                "resource": {"type": "string"},
                "id": {"type": "string", "format": "uuid"},
                "body": {},
                "if_match": {"type": ["string", "integer"]},
            },
        }}},
    })
}

fn change() -> Value {
    json!({
        "type": "object",
        "properties": {
            "version": {"type": "integer"},
            "at": {"type": "string", "format": "date-time"},
            "before": {"anyOf": [schema("realnet.Item"), {"type": "null"}]},
            "after": {"anyOf": [schema("realnet.Item"), {"type": "null"}]},
        },
    })
}

fn document() -> Value {
    json!({
        "type": "object",
        "description": "An initialization document",
        "properties": {
            "types": {"type": "array", "items": {"type": "object"}},
            "items": {"type": "array", "items": {"type": "object"}},
        },
    })
}

//! Fields as JSON Schema (2020-12): what validation compiles and what the interface description shows.

use serde_json::{Map, Value, json};

use super::{FieldInfo, formats};
use crate::model::{Field, FieldKind};

/// The schema of the attributes of a type's items. `constants` satisfy required fields.
pub(super) fn of_type(
    name: &str,
    fields: &[std::sync::Arc<FieldInfo>],
    is_strict: bool,
    constants: &crate::model::Map,
) -> Value {
    let properties: Map<String, Value> =
        fields.iter().map(|info| (info.field.name.clone(), of_field(info))).collect();
    let required: Vec<&str> = fields
        .iter()
        .map(|info| &info.field)
        .filter(|field| field.required && field.default.is_none() && !field.readonly)
        .filter(|field| constants.get(&field.name).is_none_or(Value::is_null))
        .map(|field| field.name.as_str())
        .collect();
    let mut schema = json!({"title": name, "type": "object", "properties": properties});
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    if is_strict {
        schema["additionalProperties"] = json!(false);
    }
    schema
}

/// The schema of one field as people and tools see it: list, null, texts.
fn of_field(info: &FieldInfo) -> Value {
    let mut schema = of_present(info);
    if !info.field.required {
        schema = nullable(schema);
    }
    if let Some(map) = schema.as_object_mut() {
        annotate(&info.field, map);
    }
    schema
}

/// The schema of a value that is there: what validation compiles.
pub(super) fn of_present(info: &FieldInfo) -> Value {
    let schema = of_value(&info.field, &info.patterns);
    if info.field.multiple { json!({"type": "array", "items": schema}) } else { schema }
}

/// The schema of one value.
fn of_value(field: &Field, patterns: &[std::sync::Arc<str>]) -> Value {
    let mut schema = Map::new();
    let mut set = |key: &str, value: Value| drop(schema.insert(key.to_owned(), value));
    let kind = match field.kind {
        FieldKind::Integer => "integer",
        FieldKind::Number => "number",
        FieldKind::Boolean => "boolean",
        FieldKind::Geo => "object",
        FieldKind::Enum => "",
        FieldKind::Json => return own_schema(field),
        _ => "string",
    };
    if !kind.is_empty() {
        set("type", json!(kind));
    }
    match field.kind {
        FieldKind::Email => set("format", json!("email")),
        FieldKind::Url => set("format", json!("uri")),
        FieldKind::Uuid | FieldKind::Reference | FieldKind::File => set("format", json!("uuid")),
        FieldKind::Date => set("format", json!("date")),
        FieldKind::Datetime => set("format", json!("date-time")),
        FieldKind::Duration => set("format", json!("duration")),
        FieldKind::Slug => set("pattern", json!("^[a-z0-9]+(-[a-z0-9]+)*$")),
        FieldKind::Time => {
            set("pattern", json!("^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?$"));
        }
        FieldKind::Decimal => set("pattern", json!("^-?[0-9]+(\\.[0-9]+)?$")),
        FieldKind::Secret => set("writeOnly", json!(true)),
        FieldKind::Geo => set("required", json!(["type"])),
        FieldKind::Integer => {
            set("minimum", json!(-formats::MAX_INTEGER));
            set("maximum", json!(formats::MAX_INTEGER));
        }
        _ => {}
    }
    if matches!(field.kind, FieldKind::Integer | FieldKind::Number) {
        for (key, bound) in [("minimum", &field.min), ("maximum", &field.max)] {
            if let Some(bound) = bound {
                set(key, bound.clone());
            }
        }
        if let Some(step) = field.multiple_of {
            set("multipleOf", json!(step));
        }
    }
    for (key, length) in [("minLength", field.min_length), ("maxLength", field.max_length)] {
        if let Some(length) = length {
            set(key, json!(length));
        }
    }
    if let Some(values) = &field.values {
        set("enum", json!(values));
    }
    match patterns {
        [] => {}
        [pattern] => set("pattern", json!(&**pattern)),
        many => {
            let all: Vec<Value> = many.iter().map(|pattern| json!({"pattern": &**pattern})).collect();
            set("allOf", json!(all));
        }
    }
    if let Some(target) = &field.reference {
        set("x-reference", json!(target));
    }
    Value::Object(schema)
}

/// The schema that a `json` field declares. Its references mean its own root, hence a base of its own.
fn own_schema(field: &Field) -> Value {
    match &field.schema {
        Some(Value::Object(map)) => {
            let mut map = map.clone();
            // The author's name of it may be that of another field's as well.
            map.remove("$id");
            if has_reference(&Value::Object(map.clone())) {
                map.insert("$id".to_owned(), json!(format!("urn:realnet:field:{}", field.name)));
            }
            Value::Object(map)
        }
        Some(other) => other.clone(),
        None => json!({}),
    }
}

fn has_reference(schema: &Value) -> bool {
    match schema {
        Value::Object(map) => map.contains_key("$ref") || map.values().any(has_reference),
        Value::Array(values) => values.iter().any(has_reference),
        _ => false,
    }
}

/// Null means no value; it lies over the constant of a type.
fn nullable(schema: Value) -> Value {
    let Value::Object(mut map) = schema else { return schema };
    let plain = ["type", "format", "pattern", "minLength", "maxLength", "minimum", "maximum", "multipleOf"];
    let plain_keys =
        |key: &String| plain.contains(&key.as_str()) || ["items", "enum"].contains(&key.as_str());
    if map.is_empty() {
        return Value::Object(map);
    }
    if !map.keys().all(plain_keys) || map.get("type").is_some_and(Value::is_array) {
        return json!({"anyOf": [Value::Object(map), {"type": "null"}]});
    }
    if let Some(kind) = map.remove("type") {
        map.insert("type".to_owned(), json!([kind, "null"]));
    }
    if let Some(values) = map.get_mut("enum").and_then(Value::as_array_mut) {
        values.push(Value::Null);
    }
    Value::Object(map)
}

/// What people read.
fn annotate(field: &Field, schema: &mut Map<String, Value>) {
    if let Some(label) = &field.label {
        schema.insert("title".to_owned(), json!(label));
    }
    if let Some(description) = &field.description {
        schema.insert("description".to_owned(), json!(description));
    }
    // A schema is the same for all readers of the type, so it tells what all readers of the items may know.
    let is_open = field.read.is_none() && field.kind != FieldKind::Secret;
    if let Some(default) = field.default.as_ref().filter(|_| is_open) {
        schema.insert("default".to_owned(), default.clone());
    }
    if field.readonly {
        schema.insert("readOnly".to_owned(), json!(true));
    }
}

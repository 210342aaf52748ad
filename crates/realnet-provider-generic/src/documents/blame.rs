//! Why the value of a document is no item, or no type: what serde says, with the member that is to blame.

use std::sync::Arc;

use realnet_core::Uuid;
use realnet_core::model::{Field, InstanceDefinition, Item, Map, TypeDefinition};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Why an item can not be read, with the key whose value is to blame. `others`: all but the attributes.
pub(super) fn item(error: &str, others: &Map) -> String {
    let usual = Item::new(Uuid::nil(), Uuid::nil(), Arc::from(""), Uuid::nil());
    let usual = serde_json::to_value(usual).unwrap_or_default();
    blamed::<Item>(&usual, others).unwrap_or_else(|| format!("'attributes': {error}"))
}

/// Why an object can not be read, by the first member that one which can be read, `usual`, can not have.
fn blamed<T: DeserializeOwned>(usual: &Value, members: &Map) -> Option<String> {
    members.iter().find_map(|(key, value)| {
        let mut one = usual.as_object()?.clone();
        one.insert(key.clone(), value.clone());
        serde_json::from_value::<T>(Value::Object(one)).err().map(|error| format!("'{key}': {error}"))
    })
}

/// Why the list of this name can not be read, by the first element that can not be.
fn blamed_part<T: DeserializeOwned>(key: &str, members: &Map) -> Option<String> {
    let parts = members.get(key)?.as_array()?;
    parts.iter().zip(1..).find_map(|(part, number)| {
        let error = serde_json::from_value::<T>(part.clone()).err()?;
        let name = part.get("name").and_then(Value::as_str);
        let name = name.map(|name| format!(" ('{name}')")).unwrap_or_default();
        let why = if part.is_object() { error.to_string() } else { "expected an object".to_owned() };
        Some(format!("'{key}', number {number}{name}: {why}"))
    })
}

/// Why a type can not be read, with the key whose value is to blame, or the field or instance.
pub(super) fn type_definition(error: String, members: &Map) -> String {
    let usual = json!({
        "id": Uuid::nil(), "org": null, "name": "", "base": null, "attributes": {}, "fields": [], "access": null,
        "instances": [], "version": 1,
    });
    blamed_part::<Field>("fields", members)
        .or_else(|| blamed_part::<InstanceDefinition>("instances", members))
        .or_else(|| blamed::<TypeDefinition>(&usual, members))
        .unwrap_or(error)
}

#[cfg(test)]
mod tests {
    use super::super::shape;
    use super::*;

    #[test]
    fn mistakes_of_types_are_told_with_their_place() {
        for (value, words) in [
            (json!({"fields": "x"}), "'fields': invalid type: string \"x\""),
            (
                json!({"fields": [{"name": "a", "type": "string"}, "x"]}),
                "'fields', number 2: expected an object",
            ),
            (
                json!({"fields": [{"name": "a", "type": "intager"}]}),
                "'fields', number 1 ('a'): unknown variant `intager`",
            ),
            (
                json!({"fields": [{"name": "a", "type": "text", "mni": 1}]}),
                "number 1 ('a'): unknown field `mni`",
            ),
            (json!({"instances": [{"nme": "a"}]}), "'instances', number 1: missing field `name`"),
            (json!({"version": "x"}), "'version': invalid type"),
            (json!({"org": "x"}), "'org': "),
        ] {
            let error = shape::type_definition(value.clone(), None, "Task", Uuid::from_u128(9)).unwrap_err();
            assert!(error.contains(words), "{value}: {error}");
        }
    }
}

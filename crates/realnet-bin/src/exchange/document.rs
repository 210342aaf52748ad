//! The document of an item: what it says of it, in the form in which the server shows and takes it, without what only the server
//! sets. What has the value that it has when nothing is said of it is left out, so that equal items have equal documents.

use realnet_core::{Uuid, nearest};
use serde_json::{Map, Value, json};

use super::types::Fields;

/// What a document may say.
pub const KEYS: [&str; 15] = [
    "id",
    "type",
    "name",
    "instance",
    "attributes",
    "tags",
    "status",
    "visibility",
    "location",
    "valid_from",
    "valid_to",
    "parent_id",
    "linked_item_id",
    "owner",
    "public",
];

/// What a server shows beside, and sets by itself.
const SERVERS: [&str; 4] = ["org", "version", "created_at", "updated_at"];

/// The document of an item as a server shows it with its own attributes.
pub fn of_item(item: Map<String, Value>) -> Map<String, Value> {
    item.into_iter()
        .filter(|(key, value)| !SERVERS.contains(&key.as_str()) && !is_default(key, value))
        .collect()
}

fn is_default(key: &str, value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(values) => values.is_empty(),
        Value::Object(map) => map.is_empty(),
        other => match key {
            "name" => *other == json!(""),
            "visibility" => *other == json!("visible"),
            "public" => *other == json!(false),
            _ => false,
        },
    }
}

/// The members of a document that was found at the place of an item of this type and id; the reason why it is none of it.
pub fn read(value: Value, type_name: &str, id: Uuid) -> Result<Map<String, Value>, String> {
    let Value::Object(mut members) = value else { return Err("expected an object".to_owned()) };
    // What the path says may be left out.
    members.entry("id").or_insert_with(|| json!(id));
    members.entry("type").or_insert_with(|| json!(type_name));
    if let Some(unknown) =
        members.keys().find(|key| !KEYS.contains(&key.as_str()) && !SERVERS.contains(&key.as_str()))
    {
        let meant = nearest(unknown, KEYS).map(|meant| format!(": is '{meant}' meant?")).unwrap_or_default();
        return Err(format!(
            "'{unknown}' is no member of an item (values of one's own stand in 'attributes'){meant}"
        ));
    }
    if members.get("attributes").is_some_and(|attributes| !attributes.is_object()) {
        return Err("'attributes' is no object".to_owned());
    }
    if uuid(members.get("id")) != Some(id) {
        return Err("the id is not the name of the file".to_owned());
    }
    let named = members.get("type").and_then(Value::as_str).unwrap_or_default();
    if !named.eq_ignore_ascii_case(type_name) {
        return Err(format!("'type' is not {type_name}, as the folder says"));
    }
    Ok(of_item(members))
}

/// The attributes of a document.
pub fn attributes(members: &Map<String, Value>) -> Option<&Map<String, Value>> {
    members.get("attributes").and_then(Value::as_object)
}

/// Whether a document says that its item has a content: of that the server sets the checksum.
pub fn says_content(members: &Map<String, Value>, fields: &Fields) -> bool {
    let is_set = fields.get("checksum").is_some_and(|field| field.readonly);
    is_set && attributes(members).is_some_and(|own| own.get("checksum").is_some_and(Value::is_string))
}

/// A value that is an id.
pub fn uuid(value: Option<&Value>) -> Option<Uuid> {
    value.and_then(Value::as_str).and_then(|text| Uuid::try_parse(text).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: Uuid = Uuid::from_u128(9);

    fn members(value: Value) -> Map<String, Value> {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_document_says_what_is_not_as_always() {
        let shown = members(
            json!({"id": ID, "type": "Note", "instance": null, "name": "n", "attributes": {"x": null},
            "tags": [], "status": null, "visibility": "hidden", "public": false, "org": ID, "version": 3}),
        );
        let expected = members(
            json!({"id": ID, "type": "Note", "name": "n", "attributes": {"x": null}, "visibility": "hidden"}),
        );
        assert_eq!(of_item(shown.clone()), expected);
        assert_eq!(read(Value::Object(shown), "note", ID), Ok(expected));
        let bare = read(json!({"name": "n"}), "Note", ID).unwrap();
        assert_eq!(Value::Object(bare), json!({"name": "n", "id": ID, "type": "Note"}));
    }

    #[test]
    fn mistakes_are_told() {
        for (value, words) in [
            (json!([]), "an object"),
            (json!({"id": ID, "type": 7}), "as the folder says"),
            (json!({"id": "x", "type": "Note"}), "name of the file"),
            (json!({"id": ID, "type": "Other"}), "'type' is not Note"),
            (json!({"id": ID, "type": "Note", "atributes": {}}), "is 'attributes' meant?"),
            (json!({"id": ID, "type": "Note", "attributes": 1}), "no object"),
        ] {
            let said = read(value.clone(), "Note", ID).unwrap_err();
            assert!(said.contains(words), "{value}: {said}");
        }
    }
}

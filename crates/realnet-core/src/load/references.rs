//! References of documents: `{"$ref": {"type": "Role", "name": "Admin"}}`, and roles and groups that grants name.

use serde_json::{Value, json};
use uuid::Uuid;

use super::document::ItemEntry;

/// An item, by type (or a base of its type) and name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) type_name: String,
    pub(super) name: String,
}

/// The reference that a value is, if it is one.
fn read(value: &Value) -> Option<Reference> {
    let map = value.as_object().filter(|map| map.len() == 1)?;
    let inner = map.get("$ref")?.as_object()?;
    let text = |key: &str| inner.get(key).and_then(Value::as_str).map(str::to_owned);
    Some(Reference { type_name: text("type")?, name: text("name")? })
}

/// All references of an entry, its children aside.
pub(super) fn of_entry(entry: &ItemEntry) -> Vec<Reference> {
    let mut found = Vec::new();
    let mut properties = Value::Object(entry.properties.clone());
    name_subjects(&mut properties);
    for mut value in [properties, Value::Object(entry.attributes.clone())] {
        let Ok(()) = replace(&mut value, &mut |reference| {
            found.push(reference.clone());
            Ok::<_, std::convert::Infallible>(Uuid::nil())
        });
    }
    found
}

/// Replaces each reference by the id that `resolve` gives.
pub(super) fn replace<E>(
    value: &mut Value,
    resolve: &mut impl FnMut(&Reference) -> Result<Uuid, E>,
) -> Result<(), E> {
    if let Some(reference) = read(value) {
        *value = Value::String(resolve(&reference)?.to_string());
        return Ok(());
    }
    match value {
        Value::Object(map) => map.values_mut().try_for_each(|value| replace(value, resolve)),
        Value::Array(values) => values.iter_mut().try_for_each(|value| replace(value, resolve)),
        _ => Ok(()),
    }
}

/// Turns roles and groups that are named by the grants of an item into references: items keep ids.
pub(super) fn name_subjects(properties: &mut Value) {
    let grants = properties.get_mut("access").and_then(Value::as_array_mut);
    for grant in grants.into_iter().flatten() {
        let Some(Value::Object(subject)) = grant.get_mut("subject") else { continue };
        let type_name = match subject.get("type").and_then(Value::as_str) {
            Some("role") => "Role",
            Some("group") => "Group",
            _ => continue,
        };
        if let Some(name) = subject.get("id").and_then(Value::as_str)
            && Uuid::parse_str(name).is_err()
        {
            let reference = json!({"$ref": {"type": type_name, "name": name}});
            subject.insert("id".to_owned(), reference);
        }
    }
}

//! References that somebody sets without seeing them. The commit looks only at what is new, so a right guess at an item that the
//! caller can not see would be taken where any other is refused: here they are looked at whatever is stored.

use std::collections::HashSet;

use serde_json::Value;
use uuid::Uuid;

use crate::change::reference_ids;
use crate::error::{Error, Result, Violation};
use crate::registry::TypeInfo;
use crate::resource::{Change, Context};

/// Refuses references, in fields that the caller does not see, to items that it does not see. `id`: the item itself, which may be
/// referred to.
pub(super) async fn check(cx: &Context, info: &TypeInfo, id: Uuid, change: &Change) -> Result<()> {
    let caller = cx.caller();
    let fields = info.fields().iter().filter(|field| field.reference.is_some());
    let unseen = fields.filter(|field| !field.is_readable_by(caller) && field.is_writable_by(caller));
    let mut named: Vec<(&str, Uuid)> = Vec::new();
    for field in unseen {
        let name = field.field.name.as_str();
        let ids = named_ids(change, name)?;
        named.extend(ids.into_iter().filter(|named| *named != id).map(|id| (name, id)));
    }
    if named.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = named.iter().map(|(_, id)| *id).collect();
    let found: HashSet<Uuid> =
        cx.services.items.get_all(&cx.access, &ids).await?.iter().map(|item| item.id).collect();
    let missing = named.iter().filter(|(_, id)| !found.contains(id));
    let violations: Vec<Violation> =
        missing.map(|(name, _)| refused(name, "refers to no item that you can see")).collect();
    if violations.is_empty() { Ok(()) } else { Err(Error::invalid(violations)) }
}

fn refused(name: &str, detail: &'static str) -> Violation {
    Violation::new(format!("/attributes/{name}"), detail)
}

/// The ids that a change gives to a field.
fn named_ids(change: &Change, name: &str) -> Result<Vec<Uuid>> {
    match change {
        Change::Create(body) | Change::Replace(body) | Change::Merge(body) => {
            Ok(reference_ids(body.attributes.get(name)))
        }
        Change::Json(operations) => {
            let mut ids = Vec::new();
            for operation in operations.as_array().into_iter().flatten() {
                ids.extend(ids_of(operation, name)?);
            }
            Ok(ids)
        }
    }
}

/// Where in an item's document an operation of a JSON Patch writes, as seen from one attribute. That stands below `attributes` or,
/// as in every document, beside the properties.
enum Place {
    /// The whole document.
    Document,
    /// All attributes.
    Attributes,
    /// The attribute, or an element of it.
    Attribute,
    Elsewhere,
}

impl Place {
    fn of(path: &str, name: &str) -> Self {
        let below = match path.strip_prefix("/attributes") {
            _ if path.is_empty() => return Self::Document,
            Some("") => return Self::Attributes,
            Some(below) if below.starts_with('/') => below,
            _ => path,
        };
        if below.split('/').nth(1) == Some(name) { Self::Attribute } else { Self::Elsewhere }
    }
}

/// The ids that one operation of a JSON Patch gives to an attribute.
///
/// # Errors
/// Invalid where it brings a value from elsewhere in the document, which shows in the transaction only.
fn ids_of(operation: &Value, name: &str) -> Result<Vec<Uuid>> {
    let text = |key: &str| operation.get(key).and_then(Value::as_str).unwrap_or_default();
    let place = Place::of(text("path"), name);
    if matches!(text("op"), "copy" | "move") && !matches!(place, Place::Elsewhere) {
        return Err(Error::invalid(vec![refused(name, "is given by its value: you do not see the field")]));
    }
    let value = operation.get("value");
    let within = |key: &str| value.and_then(|value| value.get(key));
    Ok(match place {
        Place::Document => {
            let nested = within("attributes").and_then(|attributes| attributes.get(name));
            [within(name), nested].into_iter().flat_map(reference_ids).collect()
        }
        Place::Attributes => reference_ids(within(name)),
        Place::Attribute => reference_ids(value),
        Place::Elsewhere => Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_way_to_write_an_attribute_is_seen() {
        let id = Uuid::from_u128(7);
        let add = |path: &str, value: Value| json!({"op": "add", "path": path, "value": value});
        for operation in [
            add("/attributes/boss", json!(id)),
            add("/attributes/boss", json!([id])),
            add("/attributes/boss/-", json!(id)),
            add("/boss", json!(id)),
            add("/boss/0", json!(id)),
            add("/attributes", json!({"boss": id})),
            add("", json!({"boss": id})),
            add("", json!({"name": "x", "attributes": {"boss": id}})),
        ] {
            assert_eq!(ids_of(&operation, "boss").unwrap(), [id], "{operation}");
            assert!(ids_of(&operation, "other").unwrap().is_empty(), "{operation}");
        }
        for path in ["/attributes/boss", "/boss", "/attributes", ""] {
            for op in ["copy", "move"] {
                let brought = json!({"op": op, "from": "/attributes/note", "path": path});
                assert!(ids_of(&brought, "boss").is_err(), "{brought}");
            }
        }
        for operation in [
            json!({"op": "copy", "from": "/attributes/boss", "path": "/attributes/note"}),
            add("/attributesboss", json!(id)),
            add("/name", json!("boss")),
            add("/attributes/bosses", json!(id)),
        ] {
            assert!(ids_of(&operation, "boss").unwrap().is_empty(), "{operation}");
        }
    }
}

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
    let named: Vec<(&str, Uuid)> = unseen
        .flat_map(|field| {
            let name = field.field.name.as_str();
            named_ids(change, name).into_iter().map(move |id| (name, id))
        })
        .filter(|(_, named)| *named != id)
        .collect();
    if named.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = named.iter().map(|(_, id)| *id).collect();
    let found: HashSet<Uuid> =
        cx.services.items.get_all(&cx.access, &ids).await?.iter().map(|item| item.id).collect();
    let missing = named.iter().filter(|(_, id)| !found.contains(id));
    let violations: Vec<Violation> = missing
        .map(|(name, _)| Violation::new(format!("/attributes/{name}"), "refers to no item that you can see"))
        .collect();
    if violations.is_empty() { Ok(()) } else { Err(Error::invalid(violations)) }
}

/// The ids that a change gives to a field.
fn named_ids(change: &Change, name: &str) -> Vec<Uuid> {
    match change {
        Change::Create(body) | Change::Replace(body) | Change::Merge(body) => {
            reference_ids(body.attributes.get(name))
        }
        Change::Json(operations) => {
            operations.as_array().into_iter().flatten().flat_map(|one| ids_of(one, name)).collect()
        }
    }
}

/// The ids that one operation of a JSON Patch gives to a field, by itself or with all attributes.
fn ids_of(operation: &Value, name: &str) -> Vec<Uuid> {
    let path = operation.get("path").and_then(Value::as_str).unwrap_or_default();
    let value = operation.get("value");
    let within = path.strip_prefix("/attributes").map(|rest| rest.strip_prefix('/').unwrap_or(rest));
    match within {
        Some("") => reference_ids(value.and_then(|value| value.get(name))),
        Some(rest) if rest.split('/').next() == Some(name) => reference_ids(value),
        None if path.is_empty() => reference_ids(value.and_then(|value| value.get("attributes")?.get(name))),
        Some(_) | None => Vec::new(),
    }
}
